/** Nothing that etcd or a file holds makes a parser throw, hang, or print something that is not printable (reliability, row 19). */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseEndpoint, printEndpoint } from '../../../src/model/endpoint.ts';
import { type LeaseEtcd, parseLease, parseSubnetKey, printLease, printSubnetKey } from '../../../src/model/lease.ts';
import { parseMac, printMac } from '../../../src/model/mac.ts';
import { parseNetworkConfig, slipsIn } from '../../../src/model/network-config.ts';
import { type Parsed, printable } from '../../../src/model/parsed.ts';

/** Cases of each; the fault matrix asks for 100,000. */
const RUNS = Number(process.env.TSFLANNEL_FUZZ ?? 20_000);

/** Values that have broken parsers elsewhere. */
const nasty = fc.constantFrom<unknown>(
  ...[
    '$(touch /tmp/canary)',
    '; rm -rf /',
    '--flag',
    '`id`',
    '\0',
    'a\nb',
    '\u001b[2J',
    '\u202e',
    '١.٢.٣.٤',
    '010.0.0.1',
  ],
  ...['::1', '0.0.0.0', '127.0.0.1', '224.0.0.1', '169.254.0.1', '255.255.255.255', '1.2.3.4/24', '', ' ', '\ud800'],
  ...[
    0,
    -0,
    -1,
    1.5,
    2 ** 53,
    1e308,
    true,
    false,
    null,
    [],
    {},
    [[[]]],
    { toString: 1 },
    { toString: null, valueOf: 1 },
  ],
  ...[
    '00:00:00:00:00:00',
    'ff:ff:ff:ff:ff:ff',
    '01:00:5e:00:00:01',
    'vxlan',
    'udp',
    'host-gw',
    '__proto__',
    'constructor',
  ],
);
const value = fc.oneof(nasty, fc.jsonValue({ maxDepth: 3 }), fc.string({ unit: 'binary' }));
const leaseKeys = ['PublicIP', 'PublicIPv6', 'BackendType', 'BackendData', 'NodeID', 'NodeName', '__proto__', 'x'];
const dataKeys = ['VNI', 'VtepMAC', 'PublicKey', 'Port', '__proto__'];
const configKeys = [
  'Network',
  'SubnetLen',
  'SubnetMin',
  'SubnetMax',
  'Backend',
  'EnableIPv4',
  'IPv6Network',
  '__proto__',
  'y',
];
const backendKeys = ['Type', 'VNI', 'Port', 'GBP', 'Learning', 'DirectRouting', 'MTU', '__proto__'];

