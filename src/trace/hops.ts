/**
 * trace/ knows what a packet meets on its way from a container of this host to one of another, hop by hop; it must not know how the host is
 * asked. What the other host does is told by its answer alone.
 */
import { containsIp, parseIp, parsePrefix } from '../model/address.ts';
import type { EchoFigures } from '../model/connectivity.ts';
import { milliseconds } from '../model/duration.ts';
import type { RouteRow } from '../model/report.ts';

/** The kernel's answer to `ip route get`. */
export interface RouteAnswer {
  readonly device: string;
  readonly via?: string;
  readonly source?: string;
  /** The address is this host's own. */
  readonly local: boolean;
}

/** A device with its counters. */
export interface DeviceFacts {
  readonly name: string;
  /** `vxlan`, `tun`, `bridge`, or `-`. */
  readonly kind: string;
  readonly mtu: number;
  readonly up: boolean;
  readonly sent: number;
  readonly received: number;
  readonly dropped: number;
  /** Of a VXLAN. */
  readonly vni?: number;
  readonly port?: number;
}

/** A rule of ours with what it has counted. */
export interface RuleFacts {
  readonly chain: string;
  readonly text: string;
  readonly packets: number;
}

/** What the host said. A `string` is why it said no. */
export interface TraceEvidence {
  readonly from: string;
  readonly to: string;
  /** Where the sender is. */
  readonly origin: RouteAnswer | string;
  readonly route: RouteAnswer | string;
  readonly device?: DeviceFacts;
  /** Link-layer address of the next hop, and of the VTEP behind it where there is one. */
  readonly mac?: string;
  readonly vtep?: string;
  /** `undefined`: rules cannot be read here. */
  readonly rules?: readonly RuleFacts[];
  /** The lease that holds the destination. */
  readonly row?: RouteRow;
  readonly outer?: RouteAnswer | string;
  readonly outerMac?: string;
  readonly underlay?: DeviceFacts;
  /** Of the other node's address in the network. */
  readonly answer?: EchoFigures;
}

/** One step of the way. */
export interface Hop {
  readonly hop: string;
  readonly what: string;
  readonly result: 'ok' | 'warn' | 'fail';
}

const ok = (hop: string, what: string): Hop => ({ hop, what, result: 'ok' });
const warn = (hop: string, what: string): Hop => ({ hop, what, result: 'warn' });
const fail = (hop: string, what: string): Hop => ({ hop, what, result: 'fail' });

const counters = ({ sent, received, dropped }: DeviceFacts): string =>
  `${sent} sent, ${received} received, ${dropped} dropped`;

function originHop({ from, origin }: TraceEvidence): Hop {
  if (typeof origin === 'string') return fail('sender', `${from}: ${origin}`);
  return ok('sender', origin.local ? `${from} is this host's own` : `${from} is behind ${origin.device}`);
}

/** Whether `-s` and `-d` of an iptables rule fit both addresses. */
function fits(text: string, from: string, to: string): boolean {
  const isIn = (flag: string, address: string): boolean => {
    const [, not, prefix = ''] = new RegExp(`(! )?-${flag} (\\S+)`).exec(text) ?? [];
    const [parsed, ip] = [parsePrefix(prefix), parseIp(address)];
    return (
      prefix === '' || (parsed !== undefined && ip !== undefined && containsIp(parsed, ip) !== (not !== undefined))
    );
  };
  return isIn('s', from) && isIn('d', to);
}

function ruleHop({ rules, from, to }: TraceEvidence, chain: string, why: string): Hop {
  if (!rules) return warn(chain, 'the rules cannot be read here');
  const rule = rules.find((one) => one.chain === chain && fits(one.text, from, to));
  return rule
    ? ok(chain, `${rule.text} (${why}; ${rule.packets} packets so far)`)
    : warn(chain, `no rule of ours fits: ${why} is left to others`);
}

