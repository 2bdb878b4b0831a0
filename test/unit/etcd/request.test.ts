import assert from 'node:assert/strict';
import { TsflannelError } from '../../../src/errors.ts';
import { defaultDevice, obviousAddress } from '../../../src/etcd/addresses.ts';
import { buildMember, conflict, fillRequest, missingFlags, plainName, warningsOf } from '../../../src/etcd/choose.ts';
import { commandLine, type InitFlags, parseRequest } from '../../../src/etcd/request.ts';

const ip = (last: number) => ({ family: 4 as const, value: BigInt(0x7f000000 + last) });
// Loopback addresses are addresses of any host the tests run on.
const HOST = { hostname: 'node-1.lan', addresses: [{ device: 'eth0', ip: ip(1), isDefault: true }] };
const BLIND = {
  hostname: 'h',
  addresses: [
    { device: 'eth0', ip: ip(1), isDefault: false },
    { device: 'eth1', ip: ip(2), isDefault: false },
  ],
};
const LIST = 'a=http://127.0.0.1:2380,b=http://10.9.9.9:2380';
const throws = (call: () => unknown, code: string, why: RegExp) =>
  assert.throws(call, (error) => error instanceof TsflannelError && error.code === code && why.test(error.why));
const FOLDERS = { dataDir: '/d', pki: '/etc/tsflannel/pki' };
/** Without a word on TLS: plain http. */
const member = (flags: InitFlags) =>
  buildMember(fillRequest(parseRequest({ insecure: true, ...flags }), HOST), FOLDERS);

describe('etcd/request', () => {
  it('reads nothing from nothing', () => assert.deepEqual(parseRequest({}), {}));

  for (const [what, flags, code, why] of [
    ['two kinds', { discovery: 'http://h/abcdef', 'initial-cluster': LIST }, 'USAGE', /exclude each other/],
    ['a size with a list', { size: 3, 'initial-cluster': LIST }, 'USAGE', /--size goes with/],
    ['a size of 0', { 'new-discovery': 'http://h', size: 0 }, 'USAGE', /1 to 31/],
    ['a service that is no URL', { 'new-discovery': 'h' }, 'DISCOVERY_INVALID', /not the http/],
    ['a bad URL', { discovery: 'http://h' }, 'DISCOVERY_INVALID', /no token/],
    [
      'two members of one name',
      { 'initial-cluster': 'a=http://10.0.0.1:1,a=http://10.0.0.2:1' },
      'USAGE',
      /two members are named a/,
    ],
    [
      'two members of one URL',
      { 'initial-cluster': 'a=http://10.0.0.1:1,b=http://10.0.0.1:1' },
      'USAGE',
      /two members have/,
    ],
    [
      'http and https',
      { 'initial-cluster': 'a=https://10.0.0.1:1,b=http://10.0.0.2:1' },
      'USAGE',
      /some URLs are https/,
    ],
    ['a v3 token without a place', { 'discovery-token': 'abcd' }, 'USAGE', /--discovery-endpoints/],
    [
      'a place without a v3 token',
      { 'discovery-endpoints': 'h:1' },
      'USAGE',
      /goes with --discovery-token; .*discovery new/,
    ],
    [
      'a v3 token that is a path',
      { 'discovery-token': '../x', 'discovery-endpoints': 'h:1' },
      'DISCOVERY_INVALID',
      /./,
    ],
    ['a domain that is none', { 'discovery-srv': 'a b' }, 'USAGE', /is not a domain/],
    ['a service name without a domain', { 'discovery-srv-name': 'x' }, 'USAGE', /goes with --discovery-srv/],
    ['a size with a v3 token', { size: 3, 'discovery-token': 'abcd', 'discovery-endpoints': 'h:1' }, 'USAGE', /--size/],
    ['a CA without its key', { 'ca-cert': '/ca' }, 'USAGE', /go together/],
    ['a CA without TLS', { 'ca-cert': '/ca', 'ca-key': '/key', insecure: true }, 'USAGE', /means no TLS/],
    ['a cluster of nonsense', { 'initial-cluster': 'a' }, 'USAGE', /NAME=http/],
    ['a name with a comma', { name: 'a,b' }, 'USAGE', /make a name/],
    ['an octal address', { 'advertise-ip': '010.0.0.1' }, 'USAGE', /address is expected/],
    ['one port for both', { 'client-port': 5, 'peer-port': 5 }, 'USAGE', /same port/],
  ] as const) {
    it(`refuses ${what}`, () => throws(() => parseRequest(flags), code, why));
  }

  it('prints the line that says the same, quoted for a shell', () => {
    const chosen = { name: 'a', ip: ip(1), clientPort: 2379, peerPort: 2390, joinPort: 2381 };
    const security = { kind: 'insecure' } as const;
    assert.equal(
      commandLine({ kind: 'new', base: 'http://h/a b', size: 3 }, { ...chosen, security }, ['--data-dir', "/it's"]),
      "tsflannel init --yes --insecure --new-discovery 'http://h/a b' --size 3 --name a --advertise-ip 127.0.0.1 --peer-port 2390 --data-dir '/it'\\''s'",
    );
    const registry = { token: 'abcd', endpoints: ['http://h:1', 'http://i:1'] };
    assert.match(
      commandLine({ kind: 'v3', registry }, { ...chosen, security }, []),
      /--insecure --discovery-token abcd --discovery-endpoints http:\/\/h:1,http:\/\/i:1 --name/,
    );
    const ca = { cert: '/ca.crt', key: '/ca.key' };
    assert.equal(
      commandLine({ kind: 'alone' }, { ...chosen, joinPort: 9, security: { kind: 'given', ca } }, []),
      'tsflannel init --yes --ca-cert /ca.crt --ca-key /ca.key --name a --advertise-ip 127.0.0.1 --peer-port 2390 --join-port 9',
    );
  });
});

