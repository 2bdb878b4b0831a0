import assert from 'node:assert/strict';
import { type Ip, type Prefix, parseIp, parsePrefix } from '../../src/model/address.ts';
import { stringify } from '../../src/model/json.ts';
import { type Announcement, type Lease, parseLease, printLease, printSubnetKey } from '../../src/model/lease.ts';
import { type Mac, parseMac } from '../../src/model/mac.ts';
import { type NetworkConfig, parseNetworkConfig } from '../../src/model/network-config.ts';
import { NET } from './kvs.ts';

/** Values from text that is known to be right. */
export function ip(text: string): Ip {
  const value = parseIp(text);
  assert.ok(value, text);
  return value;
}

export function prefix(text: string): Prefix {
  const value = parsePrefix(text);
  assert.ok(value, text);
  return value;
}

export function mac(text: string): Mac {
  const value = parseMac(text);
  assert.ok(value, text);
  return value;
}

/** A network config; `Network` is 10.5.0.0/16 unless given. */
export function networkOf(json: Record<string, unknown> = {}): NetworkConfig {
  const parsed = parseNetworkConfig(JSON.stringify({ Network: '10.5.0.0/16', ...json }));
  assert.ok(parsed.ok, stringify(parsed));
  return parsed.value;
}

/** Node ids that tell the nodes apart for a reader: `nodeId(7)` ends in 07. */
export const nodeId = (number: number): string => number.toString(16).padStart(32, '0');

/** What node `number` publishes, on 10.200.0.number. */
export const announcementOf = (number: number, peer: Announcement['peer'] = { type: 'udp' }): Announcement => ({
  publicIp: ip(`10.200.0.${number}`),
  peer,
  nodeId: nodeId(number),
  nodeName: `n${number}`,
});

/** A lease as it would be read back: its value is this text, its age is `revision`. */
export function leaseOf(subnet: string, value: string, revision = 10, leaseId = '77'): Lease {
  const key = `${NET}/subnets/${printSubnetKey(prefix(subnet))}`;
  const parsed = parseLease(value, { key, leaseId, created: String(revision), modified: String(revision) });
  assert.ok(parsed.ok, stringify(parsed));
  return parsed.value;
}

/** The lease of node `number`. */
export const nodeLease = (
  subnet: string,
  number: number,
  peer: Announcement['peer'] = { type: 'udp' },
  revision = 10,
): Lease => leaseOf(subnet, printLease(announcementOf(number, peer)), revision);
