import { TsflannelError } from '../errors.ts';
import { type Liveness, startLiveness, type Target } from '../liveness/liveness.ts';
import { printIp, printPrefix } from '../model/address.ts';
import type { Lease } from '../model/lease.ts';
import type { Check, PeerLiveness } from '../model/report.ts';
import type { Node } from './node.ts';

const numberOf = (value: bigint): number => Number(value);

/** flannel's devices have the first address of their subnet; host-gw has none. Both are asked at where their packets go. */
export const targetOf = ({ peer, publicIp, subnet }: Lease): Target => ({
  address: numberOf(peer.type === 'host-gw' ? publicIp.value : subnet.address),
  subnet: numberOf(subnet.address),
  length: subnet.length,
});

function targets({ follower, holder }: Pick<Node, 'follower' | 'holder'>): ReadonlyMap<string, Target> {
  const peers = [...follower.peers(holder.current().key)].filter(([, { publicIp }]) => publicIp.family === 4);
  return new Map(peers.map(([key, lease]) => [key, targetOf(lease)]));
}

type Asking = Pick<Node, 'parts' | 'follower' | 'holder'>;

/** Begins to ask the peers, unless that is switched off or the kernel does not let us: the node does without. */
export function askPeers(node: Asking, everyMs: number): Liveness | undefined {
  const { parts, holder } = node;
  if (!parts.openEcho || everyMs === 0) return undefined;
  try {
    return startLiveness({
      port: parts.openEcho(),
      clock: parts.clock,
      random: parts.random,
      everyMs,
      self: () => {
        const { address, length } = holder.current().subnet;
        return { subnet: numberOf(address), length };
      },
      peers: () => targets(node),
    });
  } catch (error) {
    if (!(error instanceof TsflannelError)) throw error;
    parts.log('peers-not-asked', error.message);
    return undefined;
  }
}

const nameOf = (lease: Lease | undefined): string =>
  lease ? `${lease.nodeName ?? printIp(lease.publicIp)} (${printPrefix(lease.subnet)})` : 'a node';

/** What is worst comes first. */
const FAULTS: readonly PeerLiveness['verdict'][] = ['one-way', 'loses', 'silent'];

/** A subnet that is kept for a node (a reservation) may be there without the node. */
const isReserved = (lease: Lease | undefined): boolean => lease?.etcd.leaseId === '0';

/**
 * What `status` says of the peers. A silent one may be switched off or cut off, which nobody can tell from here: with a lease that has not
 * ended it should be there.
 */
export function peersCheck(figures: ReadonlyMap<string, PeerLiveness>, leases: ReadonlyMap<string, Lease>): Check {
  const all = [...figures];
  const answering = all.filter(([, { verdict }]) => verdict === 'answers' || verdict === 'loses').length;
  const faults = FAULTS.flatMap((fault) =>
    all.filter(([key, { verdict }]) => verdict === fault && !(fault === 'silent' && isReserved(leases.get(key)))),
  );
  const worst = faults[0];
  const count = all.length === 0 ? 'none' : `${answering} of ${all.length} answer`;
  if (!worst) return { name: 'peers', state: 'ok', detail: count };
  const [key, { asked, lost, detail }] = worst;
  const what = detail ?? `${lost} of ${asked} requests lost`;
  const more = faults.length > 1 ? `, and ${faults.length - 1} more` : '';
  return {
    name: 'peers',
    state: 'degraded',
    detail: `${count}; ${nameOf(leases.get(key))}: ${what}${more}`,
  };
}
