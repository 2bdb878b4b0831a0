import { readFileSync } from 'node:fs';

/** How many CPUs the kernel may ever have: a lookup in a per-CPU map gives a value for each. `0-3,8-11` in its file is 12. */
export function possibleCpus(): number {
  const text = readFileSync('/sys/devices/system/cpu/possible', 'latin1').trim();
  const last = Math.max(...text.split(/[,-]/).map(Number));
  if (!Number.isInteger(last)) throw new Error(`possible CPUs are not understood: ${text}`);
  return last + 1;
}
