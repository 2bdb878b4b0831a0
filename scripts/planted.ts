/**
 * Plants each bug of test/planted/bugs.ts in a copy of the tree and runs the one test that must catch it: the run fails when a bug no
 * longer applies, or when its test passes. Usage: npm run test:planted [-- NAME-PART].
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PLANTED_BUGS, type PlantedBug } from '../test/planted/bugs.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** All that tests need of the tree; nothing of it is written to but the planted file. */
const PARTS = ['src', 'test', 'bin', 'bpf', 'templates', 'package.json', 'tsconfig.json', '.mocharc.json'];

function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'tsflannel-planted-'));
  for (const part of PARTS) cpSync(join(root, part), join(copy, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** Whether mocha passes in the copy; `undefined`: it did not come to run any test. */
function passes(copy: string, test: string): boolean | undefined {
  const counts = join(copy, 'counts.json');
  const env = { ...process.env, TSFLANNEL_TEST_COUNTS: counts };
  const argv = [
    'node_modules/mocha/bin/mocha.js',
    '--exit',
    // A bug may make a test wait for ever.
    '--timeout',
    '30000',
    '--reporter',
    join(root, 'scripts/mocha-reporter.cjs'),
    test,
  ];
  rmSync(counts, { force: true });
  spawnSync(process.execPath, argv, { cwd: copy, env, stdio: 'ignore', timeout: 300_000 });
  if (!existsSync(counts)) return undefined;
  const { passes, failures } = JSON.parse(readFileSync(counts, 'utf8')) as { passes: number; failures: number };
  return passes + failures === 0 ? undefined : failures === 0;
}

/** Tests that pass while nothing is planted. */
const sound = new Set<string>();

function isSound(copy: string, test: string): boolean {
  if (!sound.has(test) && passes(copy, test)) sound.add(test);
  return sound.has(test);
}

/** How the bug escapes; undefined: it is caught. */
function wayOut(copy: string, { file, find, put, test }: PlantedBug): string | undefined {
  const path = join(copy, file);
  const text = readFileSync(path, 'utf8');
  if (text.split(find).length !== 2) return `its text occurs not once in ${file}`;
  if (!isSound(copy, test)) return `${test} fails without it too`;
  writeFileSync(
    path,
    text.replace(find, () => put),
  );
  try {
    const result = passes(copy, test);
    if (result === undefined) return `${test} does not run`;
    return result ? `${test} passes all the same` : undefined;
  } finally {
    writeFileSync(path, text);
  }
}

const [part = ''] = process.argv.slice(2);
const copy = copyTree();
let escaped = 0;
try {
  for (const bug of PLANTED_BUGS.filter(({ name }) => name.includes(part))) {
    const problem = wayOut(copy, bug);
    if (problem !== undefined) escaped++;
    console.log(
      `${problem === undefined ? 'caught' : 'ESCAPED'}  ${bug.name}${problem === undefined ? '' : `: ${problem}`}`,
    );
  }
} finally {
  rmSync(copy, { recursive: true });
}
console.log(`${escaped} escaped`);
process.exitCode = escaped === 0 ? 0 : 1;
