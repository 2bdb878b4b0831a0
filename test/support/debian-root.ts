/**
 * A root of its own over this machine's, with Debian packages in it that scripts/setup unpacked and did not install: what runs in it sees
 * this machine with those programs, and what it writes is gone with it. As a program (node debian-root.ts PACKAGES DIR FOLDER…) it is the
 * first process of those namespaces.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const REPOSITORY = dirname(dirname(import.meta.dirname));

export interface DebianRoot {
  /** What stands before a program, so that it runs in there. */
  readonly enter: readonly string[];
  /** What was started in it must have ended. */
  close(): Promise<void>;
}

/** What is in it besides the packages: whole folders instead of this machine's, and files. Paths are absolute. */
export interface Furniture {
  readonly folders: readonly string[];
  readonly files: readonly { readonly path: string; readonly content: string; readonly mode?: number }[];
}

const packages = (name: string): string => join(REPOSITORY, '.cache', 'debian', name, 'root');

/** Makes the root of this package. Nothing may be written through /proc/PID/root: go in by `enter`. */
export async function openDebianRoot(name: string, { folders, files }: Furniture): Promise<DebianRoot> {
  if (!existsSync(packages(name))) throw new Error(`${name} is not unpacked: run scripts/setup`);
  const dir = mkdtempSync(join(tmpdir(), 'tsflannel-root-'));
  for (const { path, content, mode = 0o644 } of files) {
    const staged = join(dir, 'files', path);
    mkdirSync(dirname(staged), { recursive: true });
    writeFileSync(staged, content, { mode });
  }
  const argv = ['--mount', '--uts', process.execPath, import.meta.filename, packages(name), dir, ...folders];
  const holder = spawn('unshare', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(holder, 'exit');
  const close = async (): Promise<void> => {
    holder.stdin.end();
    await ended;
    rmSync(dir, { recursive: true });
  };
  const [said] = (await Promise.race([once(holder.stdout, 'data'), ended])) as [unknown];
  // What is done in there must never be done to this machine.
  if (String(said) !== 'ready' || statSync(`/proc/${holder.pid}/root`).dev === statSync('/').dev) {
    await close();
    throw new Error(`the root of ${name} could not be made`);
  }
  return { enter: ['nsenter', `--target=${holder.pid}`, '--mount', '--uts', '--root', '--wd', '--'], close };
}

function must(...[program = '', ...args]: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
}

const copy = (from: string, to: string): void => cpSync(from, to, { recursive: true, verbatimSymlinks: true });

/** /bin, /sbin and /lib are links into /usr since Debian 12, and still folders in its packages. */
function copyPackages(from: string, upper: string): void {
  for (const folder of readdirSync(from))
    copy(join(from, folder), join(upper, /^(?:bin|sbin|lib(?:64)?)$/.test(folder) ? join('usr', folder) : folder));
}

/** In the new namespaces: mounts all of it, and stays in it until its stdin ends. */
function hold(from: string, dir: string, folders: readonly string[]): void {
  const layers = join(dir, 'layers');
  const [upper, work, root] = ['upper', 'work', 'root'].map((name) => join(layers, name)) as [string, string, string];
  must('mount', '--make-rprivate', '/');
  mkdirSync(layers);
  must('mount', '-t', 'tmpfs', 'tmpfs', layers);
  for (const folder of [upper, work, root]) mkdirSync(folder);
  copyPackages(from, upper);
  must('mount', '-t', 'overlay', 'overlay', '-o', `lowerdir=/,upperdir=${upper},workdir=${work}`, root);
  for (const folder of ['/run', ...folders]) {
    mkdirSync(join(root, folder), { recursive: true });
    must('mount', '-t', 'tmpfs', 'tmpfs', join(root, folder));
  }
  if (existsSync(join(dir, 'files'))) copy(join(dir, 'files'), root);
  const seen = ['/proc', '/sys', '/dev', '/tmp', realpathSync(join(REPOSITORY, 'node_modules')), REPOSITORY];
  for (const folder of new Set(seen)) {
    mkdirSync(join(root, folder), { recursive: true });
    must('mount', '--rbind', folder, join(root, folder));
  }
  // It is told from within that the root is this one.
  writeFileSync(join(root, 'run', 'ready'), 'ready');
  process.execve?.('/usr/sbin/chroot', ['chroot', root, 'cat', '/run/ready', '-'], { PATH: '/usr/bin:/bin' });
}

const [from = '', dir = '', ...folders] = process.argv.slice(2);
if (process.argv[1] === import.meta.filename) hold(from, dir, folders);
