import { TsflannelError } from '../errors.ts';
import { containsIp, type Prefix, parseIp, parseIp4, parsePrefix, printIp } from '../model/address.ts';
import type { RouteRow } from '../model/report.ts';

/** A peer, and the address that stands for it in the network: that of its flannel device, or the host's own with host-gw. */
export interface PeerTarget {
  readonly row: RouteRow;
  readonly overlay: string;
  /** The container that is meant, where one is. */
  readonly container?: string;
}

const targetOf = (row: RouteRow): PeerTarget => {
  const subnet = parsePrefix(row.subnet) as Prefix;
  const first = printIp({ family: 4, value: subnet.address });
  return { row, overlay: row.backend === 'host-gw' ? row.publicIp : first };
};

/** Whether the row is of another node whose lease is believed. */
export const isPeer = ({ state, leaseId }: RouteRow): boolean =>
  leaseId !== undefined && state !== 'this node' && state !== 'rejected';

/** An IPv4 address as a number; 0 for what is none. */
export const numberOf = (address: string): number => Number(parseIp(address)?.value ?? 0n);

/** The peers that are meant by these names. Throws USAGE for one that nobody has. */
export function peersNamed(rows: readonly RouteRow[], names: readonly string[]): readonly PeerTarget[] {
  const peers = rows.filter(isPeer);
  if (names.length === 0) return peers.map(targetOf);
  return names.map((name) => {
    const found = peers.find(({ node, subnet, publicIp }) => [node, subnet, publicIp].includes(name));
    if (found) return targetOf(found);
    const ip = parseIp4(name);
    const holder = ip && peers.find(({ subnet }) => containsIp(parsePrefix(subnet) as Prefix, ip));
    if (holder) return { ...targetOf(holder), container: name };
    const known = peers.map(({ node }) => node).join(', ') || 'none';
    throw new TsflannelError('USAGE', { detail: `there is no peer ${name} (peers: ${known})` });
  });
}
