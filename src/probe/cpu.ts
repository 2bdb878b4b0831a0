import { readFileSync } from 'node:fs';

/** USER_HZ: what /proc/stat counts in, 100 a second on every machine Node runs on. */
const TICKS = 100;
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/**
 * CPU seconds of the whole machine since its start, by the first line of /proc/stat: user, nice, system, irq and softirq, so that work
 * the kernel does for nobody's account is in it. Idle, waiting for disks and stolen time are not.
 */
export function busySeconds(stat: string): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (stat.split('\n')[0] ?? '')
    .split(/\s+/)
    .map(Number);
  return (user + nice + system + irq + softirq) / TICKS;
}

/** Of this machine, now. */
export const busyNow = (): number => busySeconds(readFileSync('/proc/stat', 'latin1'));

/** Tells machines apart; namespaces of one machine have the same. */
export const machineId = (): string => readFileSync(BOOT_ID, 'latin1').trim();
