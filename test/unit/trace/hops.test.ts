import assert from 'node:assert/strict';
import type { RouteRow } from '../../../src/model/report.ts';
import { hopsOf, type TraceEvidence } from '../../../src/trace/hops.ts';

const ROW: RouteRow = {
  ...{
    key: 'k',
    subnet: '172.17.9.0/24',
    node: 'n2',
    publicIp: '198.18.0.2',
    backend: 'vxlan',
    state: 'ok',
    leaseId: '7',
  },
  device: 'flannel.1',
};
const DEVICE = {
  ...{ name: 'flannel.1', kind: 'vxlan', mtu: 1450, up: true, sent: 5, received: 4, dropped: 0, vni: 1, port: 8472 },
};
const WELL: TraceEvidence = {
  ...{ from: '172.17.5.2', to: '172.17.9.2' },
  origin: { device: 'docker0', local: false },
  route: { device: 'flannel.1', via: '172.17.9.0', local: false },
  ...{ device: DEVICE, mac: '02:00:00:00:00:02', vtep: '198.18.0.2', row: ROW },
  rules: [
    { chain: 'TSFLANNEL-FWD', text: '-s 172.17.0.0/16 -j ACCEPT', packets: 12 },
    { chain: 'TSFLANNEL-POSTRTG', text: '-s 172.17.5.0/24 -d 172.17.0.0/16 -j ACCEPT', packets: 3 },
  ],
  outer: { device: 'eth0', local: false },
  outerMac: '02:00:00:00:00:09',
  answer: { bytes: 56, sent: 5, received: 5, rttMicros: 120 },
};

const traced = (change: Partial<TraceEvidence> = {}) => hopsOf({ ...WELL, ...change });
const failures = (change: Partial<TraceEvidence>) =>
  traced(change)
    .filter(({ result }) => result !== 'ok')
    .map(({ hop, what, result }) => `${result} ${hop}: ${what}`)
    .join('\n');

describe('trace', () => {
  it('names each hop with rule, route, entry and counter', () => {
    assert.deepEqual(
      traced().map(({ hop, what }) => `${hop}: ${what}`),
      [
        'sender: 172.17.5.2 is behind docker0',
        'TSFLANNEL-FWD: -s 172.17.0.0/16 -j ACCEPT (forwarded; 12 packets so far)',
        'route: to flannel.1 by 172.17.9.0',
        "lease: 172.17.9.0/24 is n2's, at 198.18.0.2",
        'TSFLANNEL-POSTRTG: -s 172.17.5.0/24 -d 172.17.0.0/16 -j ACCEPT (keeps its source address; 3 packets so far)',
        'device: flannel.1 (vxlan 1, port 8472), mtu 1450: 5 sent, 4 received, 0 dropped',
        'neighbour: the next hop is 02:00:00:00:00:02',
        'FDB: 02:00:00:00:00:02 is at 198.18.0.2',
        'underlay: 198.18.0.2 over eth0 (02:00:00:00:00:09)',
        'answer: n2 answered 5 of 5 requests, median 0.12 ms',
      ],
    );
  });

  it('has no rules on the way for what the host itself sends', () => {
    const hops = traced({ origin: { device: 'lo', local: true } }).map(({ hop }) => hop);
    assert.ok(!hops.some((hop) => hop.startsWith('TSFLANNEL')));
  });

  const FAULTS: readonly [string, Partial<TraceEvidence>, RegExp][] = [
    ['no route', { route: 'Network is unreachable' }, /fail route: .*unreachable/],
    [
      'another way',
      { route: { device: 'tun9', local: false } },
      /fail lease: .*by flannel\.1; the kernel takes another way/,
    ],
    ['nobody', { row: undefined as never }, /fail lease: nobody leases/],
    [
      'a route that is missing',
      { row: { ...ROW, state: 'missing', detail: 'create' } },
      /fail lease: .*missing: create/,
    ],
    ['a device that is down', { device: { ...DEVICE, up: false } }, /fail device: flannel\.1 is down/],
    ['no neighbour', { mac: undefined as never }, /fail neighbour/],
    ['a wrong VTEP', { vtep: '198.18.0.9' }, /fail FDB: .*198\.18\.0\.9, not 198\.18\.0\.2/],
    ['rules that are gone', { rules: [] }, /warn TSFLANNEL-FWD: no rule of ours fits/],
    ['rules that cannot be read', { rules: undefined as never }, /warn TSFLANNEL-FWD: the rules cannot be read/],
    ['a rule of others', { from: '10.0.0.1' }, /warn TSFLANNEL-FWD/],
    ['no answer', { answer: { bytes: 56, sent: 5, received: 0 } }, /fail answer: n2 answered 0 of 5/],
    ['an underlay without a way', { outer: 'No route to host' }, /fail underlay: 198\.18\.0\.2: No route/],
  ];
  for (const [what, change, expected] of FAULTS) it(`names ${what}`, () => assert.match(failures(change), expected));
});
