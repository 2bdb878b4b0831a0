/** A host whose wall clock is wrong: tsflannel and the real etcd under it read another time than the rest of the machine. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import type { TestHost } from './hosts.ts';

export const DAY = 86_400;

export interface ShiftedClock {
  /** Environment of a program whose clock is so many seconds ahead. */
  env(seconds: number): NodeJS.ProcessEnv;
  /** An etcd of this host whose clock is; for `--etcd-binary`. It has an environment of its own, so that its clock is set here. */
  etcd(host: TestHost, seconds: number): string;
}

/** Builds the library that is loaded before them, into this folder. */
export async function shiftClock(dir: string): Promise<ShiftedClock> {
  mkdirSync(dir, { recursive: true });
  const library = join(dir, 'shifted-clock.so');
  await execa('clang', ['-O1', '-shared', '-fPIC', '-o', library, join(import.meta.dirname, 'shifted-clock.c')]);
  const env = (seconds: number) => ({ LD_PRELOAD: library, SHIFT_CLOCK: String(seconds) });
  return {
    env,
    etcd(host, seconds) {
      const file = join(dir, `etcd-of-${host.namespace}`);
      const set = Object.entries(env(seconds)).map(([name, value]) => `${name}=${value}`);
      writeFileSync(file, `#!/bin/sh\nexec env ${set.join(' ')} /usr/bin/etcd "$@"\n`);
      chmodSync(file, 0o755);
      return file;
    },
  };
}
