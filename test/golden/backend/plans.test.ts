import { baseWants, mtuOf, peerWants, type Scene } from '../../../src/backend/desired.ts';
import { diff } from '../../../src/kernel/diff.ts';
import { printPlan } from '../../../src/kernel/print.ts';
import type { KernelObject } from '../../../src/kernel/state.ts';
import { printIp } from '../../../src/model/address.ts';
import type { Lease } from '../../../src/model/lease.ts';
import { golden } from '../../support/golden.ts';
import { sceneOf } from '../../support/scene.ts';
import { leaseOf, mac, nodeLease } from '../../support/values.ts';

const VXLAN = (number: number) => ({ type: 'vxlan', vni: 1, mac: mac(`02:00:00:00:00:0${number}`) }) as const;

/** What files hold is not in a plan's text. */
const contentOf = ({ object }: { object: KernelObject }): string[] =>
  object.kind === 'file' ? [`${object.path}:`, object.content] : [];

/** The whole of what a node wants from nothing: the plan, the files, how each peer is reached. */
function text(scene: Scene, peers: readonly Lease[]): string {
  const told = peers.map((lease) => peerWants(scene, lease));
  const wants = [...baseWants(scene), ...told.flatMap((one) => one.wants)];
  const reached = told.map(({ reach: { device, nextHop, problem } }, i) => {
    const how = problem ?? `dev ${device} next hop ${nextHop ? printIp(nextHop) : '-'}`;
    return `peer ${i + 2}: ${how}`;
  });
  const plan = printPlan(diff(wants, new Map()));
  return [`mtu ${mtuOf(scene.host, scene.network)}`, plan, ...wants.flatMap(contentOf), ...reached, ''].join('\n');
}

const udpPeers = [nodeLease('10.5.2.0/24', 2), leaseOf('10.5.3.0/24', '{"PublicIP":"192.0.2.3","PublicIPv6":null}')];
const vxlanPeers = [
  nodeLease('10.5.2.0/24', 2, VXLAN(2)),
  leaseOf(
    '10.5.3.0/24',
    '{"PublicIP":"192.0.2.3","BackendType":"vxlan","BackendData":{"VtepMAC":"2a:12:e9:1f:42:2b"}}',
  ),
  nodeLease('10.5.4.0/24', 4, { ...VXLAN(4), vni: 7 }),
  nodeLease('10.5.5.0/24', 5),
];
const hostGwPeers = [
  nodeLease('10.5.2.0/24', 2, { type: 'host-gw' }),
  leaseOf('10.5.3.0/24', '{"PublicIP":"192.0.2.3","BackendType":"host-gw"}'),
  nodeLease('10.5.4.0/24', 255, { type: 'host-gw' }),
  nodeLease('10.5.5.0/24', 1, { type: 'host-gw' }),
  nodeLease('10.5.6.0/24', 6, VXLAN(6)),
];
const backend = (options: Record<string, unknown>) => ({ Backend: options });

describe('backends: what a node wants', () => {
  it('udp: one route for the network', () => golden('backend/udp.txt', text(sceneOf(), udpPeers)));

  it('udp: a route for each peer while docker0 holds the prefix', () =>
    golden(
      'backend/udp-beside-docker0.txt',
      text(sceneOf({}, { wideRouteTaken: true, routePerPeer: true }), udpPeers),
    ));

  it('udp: a route for each peer beside the wide one where something foreign lies within', () =>
    golden('backend/udp-route-per-peer.txt', text(sceneOf({}, { routePerPeer: true }), udpPeers)));

  it('vxlan: flannel’s objects', () =>
    golden('backend/vxlan.txt', text(sceneOf(backend({ Type: 'vxlan' })), vxlanPeers)));

  it('vxlan: every option', () => {
    const options = { Type: 'vxlan', VNI: 7, Port: 4789, MTU: 9000, GBP: true, Learning: true };
    return golden('backend/vxlan-options.txt', text(sceneOf(backend(options)), vxlanPeers));
  });

  it('vxlan: DirectRouting sends without a tunnel where it can', () =>
    golden('backend/vxlan-direct.txt', text(sceneOf(backend({ Type: 'vxlan', DirectRouting: true })), vxlanPeers)));

  it('host-gw: peers behind a router are named, not routed', () =>
    golden('backend/host-gw.txt', text(sceneOf(backend({ Type: 'host-gw' })), hostGwPeers)));

  it('masquerading, reached from DOCKER-USER where it exists', () => {
    const host = { ipMasq: true, filter: { variant: 'iptables-nft', dockerUser: true } } as const;
    return golden('backend/ip-masq.txt', text(sceneOf(backend({ Type: 'host-gw' }), host), []));
  });
});
