/** What every backend needs beside its own objects: the forward and masquerade rules, ip_forward and subnet.env. */

import { type FilterRule, type KernelObject, OWN } from '../kernel/state.ts';
import { ipAt, type Prefix } from '../model/address.ts';
import { renderSubnetEnv } from '../model/subnet-env.ts';
import type { Host, Scene } from './backend.ts';

const FORWARD = `${OWN.chainPrefix}FWD`;
const POSTROUTING = `${OWN.chainPrefix}POSTRTG`;
const MSS = `${OWN.chainPrefix}MSS`;
/** IPv4 and TCP headers without options. */
const TCP_OVERHEAD = 40;
const MULTICAST: Prefix = { family: 4, address: 0xe0000000n, length: 4 };

const is = (prefix: Prefix) => ({ prefix, not: false });
const isNot = (prefix: Prefix) => ({ prefix, not: true });

/** flannel's two: whatever comes from or goes to the network may pass the host. */
const forwardRules = (network: Prefix): readonly FilterRule[] => [
  { source: is(network), target: 'ACCEPT' },
  { destination: is(network), target: 'ACCEPT' },
];

/**
 * Between containers no address is ever rewritten, whatever Docker's own masquerading says: ACCEPT ends the walk through nat
 * POSTROUTING, where flannel's RETURN would go on to Docker's rules.
 */
const internalRules = (network: Prefix, subnet: Prefix): readonly FilterRule[] => [
  { source: is(subnet), destination: is(network), target: 'ACCEPT' },
  { source: is(network), destination: is(subnet), target: 'ACCEPT' },
];

/** What comes before any masquerading. */
const ownRules = (network: Prefix, subnet: Prefix): readonly FilterRule[] => [
  { mark: { value: 0x4000, mask: 0x4000 }, target: 'RETURN' },
  ...internalRules(network, subnet),
  { source: isNot(network), destination: is(subnet), target: 'RETURN' },
];

/** flannel's order (iptables.go masqRules); 0x4000 is the mark by which Kubernetes asks for its own masquerading. */
const masqueradeRules = (network: Prefix, subnet: Prefix, randomFully: boolean): readonly FilterRule[] => [
  ...ownRules(network, subnet),
  { source: is(network), destination: isNot(MULTICAST), target: 'MASQUERADE', ...(randomFully && { randomFully }) },
  fromOutside(network, randomFully),
];

/** What comes from outside for containers of other nodes: it goes in under this node's address, and the answers come back here. */
const fromOutside = (network: Prefix, randomFully: boolean): FilterRule => ({
  source: isNot(network),
  destination: is(network),
  target: 'MASQUERADE',
  ...(randomFully && { randomFully }),
});

/** A gateway without --ip-masq hides those from outside only; a routed one hides nobody, whatever --ip-masq asks for. */
function natRules({ self: { subnet }, host, network: { network } }: Scene): readonly FilterRule[] {
  const { ipMasq, gateway, randomFully = true } = host;
  const routed: FilterRule[] =
    gateway === 'routed' ? [{ source: isNot(network), destination: is(network), target: 'ACCEPT' }] : [];
  if (ipMasq) return [...routed, ...masqueradeRules(network, subnet, randomFully)];
  if (gateway === 'masquerade') return [...ownRules(network, subnet), fromOutside(network, randomFully)];
  return [...routed, ...internalRules(network, subnet)];
}

/** First where Docker lets the administrator's rules come first, else first of all. */
const forward = (network: Prefix, dockerUser: boolean): readonly KernelObject[] => [
  { kind: 'chain', table: 'filter', name: FORWARD, rules: forwardRules(network) },
  dockerUser
    ? { kind: 'jump', table: 'filter', from: 'DOCKER-USER', to: FORWARD, first: false }
    : { kind: 'jump', table: 'filter', from: 'FORWARD', to: FORWARD, first: true },
];

/** Both ends of a connection say in their SYN what they take, so both directions are told what fits. */
const clamp = (narrow: NonNullable<Host['narrow']>): readonly KernelObject[] =>
  narrow.length === 0
    ? []
    : [
        {
          kind: 'chain',
          table: 'mangle',
          name: MSS,
          rules: narrow.flatMap(({ subnet, mtu }): FilterRule[] => [
            { destination: is(subnet), target: 'TCPMSS', mss: mtu - TCP_OVERHEAD },
            { source: is(subnet), target: 'TCPMSS', mss: mtu - TCP_OVERHEAD },
          ]),
        },
        { kind: 'jump', table: 'mangle', from: 'FORWARD', to: MSS, first: false },
      ];

function rules(scene: Scene): readonly KernelObject[] {
  const {
    host,
    network: { network },
  } = scene;
  const { filter, forwardRules: isForwarded = true, narrow = [] } = host;
  return [
    ...(isForwarded ? forward(network, filter.dockerUser) : []),
    { kind: 'chain', table: 'nat', name: POSTROUTING, rules: natRules(scene) },
    { kind: 'jump', table: 'nat', from: 'POSTROUTING', to: POSTROUTING, first: true },
    ...clamp(narrow),
  ];
}

/** Objects that every node has, whatever its backend. `mtu` is the containers' MTU in bytes. */
export function sharedObjects(scene: Scene, mtu: number): readonly KernelObject[] {
  const { self, host, network } = scene;
  const subnet = { ip: ipAt(self.subnet, 1n), length: self.subnet.length };
  const content = renderSubnetEnv({ network: network.network, subnet, mtu, ipMasq: host.ipMasq });
  return [
    { kind: 'sysctl', name: 'net.ipv4.ip_forward', value: '1' },
    ...rules(scene),
    { kind: 'file', path: host.subnetFile, content, mode: 0o644 },
  ];
}
