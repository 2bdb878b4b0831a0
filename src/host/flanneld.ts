import { readdir, readFile, readlink } from 'node:fs/promises';
import { TsflannelError } from '../errors.ts';
import { KUBE_DEFAULTS } from '../output/flanneld-flags.ts';

/** Throws KUBE_NOT_YET for a flag that asks for Kubernetes; flanneld's defaults are none. */
export function refuseKube(flags: Readonly<Record<string, unknown>>): void {
  for (const [flag, usual] of Object.entries(KUBE_DEFAULTS)) {
    const value = flags[flag];
    if (value !== undefined && value !== '' && value !== usual) throw new TsflannelError('KUBE_NOT_YET', { flag });
  }
}

/** Throws FLANNELD_RUNS when one lives in our network namespace. */
export async function refuseRunningFlanneld(): Promise<void> {
  const here = await readlink('/proc/self/ns/net');
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    // A distribution may have named its own build.
    if (!name.includes('flanneld')) continue;
    if ((await readlink(`/proc/${pid}/ns/net`).catch(() => '')) === here)
      throw new TsflannelError('FLANNELD_RUNS', { pid });
  }
}
