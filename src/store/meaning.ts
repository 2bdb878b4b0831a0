import { printIp, printPrefix } from '../model/address.ts';
import { parseLease } from '../model/lease.ts';
import { parseNetworkConfig, subnetCount } from '../model/network-config.ts';
import { type Parsed, printable } from '../model/parsed.ts';
import type { KeyValue } from './kv.ts';

/** What a key of etcd is to flannel, in words. */
export interface Meaning {
  readonly kind: 'config' | 'lease' | 'other';
  /** One line, safe to print. */
  readonly text: string;
  /** Why flannel would not take it; the text says it too. */
  readonly invalid?: string;
}

const said = <T>(kind: Meaning['kind'], parsed: Parsed<T>, text: (value: T) => string): Meaning => {
  if (parsed.ok) return { kind, text: text(parsed.value) };
  const invalid = parsed.rejection.detail;
  return { kind, text: `not valid: ${invalid}`, invalid };
};

/** Reads a key and its value as flannel does; `prefix` as `/coreos.com/network`. */
export function meaningOf(kv: Pick<KeyValue, 'key' | 'value'>, prefix: string): Meaning {
  const { key, value } = kv;
  if (key === `${prefix}/config`)
    return said('config', parseNetworkConfig(value), (config) => {
      const { network, subnetLength, backend } = config;
      return `network ${printPrefix(network)}, ${subnetCount(config)} subnets of /${subnetLength}, backend ${backend.type}`;
    });
  if (key.startsWith(`${prefix}/subnets/`))
    return said('lease', parseLease(value, { key, leaseId: '0', created: '0', modified: '0' }), (lease) => {
      const { subnet, publicIp, peer, nodeName } = lease;
      const backend = peer.type === 'other' ? peer.name : peer.type;
      const node = nodeName === undefined ? '' : `${nodeName} at `;
      return `${printPrefix(subnet)} of ${node}${printIp(publicIp)}, backend ${backend}`;
    });
  return { kind: 'other', text: printable(value) };
}
