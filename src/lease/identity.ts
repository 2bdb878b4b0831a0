import { TsflannelError } from '../errors.ts';
import { printIp, printPrefix, sameIp } from '../model/address.ts';
import type { Announcement, Lease } from '../model/lease.ts';
import type { Store } from '../store/store.ts';
import { isReserved } from './choose.ts';

/** A living node of ours renews every ten minutes at least, and at least three times in the life of its lease. */
const SILENT_SECONDS = 1_200;

/** Whether the lease was renewed so lately that its owner can only be alive. */
async function isRenewed(store: Store, { etcd }: Lease): Promise<boolean> {
  const { left, granted } = await store.timeToLive(BigInt(etcd.leaseId));
  return left >= 0 && granted - left < Math.min(granted / 2, SILENT_SECONDS);
}

/**
 * Whether a lease with our id was written on another machine: both the fingerprint and the address are others. One alone is a changed
 * address, or a changed network card.
 */
export const isElsewhere = (lease: Lease, { hostId, publicIp }: Announcement): boolean =>
  lease.hostId !== undefined && hostId !== undefined && lease.hostId !== hostId && !sameIp(lease.publicIp, publicIp);

/** A node with our address that is not this machine (which has another id after it was set up anew). */
const hasOurAddress = (lease: Lease, { nodeId, hostId, publicIp }: Announcement): boolean =>
  lease.nodeId !== undefined &&
  lease.nodeId !== nodeId &&
  sameIp(lease.publicIp, publicIp) &&
  (lease.hostId === undefined || lease.hostId !== hostId);

const detailsOf = (lease: Lease) => ({
  node: lease.nodeName ?? lease.nodeId ?? '-',
  ip: printIp(lease.publicIp),
  subnet: printPrefix(lease.subnet),
});

/**
 * Throws NODE_ID_CLONED when another machine lives under our id (a copied disk), PUBLIC_IP_TAKEN when another node lives at our address.
 * etcd is asked only about leases that look so.
 */
export async function checkIdentity(store: Store, own: Announcement, leases: Iterable<Lease>): Promise<void> {
  for (const lease of leases) {
    const cloned = lease.nodeId === own.nodeId && isElsewhere(lease, own);
    // Nobody renews a reservation: there the first one is taken to be alive.
    if (cloned && (isReserved(lease) || (await isRenewed(store, lease))))
      throw new TsflannelError('NODE_ID_CLONED', detailsOf(lease));
    if (hasOurAddress(lease, own) && !isReserved(lease) && (await isRenewed(store, lease)))
      throw new TsflannelError('PUBLIC_IP_TAKEN', detailsOf(lease));
  }
}
