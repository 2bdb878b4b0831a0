import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { TsflannelError } from '../errors.ts';
import { isMissing, writeFileAtomic } from '../files/atomic.ts';
import { redact } from '../model/redact.ts';
import { packageRoot } from '../root.ts';
import { type Item, itemsOf, type Places } from './content.ts';

/** One question may take no longer, and tell no more: the last bytes count. */
const TIMEOUT_MS = 30_000;
const MAX_BYTES = 4 << 20;
/** Programs that run at once. */
const AT_ONCE = 4;

/** What became of one item. */
export interface Gathered {
  readonly name: string;
  readonly bytes: number;
  /** Why there is nothing of it. */
  readonly missing?: string;
}

interface Answer {
  readonly text?: string;
  readonly missing?: string;
}

function run(program: string, args: readonly string[]): Promise<Answer> {
  return new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MS, maxBuffer: 4 * MAX_BYTES };
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error?.code === 'ENOENT') resolve({ missing: `there is no ${program}` });
      else if (error?.killed) resolve({ missing: `not done in ${TIMEOUT_MS / 1000} s` });
      else resolve({ text: stdout === '' ? stderr : stdout });
    });
  });
}

async function fileText(path: string): Promise<Answer> {
  try {
    return { text: (await readFile(path)).subarray(-MAX_BYTES).toString() };
  } catch (error) {
    return { missing: isMissing(error) ? `there is no ${path}` : (error as Error).message };
  }
}

function answerOf({ from }: Item): Promise<Answer> {
  if (from.kind === 'file') return fileText(from.path);
  if (from.kind === 'tool') return run(from.argv[0], from.argv.slice(1));
  return run(process.execPath, [join(packageRoot(), 'bin', 'run.js'), ...from.argv]);
}

/** Passwords that were given to this process: they must not be in the bundle in any form. */
const secretsHere = (): string[] =>
  Object.entries(process.env).flatMap(([name, value]) => (/PASSWORD|TOKEN|SECRET/i.test(name) && value ? [value] : []));

async function gather(folder: string, items: readonly Item[]): Promise<readonly Gathered[]> {
  const secrets = secretsHere();
  const waiting = [...items];
  const gathered: Gathered[] = [];
  async function work(): Promise<void> {
    for (let item = waiting.shift(); item; item = waiting.shift()) {
      const { text, missing } = await answerOf(item);
      const safe = redact((text ?? '').slice(-MAX_BYTES), secrets);
      gathered.push({ name: item.name, bytes: safe.length, ...(missing !== undefined && { missing }) });
      if (missing !== undefined) continue;
      const path = join(folder, item.name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, safe, { mode: 0o600 });
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return gathered.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The folder as tar.gz. Throws TOOL_MISSING, TOOL_FAILED. */
function pack(folder: string, name: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const args = ['--create', '--gzip', '--owner=0', '--group=0', '--directory', folder, name];
    execFile('tar', args, { encoding: 'buffer', maxBuffer: 1 << 30 }, (error, stdout) => {
      if (error?.code === 'ENOENT')
        reject(new TsflannelError('TOOL_MISSING', { tool: 'tar', detail: error.message, package: 'tar' }));
      else if (error) reject(new TsflannelError('TOOL_FAILED', { tool: 'tar', detail: error.message }));
      else resolve(stdout);
    });
  });
}

/** Where the bundle is, and what is in it. */
export interface Bundle {
  readonly file: string;
  readonly bytes: number;
  readonly items: readonly Gathered[];
}

/** Writes one archive (0600) of what commands, kernel and files say, without secrets. Throws TOOL_MISSING, TOOL_FAILED, FILE_FAILED. */
export async function writeBundle(file: string, places: Places): Promise<Bundle> {
  const name = 'tsflannel-bundle';
  const scratch = await mkdtemp(join(tmpdir(), 'tsflannel-bundle-'));
  try {
    const folder = join(scratch, name);
    await mkdir(folder);
    const items = await gather(folder, itemsOf(places));
    await writeFile(join(folder, 'index.json'), `${JSON.stringify(items, null, 2)}\n`);
    const archive = await pack(scratch, name);
    await writeFileAtomic(file, archive, 0o600);
    return { file, bytes: archive.length, items };
  } finally {
    await rm(scratch, { recursive: true });
  }
}
