import { createHash } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { readIfThere } from '../files/atomic.ts';

/** Given by the firmware or the hypervisor; root reads it. A copied disk does not bring it along, as it does /etc/machine-id. */
const PRODUCT_UUID = '/sys/class/dmi/id/product_uuid';

/**
 * What tells this machine from one that runs on a copy of its disk, 16 hex digits: a hash of its firmware's uuid and of the underlay
 * interface's MAC. `undefined` where it has neither.
 */
export async function hostFingerprint(device: string): Promise<string | undefined> {
  const uuid = await readIfThere(PRODUCT_UUID).catch(() => undefined);
  const mac = networkInterfaces()[device]?.[0]?.mac;
  if (uuid === undefined && mac === undefined) return undefined;
  return createHash('sha256').update(`${uuid?.trim()}/${mac}`).digest('hex').slice(0, 16);
}
