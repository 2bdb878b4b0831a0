import { printIp, printPrefix, samePrefix } from '../model/address.ts';
import type { CarrierReport, PeerTraffic, SourceCounters } from '../model/carrier-report.ts';
import type { Lease } from '../model/lease.ts';
import type { Check } from '../model/report.ts';

function carrierCheck(report: CarrierReport | undefined): Check {
  if (!report) return { name: 'carrier', state: 'degraded', detail: 'none runs' };
  const instead = report.instead === undefined ? '' : `; not ${report.instead}`;
  return { name: 'carrier', state: 'ok', detail: `${report.type}: ${report.how}${instead}` };
}

/** Nothing of what comes in this peer's name is from its address: flanneld --public-ip does that, and so does an address behind NAT. */
/** As far as the source check is concerned. */
type PeerSources = Omit<PeerTraffic, 'sent'>;

const isShutOut = ({ refused, received }: PeerSources): boolean => refused > 0 && received.packets === 0;

function describe({ subnet, refused, refusedFrom }: PeerSources, leases: Iterable<Lease>): string {
  const lease = [...leases].find((one) => samePrefix(one.subnet, subnet));
  const name = lease?.nodeName ?? 'a node';
  const from = refusedFrom ? ` from ${printIp(refusedFrom)}` : '';
  const leased = lease ? `, but its lease says ${printIp(lease.publicIp)}` : '';
  return `${refused} packets of ${name} (${printPrefix(subnet)}) came${from}${leased}: dropped; see Backend.SourceCheck`;
}

/** Peers that the source check keeps out come first; packets refused beside others of the same peer are no fault of ours. */
function sourceCheck(peers: readonly PeerSources[], leases: Iterable<Lease>): Check {
  const shutOut = peers.find(isShutOut);
  if (shutOut) return { name: 'sources', state: 'degraded', detail: describe(shutOut, leases) };
  const refused = peers.reduce((sum, peer) => sum + peer.refused, 0);
  return { name: 'sources', state: 'ok', detail: refused === 0 ? 'none refused' : `${refused} forged packets refused` };
}

/** What `status` says of backend udp: the carrier that runs, and peers whose packets it does not take. */
export const carrierChecks = (
  report: CarrierReport | undefined,
  peers: readonly PeerTraffic[],
  leases: Iterable<Lease>,
): Check[] => [carrierCheck(report), ...(report ? [sourceCheck(peers, leases)] : [])];

/** What `status` says of the source check of a kernel backend; `problem`: why there is none on this host. */
export function sourceChecks(
  counters: SourceCounters | undefined,
  problem: string | undefined,
  leases: Iterable<Lease>,
): Check[] {
  if (problem !== undefined) {
    const detail = `not checked, forged packets come in: ${problem}; or set Backend.SourceCheck to off`;
    return [{ name: 'sources', state: 'degraded', detail }];
  }
  if (!counters) return [];
  const check = sourceCheck(counters.peers, leases);
  const dropped = Object.entries(counters.drops).filter(([, packets]) => packets > 0);
  if (check.state !== 'ok' || dropped.length === 0) return [check];
  return [{ ...check, detail: `dropped: ${dropped.map(([reason, packets]) => `${packets} ${reason}`).join(', ')}` }];
}
