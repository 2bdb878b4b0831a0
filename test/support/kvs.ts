import type { KeyValue } from '../../src/store/kv.ts';

export const NET = '/coreos.com/network';

/** A key under the usual prefix as etcd would show it. */
export const kvOf = (name: string, value: string, modified: number, created = modified): KeyValue => ({
  key: `${NET}/${name}`,
  value,
  createRevision: BigInt(created),
  modRevision: BigInt(modified),
  version: 1n,
  lease: 77n,
});

export const configKv = (modified: number, config: object = { Network: '10.5.0.0/16' }): KeyValue => ({
  ...kvOf('config', JSON.stringify(config), modified),
  lease: 0n,
});

/** A lease as flanneld writes it for udp. */
export const leaseValue = (publicIp: string): string => JSON.stringify({ PublicIP: publicIp, PublicIPv6: null });

export const leaseKv = (subnet: string, modified: number, created = modified, publicIp = '192.168.1.1'): KeyValue =>
  kvOf(`subnets/${subnet.replace('/', '-')}`, leaseValue(publicIp), modified, created);
