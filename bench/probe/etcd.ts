/** The probe's hand on etcd: peers that are there by their keys only. */
import type { Kv, Op } from '../../src/store/kv.ts';
import { now } from '../stats.ts';

export const SUBNETS = '/coreos.com/network/subnets/';
export type BackendType = 'udp' | 'vxlan' | 'host-gw';

const DAY = 86_400;
/** etcd takes 128 operations a transaction. */
const BATCH = 100;

const hex = (n: number): string => n.toString(16).padStart(2, '0');

/** Subnet of the n-th peer: 10.128.0.0/24 and on. */
export const peerSubnet = (n: number): string => `10.${128 + (n >> 8)}.${n & 255}.0/24`;

/**
 * What a flanneld would have written. Peers of udp are at addresses that the underlay's namespace takes for its own, so that their
 * datagrams can be seen; those of host-gw must be on the link.
 */
export function peerValue(backend: BackendType, n: number): string {
  const PublicIP = `198.${backend === 'udp' ? 19 : 18}.${64 + (n >> 8)}.${n & 255}`;
  const mac = `02:be:ac:00:${hex(n >> 8)}:${hex(n & 255)}`;
  if (backend === 'vxlan')
    return JSON.stringify({ PublicIP, PublicIPv6: null, BackendType: 'vxlan', BackendData: { VNI: 1, VtepMAC: mac } });
  return JSON.stringify({ PublicIP, PublicIPv6: null, ...(backend === 'host-gw' && { BackendType: 'host-gw' }) });
}

export const peerKey = (n: number): string => `${SUBNETS}${peerSubnet(n).replace('/', '-')}`;

/** Writes the first `count` peers on one etcd lease. */
export async function fill(kv: Kv, backend: BackendType, count: number): Promise<void> {
  const lease = await kv.grant(DAY);
  for (let first = 0; first < count; first += BATCH) {
    const ops = Array.from({ length: Math.min(BATCH, count - first) }, (_, i): Op => {
      return { op: 'put', key: peerKey(first + i), value: peerValue(backend, first + i), lease };
    });
    await kv.txn([], ops);
  }
}

/** Puts one peer; when the request left, and when etcd's answer was here. */
export async function putPeer(kv: Kv, backend: BackendType, n: number): Promise<{ sent: number; answered: number }> {
  const sent = now();
  await kv.txn([], [{ op: 'put', key: peerKey(n), value: peerValue(backend, n) }]);
  return { sent, answered: now() };
}

export const dropPeer = (kv: Kv, n: number): Promise<unknown> => kv.txn([], [{ op: 'delete', key: peerKey(n) }]);

/** Whether this subnet or route is within those of the peers: 10.128.0.0 and on; a host takes one of the first thousand. */
export const isPeer = (subnet: string): boolean => /^10\.1\d\d\./.test(subnet);

/** Resolves with the time at which a key outside the peers' range appears: the daemon's own lease. */
export function ownLease(kv: Kv): Promise<number> {
  return new Promise((resolve) => {
    const stream = kv.watchStream(
      SUBNETS,
      0n,
      ({ events }) => {
        if (!events.some((event) => event.type === 'put' && !isPeer(event.kv.key.slice(SUBNETS.length)))) return;
        resolve(now());
        stream.close();
      },
      () => undefined,
    );
  });
}