describe('etcd/choose', () => {
  it('fills the gaps from the host', () => {
    assert.deepEqual(fillRequest({}, HOST), {
      wish: { kind: 'alone' },
      ...{ name: 'node-1', ip: ip(1), clientPort: 2379, peerPort: 2380 },
      ...{ joinPort: 2381, security: { kind: 'own' } },
    });
  });

  it('secures a cluster begun here by itself, and asks for a CA where none can be handed on', () => {
    assert.deepEqual(buildMember(fillRequest({}, HOST), FOLDERS).pki, FOLDERS.pki);
    for (const flags of [{ discovery: 'http://h/abcdef' }, { 'initial-cluster': LIST }])
      throws(() => fillRequest(parseRequest(flags), HOST), 'CA_NEEDED', /--ca-cert[\s\S]*--insecure/);
    throws(() => member({ 'initial-cluster': LIST.replaceAll('http:', 'https:') }), 'USAGE', /--insecure is plain/);
    const ca = { 'ca-cert': '/c', 'ca-key': '/k', insecure: false };
    throws(() => member({ 'initial-cluster': LIST, ...ca }), 'USAGE', /with TLS it is https/);
    assert.equal(
      conflict(parseRequest({ insecure: true }), buildMember(fillRequest({}, HOST), FOLDERS)),
      'its member speaks TLS',
    );
    assert.equal(conflict(parseRequest(ca), member({})), 'its member speaks plain http');
  });

  it('makes plain names of host names', () => {
    assert.deepEqual(['a.b', '_x', 'ä ö', '', 'x'.repeat(99)].map(plainName), [
      'a',
      'x',
      'node',
      'node',
      'x'.repeat(63),
    ]);
  });

  it('does not guess an address', () => {
    throws(() => fillRequest({}, BLIND), 'ADVERTISE_IP', /127\.0\.0\.1 \(eth0\), 127\.0\.0\.2 \(eth1\)/);
    throws(
      () => fillRequest(parseRequest({ 'advertise-ip': '203.0.113.1' }), HOST),
      'USAGE',
      /not an address of this host/,
    );
  });

  it('names all that is missing at once', () => {
    assert.deepEqual(missingFlags({}, HOST, true), []);
    assert.equal(missingFlags({}, HOST, false).length, 1);
    assert.equal(missingFlags({}, BLIND, false).length, 2);
    assert.equal(missingFlags(parseRequest({ 'initial-cluster': LIST, insecure: true }), BLIND, false).length, 0);
    assert.match(missingFlags(parseRequest({ 'initial-cluster': LIST }), BLIND, false).join(), /--ca-key.*--insecure/);
  });

  it('finds this host in a static cluster by address or by name', () => {
    assert.equal(member({ 'initial-cluster': LIST }).name, 'a');
    const renamed = member({ 'initial-cluster': 'a=http://10.9.9.9:2380,b=http://127.0.0.1:2480', name: 'b' });
    assert.deepEqual([renamed.name, renamed.peerPort], ['b', 2480]);
    throws(() => member({ 'initial-cluster': LIST, name: 'c' }), 'USAGE', /no member named c/);
    throws(() => member({ 'initial-cluster': 'x=http://10.9.9.9:1,y=http://10.9.9.8:1' }), 'USAGE', /which member/);
    throws(() => member({ 'initial-cluster': LIST, 'peer-port': 9 }), 'USAGE', /the other flags say/);
    throws(() => member({ 'initial-cluster': LIST, name: 'b' }), 'USAGE', /not an address of this host/);
  });

  it('keeps the name by which a static cluster knows this host', () => {
    const named = member({ 'initial-cluster': 'a=http://a.lan:2380,b=http://b.lan:2380', name: 'a' });
    assert.deepEqual([named.host, named.ip], ['a.lan', ip(1)]);
    assert.equal(member({ 'initial-cluster': LIST }).host, undefined);
  });

  it('finds what contradicts the member that is there', () => {
    const there = member({ discovery: 'http://h/abcdef', name: 'a' });
    const says = (flags: InitFlags) => conflict(parseRequest(flags), there);
    assert.equal(says({}), undefined);
    assert.equal(
      says({ discovery: 'http://h/abcdef', name: 'a', 'advertise-ip': '127.0.0.1', 'client-port': 2379 }),
      undefined,
    );
    assert.match(says({ discovery: 'http://h/abcdeg' }) ?? '', /not made with --discovery/);
    assert.match(says({ 'initial-cluster': LIST }) ?? '', /not made with --initial-cluster/);
    assert.match(says({ 'discovery-srv': 'a.b' }) ?? '', /not made with --discovery-srv a\.b/);
    const v3 = { 'discovery-token': 'abcd', 'discovery-endpoints': 'http://h:1' };
    assert.match(says(v3) ?? '', /not made with --discovery-token/);
    assert.equal(conflict(parseRequest(v3), member(v3)), undefined);
    assert.match(says({ 'new-discovery': 'http://h' }) ?? '', /not made with --new-discovery/);
    assert.match(says({ name: 'b' }) ?? '', /named a, not b/);
    assert.match(says({ 'advertise-ip': '127.0.0.2' }) ?? '', /is at 127\.0\.0\.1/);
    assert.match(says({ 'client-port': 1 }) ?? '', /client port is 2379/);
    assert.match(says({ 'peer-port': 1 }) ?? '', /peer port is 2380/);
  });

  it('warns of plain http, of even sizes and of loopback', () => {
    assert.equal(warningsOf(member({}), 3).length, 2);
    assert.match(warningsOf(member({}), 4).join('\n'), /plain http[\s\S]*odd number[\s\S]*loopback/);
  });
});

describe('etcd/addresses', () => {
  const routes = (...rows: string[]) =>
    `Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n${rows.join('\n')}\n`;

  it('takes the default route with the lowest metric', () => {
    const slow = 'wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0';
    const fast = 'eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0';
    const local = 'eth1\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0';
    const half = 'tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000080\t0\t0\t0';
    assert.equal(defaultDevice(routes(half, local, slow, fast)), 'eth0');
    assert.equal(defaultDevice(routes(local)), undefined);
    assert.equal(defaultDevice(''), undefined);
  });

  it('needs no default route where there is one address but for containers', () => {
    const docker = { device: 'docker0', ip: ip(3), isDefault: false };
    const [eth0, eth1] = BLIND.addresses;
    assert.ok(eth0 && eth1);
    assert.equal(obviousAddress([docker, eth0])?.device, 'eth0');
    assert.equal(obviousAddress([docker]), undefined);
    assert.equal(obviousAddress([eth0, eth1]), undefined);
  });
});
