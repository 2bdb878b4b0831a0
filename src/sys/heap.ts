/**
 * The memory of a process that begins with a burst of work and then mostly waits. V8 and glibc keep what the burst took, for the next
 * one; a daemon gives it back.
 */
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Call = (...values: number[]) => number;

/** A function of the C library; does nothing where there is none of this name (musl). */
function libcCall(definition: string): Call {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  try {
    return koffi.load(null).func(definition) as Call;
  } catch {
    return () => 0;
  }
}

const M_TRIM_THRESHOLD = -1;
const M_MMAP_THRESHOLD = -3;
/** glibc's own value, which it raises as soon as large blocks come and go. */
const THRESHOLD = 128 << 10;

/** Before the burst: V8's young generation stays as large as it is, and blocks beyond 128 KB go back to the system one by one. */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  const mallopt = libcCall('int mallopt(int, int)');
  mallopt(M_TRIM_THRESHOLD, THRESHOLD);
  mallopt(M_MMAP_THRESHOLD, THRESHOLD);
}

/** After the burst: collects (some 10 ms for thousands of leases), hands what is free to the system, and from now on collects sooner. */
export function shrinkHeap(): void {
  // By itself V8 lets the garbage of a heap this small grow to a multiple of what lives.
  setFlagsFromString('--heap-growing-percent=25');
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  libcCall('int malloc_trim(size_t)')(0);
}