/** An object of these keys with bad, good and strange values, as JSON text: `__proto__` stays a key there. */
const json = (keys: readonly string[], inner: readonly string[], good: readonly unknown[]): fc.Arbitrary<string> => {
  const some = fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom(...good) },
    { weight: 2, arbitrary: value },
    { weight: 1, arbitrary: fc.dictionary(fc.constantFrom(...inner), value) },
  );
  return fc
    .array(fc.tuple(fc.constantFrom(...keys), some))
    .map(
      (entries) =>
        `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${JSON.stringify(each) ?? 'null'}`).join(',')}}`,
    );
};
const leaseText = fc.oneof(
  json(leaseKeys, dataKeys, ['192.168.1.1', 'vxlan', { VNI: 1, VtepMAC: '0e:00:00:00:00:01' }]),
  fc.string({ unit: 'binary' }),
  fc.json(),
);
const configText = fc.oneof(
  json(configKeys, backendKeys, ['10.5.0.0/16', 24, '10.5.8.0', { Type: 'vxlan', VNI: 1 }]),
  fc.string({ unit: 'binary' }),
);
const keyText = fc.oneof(
  fc.constant('10.5.1.0-24'),
  fc.string({ unit: fc.constantFrom(...'0123456789.-&:abf/\n') }),
  fc.string({ unit: 'binary' }),
);

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;

function checkRejection(parsed: Parsed<unknown>): void {
  if (parsed.ok) return;
  const { code, where, detail } = parsed.rejection;
  assert.match(code, /^[A-Z0-9_]+$/);
  for (const text of [where, detail]) {
    assert.doesNotMatch(text, UNPRINTABLE);
    assert.ok(text.length <= 200);
  }
}

const etcdOf = (name: string): LeaseEtcd => ({ key: `/n/subnets/${name}`, leaseId: '1', created: '1', modified: '1' });

/** A JSON text nested this deep in the value of `PublicIP`. */
const nested = (depth: number, open: string, close: string): string =>
  `{"PublicIP":${open.repeat(depth)}1${close.repeat(depth)}}`;

describe('model, on hostile input', () => {
  it('parses any lease to a value that prints, or to a printable reason', () => {
    fc.assert(
      fc.property(leaseText, keyText, (text, name) => {
        const parsed = parseLease(text, etcdOf(name));
        checkRejection(parsed);
        if (!parsed.ok) return;
        const { nodeId = '0'.repeat(16), nodeName = 'n', publicIp, peer } = parsed.value;
        const printed = printLease({ publicIp, peer, nodeId, nodeName }, text);
        const again = parseLease(printed, etcdOf(name));
        assert.ok(again.ok);
        assert.deepEqual(again.value.publicIp, publicIp);
        assert.equal(again.value.nodeId, nodeId);
        if (peer.type !== 'other' && !(peer.type === 'vxlan' && peer.vni === undefined))
          assert.deepEqual(again.value.peer, peer);
      }),
      { numRuns: RUNS },
    );
  });

  it('parses any config to a value, or to a printable reason', () => {
    fc.assert(
      fc.property(configText, (text) => {
        checkRejection(parseNetworkConfig(text));
        for (const rejection of slipsIn(text)) checkRejection({ ok: false, rejection });
      }),
      { numRuns: RUNS },
    );
  });

  it('reads only keys that it would write itself', () => {
    fc.assert(
      fc.property(keyText, (name) => {
        const parsed = parseSubnetKey(name);
        if (parsed && !parsed.subnet6) assert.equal(printSubnetKey(parsed.subnet), name);
      }),
      { numRuns: RUNS },
    );
  });

  it('reads MAC addresses and endpoints back as it prints them', () => {
    const mac = fc
      .uint8Array({ minLength: 6, maxLength: 6 })
      .map((bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(':'));
    fc.assert(
      fc.property(fc.oneof(mac, fc.string()), (text) => {
        const parsed = parseMac(text);
        if (parsed) assert.equal(printMac(parsed), text.toLowerCase());
      }),
    );
    const url = fc.oneof(
      fc.string(),
      fc
        .tuple(
          fc.constantFrom('http://', 'https://', '', 'ftp://'),
          fc.constantFrom('1.2.3.4', '[::1]', 'a.b', '1.2', 'u:canary@h'),
          fc.constantFrom(':1', ':0', ':65536', '', '/', ':2379/x'),
        )
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(url, (text) => {
        const parsed = parseEndpoint(text, 'here', 2379);
        checkRejection(parsed);
        if (parsed.ok) assert.deepEqual(parseEndpoint(printEndpoint(parsed.value), 'here', 1), parsed);
        else assert.doesNotMatch(parsed.rejection.detail, /canary/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not fall over what is nested deep, large, or has a toString of its own', () => {
    const key = etcdOf('10.5.1.0-24');
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      for (const depth of [10, 1_000, 10_000]) checkRejection(parseLease(nested(depth, open, close), key));
      const mine = {
        publicIp: { family: 4, value: 0x01020304n },
        peer: { type: 'udp' },
        nodeId: '0'.repeat(16),
        nodeName: 'n',
      } as const;
      const former = nested(10_000, open, close).replace('PublicIP', 'Extra');
      assert.doesNotThrow(() => printLease(mine, former));
    }
    checkRejection(parseLease(`{"PublicIP":"${'x'.repeat(1_000_000)}"}`, key));
    checkRejection(parseLease('{"PublicIP":{"toString":1}}', key));
    checkRejection(
      parseLease('{"PublicIP":"1.2.3.4","BackendType":"vxlan","BackendData":{"VtepMAC":{"toString":1}}}', key),
    );
    checkRejection(parseNetworkConfig('{"Network":"10.5.0.0/16","SubnetLen":{"toString":1}}'));
    checkRejection(parseNetworkConfig('{"Network":"10.5.0.0/16","Backend":{"Type":{"toString":1}}}'));
    checkRejection(parseLease('{}', etcdOf('1'.repeat(1_000_000))));
  });

  it('prints anything on one line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
        const shown = printable(text);
        assert.doesNotMatch(shown, UNPRINTABLE);
        assert.ok(shown.length <= 200);
      }),
    );
  });
});
