import { type DownOptions, type DownResult, runDown } from '../daemon/down.ts';
import { systemClock } from '../model/clock.ts';
import type { EtcdFlags } from '../output/flags.ts';
import { resolveConnection } from './connection.ts';
import { openStoreAt, plainKernel } from './node.ts';

/** `down` on the real parts. */
export async function takeDown(options: DownOptions, flags: EtcdFlags): Promise<DownResult> {
  const kernel = await plainKernel();
  try {
    const openStore = async () => openStoreAt(await resolveConnection(flags));
    return await runDown(options, { kernel, clock: systemClock, openStore });
  } finally {
    await kernel.close();
  }
}
