/** The file system that keeps BPF objects alive without a process, and what tells one network namespace from another. */
import { mkdirSync, readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { refusedBpf } from './bpf.ts';
import { libc } from './libc.ts';

const ROOT = '/sys/fs/bpf';
/** Our mount's source, where others write `bpf`: that is how it is known again. */
const OURS = 'tsflannel';
const BPF_FS_MAGIC = 0xcafe4a11;

const isBpffs = (path: string): boolean => {
  try {
    return statfsSync(path).type === BPF_FS_MAGIC;
  } catch {
    return false;
  }
};

/** In every bpffs. */
const KERNELS_OWN = new Set(['maps.debug', 'progs.debug']);

/** Rarely needed: bound when it is. */
function bind(definition: string): (...args: unknown[]) => number {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  return koffi.load(null).func(definition) as (...args: unknown[]) => number;
}

function mount(path: string): void {
  const call = bind('int mount(const char *, const char *, const char *, unsigned long, const void *)');
  if (call(OURS, path, 'bpf', 0, null) < 0) throw refusedBpf(`mounting a bpffs at ${path}`, libc().errno());
}

/** The folder in which our pins are; a bpffs is mounted where the system has not done it. Throws NOT_ROOT, KERNEL_REFUSED. */
export function pinRoot(): string {
  if (!isBpffs(ROOT)) mount(ROOT);
  return `${ROOT}/tsflannel`;
}

const isOurMount = (): boolean =>
  readFileSync('/proc/self/mounts', 'latin1')
    .split('\n')
    .some((line) => line.startsWith(`${OURS} ${ROOT} bpf `));

/** Takes away the bpffs that `pinRoot` has mounted, when nothing is pinned in it any more, by whomever. */
export function leavePinRoot(): void {
  if (!isBpffs(ROOT) || !isOurMount() || readdirSync(ROOT).some((name) => !KERNELS_OWN.has(name))) return;
  // Refused where somebody looks at it just now: then the next one to leave does it.
  bind('int umount2(const char *, int)')(ROOT, 0);
}

/** The same without mounting anything; `undefined`: nothing can be pinned here. */
export const pinRootIfThere = (): string | undefined => (isBpffs(ROOT) ? `${ROOT}/tsflannel` : undefined);

/** Number of the network namespace this process is in, by which /proc/PID/ns/net are told apart. */
export const namespaceNumber = (): number => statSync('/proc/self/ns/net').ino;

/** Makes the folder and those above it. */
export const makeFolder = (path: string): void => void mkdirSync(path, { recursive: true });