function routeHop({ to, route }: TraceEvidence): Hop {
  if (typeof route === 'string') return fail('route', `${to}: ${route}`);
  const via = route.via === undefined ? '' : ` by ${route.via}`;
  return ok('route', route.local ? `${to} is this host's own` : `to ${route.device}${via}`);
}

function leaseHop({ to, row, route }: TraceEvidence): Hop {
  if (!row) return fail('lease', `nobody leases the subnet of ${to}`);
  const name = `${row.subnet} is ${row.node}'s, at ${row.publicIp}`;
  if (row.state !== 'ok')
    return fail('lease', `${name}, but its route is ${row.state}${row.detail ? `: ${row.detail}` : ''}`);
  const elsewhere = typeof route !== 'string' && row.device !== undefined && route.device !== row.device;
  return elsewhere ? fail('lease', `${name}, by ${row.device}; the kernel takes another way`) : ok('lease', name);
}

function tunnelHops({ device, mac, vtep, row }: TraceEvidence): Hop[] {
  if (!device) return [];
  const head = `${device.name} (${device.kind}${device.vni === undefined ? '' : ` ${device.vni}, port ${device.port}`}), mtu ${device.mtu}: ${counters(device)}`;
  const hops = [device.up ? ok('device', head) : fail('device', `${device.name} is down`)];
  if (device.kind === 'tun') {
    const traffic = row?.traffic;
    const counted = traffic
      ? `: ${traffic.sent.packets} packets sent, ${traffic.received.packets} received, ${traffic.refused} refused`
      : '';
    hops.push(ok('carrier', `udp to ${row?.publicIp ?? '?'}${counted}`));
  }
  if (device.kind !== 'vxlan') return hops;
  if (mac === undefined) return [...hops, fail('neighbour', 'no link-layer address of the next hop is known')];
  hops.push(ok('neighbour', `the next hop is ${mac}`));
  hops.push(
    vtep === row?.publicIp
      ? ok('FDB', `${mac} is at ${vtep}`)
      : fail('FDB', `${mac} is at ${vtep ?? 'no known address'}, not ${row?.publicIp}`),
  );
  return hops;
}

function underlayHops({ row, outer, outerMac, underlay }: TraceEvidence): Hop[] {
  if (!row || outer === undefined) return [];
  if (typeof outer === 'string') return [fail('underlay', `${row.publicIp}: ${outer}`)];
  const via = outer.via === undefined ? '' : ` by ${outer.via}`;
  const mac = outerMac === undefined ? ', not asked for its link-layer address yet' : ` (${outerMac})`;
  const device = underlay ? `, mtu ${underlay.mtu}: ${counters(underlay)}` : '';
  return [ok('underlay', `${row.publicIp} over ${outer.device}${via}${mac}${device}`)];
}

function answerHop({ row, answer }: TraceEvidence): Hop[] {
  if (!row || !answer) return [];
  const name = `${row.node} answered ${answer.received} of ${answer.sent} requests`;
  if (answer.received === 0) return [fail('answer', name)];
  const micros = answer.rttMicros === undefined ? '' : `, median ${milliseconds(answer.rttMicros)}`;
  return [answer.received < answer.sent ? warn('answer', name + micros) : ok('answer', name + micros)];
}

/** The way from container to container, as far as this host can tell. */
export function hopsOf(evidence: TraceEvidence): readonly Hop[] {
  const { origin } = evidence;
  // What this host itself sends is not forwarded.
  const forwarded = typeof origin !== 'string' && !origin.local;
  return [
    originHop(evidence),
    ...(forwarded ? [ruleHop(evidence, 'TSFLANNEL-FWD', 'forwarded')] : []),
    routeHop(evidence),
    leaseHop(evidence),
    ...(forwarded ? [ruleHop(evidence, 'TSFLANNEL-POSTRTG', 'keeps its source address')] : []),
    ...tunnelHops(evidence),
    ...underlayHops(evidence),
    ...answerHop(evidence),
  ];
}
