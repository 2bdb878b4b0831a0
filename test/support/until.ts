import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until `condition` holds; fails with `what` after `ms`. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited ${ms} ms in vain for: ${what}`);
    await sleep(5);
  }
}
