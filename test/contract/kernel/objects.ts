/** The objects of one vxlan node with one peer, as the contract's tests use them. */
import {
  type Address,
  type FdbEntry,
  type FilterChain,
  type FilterJump,
  type Guard,
  type KernelObject,
  type Link,
  type ManagedFile,
  type Neighbour,
  OWN,
  type Route,
  type Source,
  type Sysctl,
} from '../../../src/kernel/state.ts';
import { type Ip, type Prefix, parseIp, parsePrefix } from '../../../src/model/address.ts';
import { type Mac, parseMac } from '../../../src/model/mac.ts';

export const ip = (text: string): Ip => parseIp(text)!;
export const prefix = (text: string): Prefix => parsePrefix(text)!;
export const mac = (text: string): Mac => parseMac(text)!;

export const PATHS = [`/tmp/tsflannel-contract-${process.pid}/folder/subnet.env`];
export const SYSCTLS = ['net.ipv4.ip_forward'];
const ALIAS = `${OWN.aliasPrefix}172.20.0.0/16`;
const PEER = mac('02:aa:bb:cc:dd:ee');

export const vxlan = ({ vni = 1, device = 'eth0' } = {}): Link => ({
  kind: 'link',
  name: 'flannel.1',
  alias: ALIAS,
  mtu: 1450,
  up: true,
  mac: mac('02:11:22:33:44:55'),
  link: { type: 'vxlan', vni, port: 8472, local: ip('10.200.0.1'), device, learning: false, gbp: false },
});

export const tun = (): Link => ({
  kind: 'link',
  name: 'flannel0',
  alias: ALIAS,
  mtu: 1472,
  up: true,
  link: { type: 'tun' },
});

export const address = (): Address => ({ kind: 'address', device: 'flannel.1', ip: ip('172.20.57.0'), length: 32 });

export const route = ({ device = 'flannel.1', via = '172.20.64.0', onlink = true, metric = 0 } = {}): Route => ({
  kind: 'route',
  dst: prefix('172.20.64.0/24'),
  device,
  via: ip(via),
  onlink,
  metric,
  protocol: OWN.routeProtocol,
});

export const neighbour = (): Neighbour => ({
  kind: 'neighbour',
  device: 'flannel.1',
  ip: ip('172.20.64.0'),
  mac: PEER,
});
export const fdb = (): FdbEntry => ({ kind: 'fdb', device: 'flannel.1', mac: PEER, dst: ip('10.200.0.2') });

const NETWORK = prefix('172.20.0.0/16');
const SUBNET = prefix('172.20.57.0/24');

/** Every form of rule of our language. */
export const chain = (): FilterChain => ({
  kind: 'chain',
  table: 'nat',
  name: `${OWN.chainPrefix}POSTRTG`,
  rules: [
    { mark: { value: 0x4000, mask: 0x4000 }, target: 'RETURN' },
    { mark: { value: 0x10, mask: 0xffffffff }, target: 'RETURN' },
    { source: { prefix: SUBNET, not: false }, destination: { prefix: NETWORK, not: false }, target: 'ACCEPT' },
    { source: { prefix: NETWORK, not: true }, destination: { prefix: SUBNET, not: false }, target: 'RETURN' },
    {
      source: { prefix: NETWORK, not: false },
      destination: { prefix: prefix('224.0.0.0/4'), not: true },
      target: 'MASQUERADE',
      randomFully: true,
    },
    { source: { prefix: prefix('172.20.57.1/32'), not: false }, target: 'MASQUERADE' },
  ],
});
export const jump = (): FilterJump => ({
  kind: 'jump',
  table: 'nat',
  from: 'POSTROUTING',
  to: chain().name,
  first: true,
});

export const guard = (change: Partial<NonNullable<Guard['settings']>> = {}): Guard => ({
  kind: 'guard',
  settings: {
    check: 'strict',
    network: NETWORK,
    subnet: SUBNET,
    underlay: 'eth0',
    tunnel: { device: 'flannel.1', port: 8472, vni: 1 },
    ...change,
  },
});
export const source = (change: Partial<Source> = {}): Source => ({
  kind: 'source',
  subnet: prefix('172.20.64.0/24'),
  mac: PEER,
  outer: ip('10.200.0.2'),
  direct: false,
  ...change,
});

const forward = (): readonly KernelObject[] => [
  {
    kind: 'chain',
    table: 'filter',
    name: `${OWN.chainPrefix}FWD`,
    rules: [{ source: { prefix: NETWORK, not: false }, target: 'ACCEPT' }],
  },
  { kind: 'jump', table: 'filter', from: 'FORWARD', to: `${OWN.chainPrefix}FWD`, first: true },
];

export const sysctl = (value: string): Sysctl => ({ kind: 'sysctl', name: SYSCTLS[0]!, value });
export const file = (content = 'FLANNEL_MTU=1450\n'): ManagedFile => ({
  kind: 'file',
  path: PATHS[0]!,
  content,
  mode: 0o640,
});

/** All that a vxlan node with one peer has. */
export const host = (): readonly KernelObject[] => [
  sysctl('1'),
  guard(),
  source(),
  vxlan(),
  address(),
  neighbour(),
  fdb(),
  ...forward(),
  chain(),
  jump(),
  route(),
  file(),
];
