/** The file system that keeps BPF objects alive without a process, and what tells one network namespace from another. */
import { mkdirSync, statfsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { refusedBpf } from './bpf.ts';
import { libc } from './libc.ts';

const ROOT = '/sys/fs/bpf';
const BPF_FS_MAGIC = 0xcafe4a11;

const isBpffs = (path: string): boolean => {
  try {
    return statfsSync(path).type === BPF_FS_MAGIC;
  } catch {
    return false;
  }
};

function mount(path: string): void {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const call = koffi
    .load(null)
    .func('int mount(const char *, const char *, const char *, unsigned long, const void *)');
  if (call('bpf', path, 'bpf', 0, null) < 0) throw refusedBpf(`mounting a bpffs at ${path}`, libc().errno());
}

/** The folder in which our pins are; a bpffs is mounted where the system has not done it. Throws NOT_ROOT, KERNEL_REFUSED. */
export function pinRoot(): string {
  if (!isBpffs(ROOT)) mount(ROOT);
  return `${ROOT}/tsflannel`;
}

/** The same without mounting anything; `undefined`: nothing can be pinned here. */
export const pinRootIfThere = (): string | undefined => (isBpffs(ROOT) ? `${ROOT}/tsflannel` : undefined);

/** Number of the network namespace this process is in, by which /proc/PID/ns/net are told apart. */
export const namespaceNumber = (): number => statSync('/proc/self/ns/net').ino;

/** Makes the folder and those above it. */
export const makeFolder = (path: string): void => void mkdirSync(path, { recursive: true });
