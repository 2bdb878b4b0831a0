import { mtuOf } from '../backend/desired.ts';
import type { InterfaceEvidence, NetworkEvidence, PeerEvidence } from '../doctor/evidence.ts';
import type { KernelState } from '../kernel/state.ts';
import { baseOf } from '../model/address.ts';
import { backendName, type Lease } from '../model/lease.ts';
import { type ReachTarget, reach, SMALLEST } from '../probe/reach.ts';
import { routeTo } from './interface.ts';

/** No more than this many are asked, and no more than this many with every size. */
const MAX_PEERS = 64;
const MAX_SIZED = 16;
/** MTUs that links are known to have: jumbo frames, Ethernet, PPPoE, tunnels, clouds, the least of IPv6. */
const USUAL = [
  9000, 8951, 8901, 1500, 1492, 1480, 1472, 1462, 1460, 1450, 1430, 1420, 1400, 1380, 1360, 1300, 1280, 1200, 1000, 576,
];
const SMALL = SMALLEST + 56;
const PROBE_MS = 500;

const sizesUpTo = (mtu: number, many: boolean): readonly number[] =>
  many ? [SMALL] : [...new Set([SMALL, mtu, ...USUAL.filter((size) => size < mtu)])];

/** Where the peer's own end of the tunnel answers: flannel's devices have the first address of their subnet. */
const tunnelEnd = ({ network, own }: NetworkEvidence, lease: Lease): number | undefined =>
  own && network.backend.type !== 'host-gw' && backendName(lease.peer) === network.backend.type
    ? Number(baseOf(lease.subnet).value)
    : undefined;

/** Every peer asked at once. */
export async function peersEvidence(
  network: NetworkEvidence,
  iface: InterfaceEvidence,
  state: KernelState,
): Promise<readonly PeerEvidence[]> {
  const { own, leases } = network;
  const peers = [...leases.values()].filter((lease) => lease.etcd.key !== own?.etcd.key).slice(0, MAX_PEERS);
  const many = peers.length > MAX_SIZED;
  const inner = mtuOf({ iface }, network.network);
  const targets = peers.flatMap((lease): ReachTarget[] => {
    const end = tunnelEnd(network, lease);
    const outer = { address: Number(lease.publicIp.value), sizes: sizesUpTo(iface.mtu, many) };
    return end === undefined ? [outer] : [outer, { address: end, sizes: sizesUpTo(inner, many) }];
  });
  const answered = await reach(targets, PROBE_MS);
  const sizeOf = (address: number | undefined) => (address === undefined ? undefined : answered.get(address));
  return peers.map((lease) => {
    const [underlay, end] = [sizeOf(Number(lease.publicIp.value)), tunnelEnd(network, lease)];
    const overlay = sizeOf(end);
    const device = routeTo(state, lease.publicIp)?.device;
    return {
      lease,
      underlay: underlay !== undefined,
      ...(underlay !== undefined && !many && { underlayMtu: underlay }),
      ...(end !== undefined && { overlay: overlay !== undefined }),
      ...(overlay !== undefined && !many && { overlayMtu: overlay }),
      ...(device !== undefined && { device }),
    };
  });
}
