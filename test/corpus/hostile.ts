/**
 * The corpus: what etcd, files, sockets and a discovery service may hold that is not what they should (reliability, row 19). What ever broke
 * something is added here, and tried by every test that reads it, whatever fast-check finds beside.
 */

/** A network as these entries see it: its first two octets, the third octet of a subnet that is leased, that node's VTEP MAC, and our address. */
export interface Ground {
  readonly net: string;
  readonly taken: number;
  readonly peerMac: string;
  readonly underlay: string;
}

export const GROUND: Ground = { net: '10.5', taken: 2, peerMac: '02:00:00:00:00:02', underlay: '10.200.0.1' };

export const vxlanValue = (ip: string, mac: string, more = ''): string =>
  `{"PublicIP":"${ip}","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"${mac}"}${more}}`;

/** Leases: the name below subnets/, and the value. Each comes after the valid ones, and costs itself only. */
export const hostileLeases = ({ net, taken, peerMac, underlay }: Ground): readonly (readonly [string, string])[] => [
  ...['', 'x', 'null', '[]', '"x"', '{}', '{"PublicIP"', '\u0000', `{"a":${'['.repeat(30_000)}`, 'NaN', '1e400'].map(
    (value, i) => [`${net}.${20 + i}.0-24`, value] as const,
  ),
  [`${net}.40.0-24`, `${vxlanValue('10.200.0.40', '02:00:00:00:00:40').slice(0, -1)},"x":"${'y'.repeat(1_000_000)}"}`],
  [`${net}.41.0-24`, '{"__proto__":{"PublicIP":"10.200.0.41"},"constructor":1}'],
  ...[
    '$(touch /tmp/x)',
    '; rm -rf /',
    '--flag',
    '١٠.٢٠٠.٠.١',
    '010.200.0.9',
    'fc00::1',
    '0.0.0.0',
    '127.0.0.1',
    '224.0.0.1',
    '169.254.1.1',
    '255.255.255.255',
    `${net}.${taken}.1`,
    '10.200.0.9/24',
    '10.200.0.9\\n10.200.0.8',
    underlay,
  ].map((ip, i) => [`${net}.${50 + i}.0-24`, vxlanValue(ip, `02:00:00:00:01:${10 + i}`)] as const),
  ...['00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', '$(x)', peerMac, ''].map(
    (mac, i) => [`${net}.${80 + i}.0-24`, vxlanValue(`10.200.0.${80 + i}`, mac)] as const,
  ),
  [`${net}.90.0-24`, vxlanValue('10.200.0.90', '02:00:00:00:00:90').replace('"VNI":1', '"VNI":16777216')],
  [`${net}.91.0-24`, vxlanValue('10.200.0.91', '02:00:00:00:00:91').replace('"VNI":1', '"VNI":7')],
  [`${net}.92.0-24`, '{"PublicIP":"10.200.0.92","BackendType":"$(x)"}'],
  ...[
    '0.0.0.0-0',
    `${net}.${taken}.0-31`,
    `${net}.${taken}.0-32`,
    `${net}.${taken}.0-33`,
    `${net}.${taken}.1-24`,
    `${net}.0.0-16`,
    `${net}.0.0-17`,
    `${net}.${taken}.0-23`,
    `${net}.${taken}.128-25`,
    '10.250.1.0-24',
    '127.0.0.0-8',
    '224.0.0.0-4',
    '../../config',
    `${net}.${taken}.0-24/x`,
    `${net}.${taken}.0-24&fc00::-64`,
    `${net}.${taken}.0-024`,
    'x',
  ].map((key) => [key, vxlanValue('10.200.0.99', '02:00:00:00:00:99')] as const),
];

/** Texts that have hurt somebody: terminals, shells, parsers, property lookups. */
export const HOSTILE_TEXTS: readonly string[] = [
  '',
  '\u0000',
  '\u001b[2J\u001b]0;x\u0007',
  '\u202e\u2028\ud800',
  '$(touch /tmp/x); --flag\n-A INPUT -j ACCEPT',
  '__proto__',
  '../../config',
  '10.5.2.0-24/x',
  '10.5.99.0-24',
  '010.5.2.0-24',
  '10.5.2.0-24&fc00::-64',
  '{"PublicIP":"10.200.0.9","BackendType":"vxlan","BackendData":{"VtepMAC":"02:00:00:00:00:02"}}',
  '{"__proto__":{"PublicIP":"10.200.0.9"},"toString":1}',
  `{"a":${'['.repeat(20_000)}`,
  `{${Array.from({ length: 6_000 }, (_, i) => `"k${i}":1`).join(',')}}`,
  'x'.repeat(1 << 20),
  '1e999',
];

/** subnet.env, of which a daemon before us, or anybody, may have left anything. */
export const HOSTILE_ENVS: readonly string[] = [
  ...HOSTILE_TEXTS,
  'FLANNEL_SUBNET=10.5.2.1/24',
  'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=$(touch /tmp/x)\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
  'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.2.1/99\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
  'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.2.1/24\nFLANNEL_MTU=1e9\nFLANNEL_IPMASQ=true\n',
  'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.2.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=`id`\n',
  'FLANNEL_SUBNET\u0000=10.5.2.1/24\n',
];

const NO_TEXT = { toString: 1, valueOf: 1 };
const FILES = { files: [] };

/** Journals of docker apply that are right but for one place. */
export const HOSTILE_JOURNALS: readonly string[] = [
  { version: 1, before: FILES, after: FILES, stopped: [{ name: 'a', id: NO_TEXT }] },
  { version: 1, before: FILES, after: FILES, stopped: [{ name: 'a', id: '../../x' }] },
  { version: 1, before: { files: [{ path: NO_TEXT }] }, after: FILES },
  { version: 2, before: FILES, after: FILES },
].map((value) => JSON.stringify(value));

/** What node.json may say. */
export const HOSTILE_NODES: readonly string[] = [
  { nodeId: NO_TEXT },
  { nodeId: 'a'.repeat(32), subnet: NO_TEXT, created: [NO_TEXT, 7, '../x', null], subnetFile: NO_TEXT, vtep: NO_TEXT },
].map((value) => JSON.stringify(value));

/** Lines on the control socket that are no request. */
export const HOSTILE_FRAMES: readonly string[] = [
  ...HOSTILE_TEXTS.filter((text) => text.length < 100_000),
  '{"method":"__proto__"}\n',
  '{"method":["ping"]}\n',
  '{"method":{"toString":1}}\n',
  '{"id":1e999,"method":"nothing"}\n',
];

/** Answers of a discovery service. */
export const HOSTILE_REPLIES: readonly string[] = [
  ...HOSTILE_TEXTS,
  '{"node":{"value":{"toString":{}}}}',
  '{"node":{"nodes":[{"key":{"toString":{}}}]}}',
  '{"node":{"value":"-1"}}',
  '{"node":{"value":"1e999"}}',
  '{"node":{"nodes":{"length":4294967295}}}',
  '{"node":{"nodes":[null,7,[],{"value":"a=$(touch /tmp/x)"}]}}',
  '{"node":{"nodes":[{"key":"/_etcd/registry/x/1","value":"--flag=http://127.0.0.1:2380"}]}}',
];
