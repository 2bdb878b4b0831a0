/**
 * Builds, lints and runs every layer of tests, one after the other; the last line is `N passed, N failed, N skipped`.
 * Usage: npm test [-- LAYER… --grep TEXT]. A layer is a folder of test/, or `lint`. Nothing is left out for want of a tool or of root.
 */
import { type StdioOptions, spawn, spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** In the order they run: quick ones first. Those that share the machine (namespaces, etcd, dockerd) need root and run file by file. */
const LAYERS = ['unit', 'types', 'property', 'golden', 'cli', 'sim', 'contract', 'lab', 'chaos'] as const;
const NEED_ROOT = new Set<string>(['contract', 'lab', 'chaos']);
/** Labs mostly wait, and each has namespaces of its own: so many of their files run at once, each by a mocha of its own. */
const LABS_AT_ONCE = 2;

interface Counts {
  readonly passes: number;
  readonly failures: number;
  readonly pending: number;
}

const NONE: Counts = { passes: 0, failures: 0, pending: 0 };
const ONE_FAILURE: Counts = { ...NONE, failures: 1 };

const say = (line: string): void => console.log(`\n== ${line}`);
const sum = (a: Counts, b: Counts): Counts => ({
  passes: a.passes + b.passes,
  failures: a.failures + b.failures,
  pending: a.pending + b.pending,
});

/** One npm script; a failure of it counts as one failed test. */
function script(name: string): Counts {
  say(name);
  const { status } = spawnSync('npm', ['run', '-s', name], { cwd: root, stdio: 'inherit' });
  return status === 0 ? NONE : ONE_FAILURE;
}

/** What the build makes and a reader has without one. */
const MADE = ['oclif.manifest.json', 'docs/commands.md', 'docs/errors.md'] as const;
const textOf = (file: string): string => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : '');

/** Builds; a manifest that was not the one of these commands is a failure: a stale one says "not found" for what is new. So is a stale page. */
function build(): Counts {
  const before = MADE.map(textOf);
  const counts = script('build');
  const stale = MADE.filter((file, at) => textOf(file) !== before[at]);
  if (counts.failures > 0 || stale.length === 0) return counts;
  console.log(`stale: ${stale.join(', ')}; new now: commit them`);
  return ONE_FAILURE;
}

/** mocha has told its counts but does not end: something the tests opened is still open. */
const END_GRACE_MS = 20_000;

interface Run {
  readonly files: readonly string[];
  readonly countsFile: string;
  /** Hold the output back and print it whole at the end. */
  readonly hold: boolean;
}

/** What files with failures printed, to be printed again at the end of a long log. */
const failed: string[] = [];

/** Runs mocha on these files; resolves to its counts, or to one failure when it broke off or hung. */
function mocha({ files, countsFile, hold }: Run, options: readonly string[]): Promise<Counts> {
  const argv = [join(root, 'node_modules/mocha/bin/mocha.js'), '--reporter', join(root, 'scripts/mocha-reporter.cjs')];
  const env = { ...process.env, TSFLANNEL_TEST_COUNTS: countsFile };
  return new Promise((resolve) => {
    const stdio: StdioOptions = hold ? ['ignore', 'pipe', 'pipe'] : 'inherit';
    const child = spawn(process.execPath, [...argv, ...options, ...files], { cwd: root, stdio, env });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (part) => {
        output += part;
      });
    let seen = 0;
    const timer = setInterval(() => {
      if (!existsSync(countsFile)) return;
      seen += 1000;
      if (seen <= END_GRACE_MS) return;
      console.log(`mocha does not end: a test left something open`);
      child.kill('SIGKILL');
    }, 1000);
    child.once('close', (code, signal) => {
      clearInterval(timer);
      const counts = read(countsFile, signal === null && code !== null);
      if (hold) console.log(output);
      if (hold && counts.failures > 0) failed.push(output);
      resolve(counts);
    });
  });
}

function read(countsFile: string, ended: boolean): Counts {
  const counts = existsSync(countsFile) ? (JSON.parse(readFileSync(countsFile, 'utf8')) as Counts) : ONE_FAILURE;
  return ended ? counts : sum(counts, ONE_FAILURE);
}

/** Each file by a mocha of its own, a few at once; who is free takes the next. */
async function oneByOne(name: string, files: readonly string[], options: readonly string[], scratch: string) {
  const waiting = files.map((file, i) => ({
    files: [file],
    countsFile: join(scratch, `${name}-${i}.json`),
    hold: true,
  }));
  let total = NONE;
  async function work(): Promise<void> {
    for (let run = waiting.shift(); run; run = waiting.shift()) {
      const started = Date.now();
      const counts = await mocha(run, options);
      total = sum(total, counts);
      console.log(`${run.files[0]}: ${line(counts)} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
    }
  }
  await Promise.all(Array.from({ length: LABS_AT_ONCE }, work));
  return total;
}

async function layer(name: string, options: readonly string[], scratch: string): Promise<Counts> {
  const files = globSync(`test/${name}/**/*.test.ts`, { cwd: root }).sort();
  if (files.length === 0) return NONE;
  const started = Date.now();
  say(`${name}: ${files.length} files`);
  if (NEED_ROOT.has(name) && process.getuid?.() !== 0) {
    console.log(`${name} needs root: sudo ./scripts/test`);
    return ONE_FAILURE;
  }
  const counts =
    name === 'lab'
      ? await oneByOne(name, files, options, scratch)
      : await mocha({ files, countsFile: join(scratch, `${name}.json`), hold: false }, options);
  console.log(`${name}: ${line(counts)} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return counts;
}

const line = ({ passes, failures, pending }: Counts): string =>
  `${passes} passed, ${failures} failed, ${pending} skipped`;

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { grep: { type: 'string' } } });
  const known = ['lint', ...LAYERS];
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    console.error(`no such layer: ${unknown.join(', ')} (there are ${known.join(', ')})`);
    return 2;
  }
  const wanted = new Set(positionals.length === 0 ? known : positionals);
  const scratch = mkdtempSync(join(tmpdir(), 'tsflannel-test-'));
  try {
    let total = build();
    if (existsSync(join(root, 'dist', 'main.js'))) {
      if (wanted.has('lint')) total = sum(total, script('lint'));
      const options = values.grep === undefined ? [] : ['--grep', values.grep];
      for (const name of LAYERS) if (wanted.has(name)) total = sum(total, await layer(name, options, scratch));
    }
    if (total.passes === 0 && total.failures === 0) console.log('no test fits');
    for (const output of failed) console.log(`\n== again, since something failed in it\n${output}`);
    console.log(`\n${line(total)}`);
    return total.failures === 0 && (total.passes > 0 || !positionals.some((name) => name !== 'lint')) ? 0 : 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

process.exitCode = await main();
