import assert from 'node:assert/strict';
import { printIp, printPrefix } from '../../../src/model/address.ts';
import { parseBackend } from '../../../src/model/backend-config.ts';
import { parseNetworkConfig, slipsIn, subnetCount } from '../../../src/model/network-config.ts';

const read = (json: unknown) => parseNetworkConfig(typeof json === 'string' ? json : JSON.stringify(json));

function shown(json: unknown): string {
  const parsed = read(json);
  if (!parsed.ok) return `${parsed.rejection.code} ${parsed.rejection.where}`;
  const { network, subnetLength, subnetMin, subnetMax } = parsed.value;
  return `${printPrefix(network)} /${subnetLength} ${printIp(subnetMin)}-${printIp(subnetMax)} ${subnetCount(parsed.value)}`;
}

/** flannel's pkg/subnet/config.go, CheckNetworkConfig. */
const RULES: [object, string][] = [
  [{ Network: '10.5.0.0/16' }, '10.5.0.0/16 /24 10.5.1.0-10.5.255.0 255'],
  [{ Network: '10.0.0.0/8' }, '10.0.0.0/8 /24 10.0.1.0-10.255.255.0 65535'],
  [{ Network: '10.5.0.0/22' }, '10.5.0.0/22 /24 10.5.1.0-10.5.3.0 3'],
  [{ Network: '10.5.0.0/23' }, '10.5.0.0/23 /25 10.5.0.128-10.5.1.128 3'],
  [{ Network: '10.5.0.0/28' }, '10.5.0.0/28 /30 10.5.0.4-10.5.0.12 3'],
  [{ Network: '10.5.0.0/29' }, 'NETWORK_TOO_SMALL Network'],
  [{ Network: '10.5.0.0/16', SubnetLen: 0 }, '10.5.0.0/16 /24 10.5.1.0-10.5.255.0 255'],
  [{ Network: '10.5.0.0/16', SubnetLen: 26 }, '10.5.0.0/16 /26 10.5.0.64-10.5.255.192 1023'],
  [{ Network: '10.5.0.0/16', SubnetLen: 18 }, '10.5.0.0/16 /18 10.5.64.0-10.5.192.0 3'],
  [{ Network: '10.5.0.0/16', SubnetLen: 17 }, 'SUBNET_LEN SubnetLen'],
  [{ Network: '10.5.0.0/16', SubnetLen: 31 }, 'SUBNET_LEN SubnetLen'],
  [{ Network: '10.5.0.0/16', SubnetLen: -1 }, 'SUBNET_LEN SubnetLen'],
  [{ Network: '10.5.0.0/16', SubnetLen: '24' }, 'SUBNET_LEN SubnetLen'],
  [
    { Network: '10.5.0.0/16', SubnetMin: '10.5.10.0', SubnetMax: '10.5.20.0' },
    '10.5.0.0/16 /24 10.5.10.0-10.5.20.0 11',
  ],
  [{ Network: '10.5.0.0/16', SubnetMin: '10.5.0.0' }, '10.5.0.0/16 /24 10.5.0.0-10.5.255.0 256'],
  [{ Network: '10.5.0.0/16', SubnetMin: '0.0.0.0', SubnetMax: '' }, '10.5.0.0/16 /24 10.5.1.0-10.5.255.0 255'],
  [{ Network: '10.5.0.0/16', SubnetMin: '10.5.10.0', SubnetMax: '10.5.10.0' }, '10.5.0.0/16 /24 10.5.10.0-10.5.10.0 1'],
  [{ Network: '10.5.0.0/16', SubnetMin: '10.6.0.0' }, 'SUBNET_BOUND SubnetMin'],
  [{ Network: '10.5.0.0/16', SubnetMin: '10.5.10.1' }, 'SUBNET_BOUND SubnetMin'],
  [{ Network: '10.5.0.0/16', SubnetMax: '10.5.10.128' }, 'SUBNET_BOUND SubnetMax'],
  [{ Network: '10.5.0.0/16', SubnetMax: 7 }, 'SUBNET_BOUND SubnetMax'],
  [{ Network: '10.5.0.0/16', SubnetMin: '10.5.20.0', SubnetMax: '10.5.10.0' }, 'SUBNET_BOUND SubnetMin'],
  [{ Network: '10.5.3.4/16' }, '10.5.0.0/16 /24 10.5.1.0-10.5.255.0 255'],
  [{ network: '10.5.0.0/16', subnetlen: 26 }, '10.5.0.0/16 /26 10.5.0.64-10.5.255.192 1023'],
  [{ Network: '10.0.0.0/3' }, 'NETWORK Network'],
  [{ Network: '10.5.0.0' }, 'NETWORK Network'],
  [{ Network: 'fc00::/64' }, 'NETWORK Network'],
  [{ Network: 10 }, 'NETWORK Network'],
  [{}, 'NETWORK Network'],
  [{ Network: '10.5.0.0/16', EnableIPv4: false }, 'IPV4_DISABLED EnableIPv4'],
  [{ Network: '10.5.0.0/16', EnableIPv6: true, IPv6Network: 'fc00::/48' }, '10.5.0.0/16 /24 10.5.1.0-10.5.255.0 255'],
];

describe('network config', () => {
  for (const [json, expected] of RULES)
    it(`${JSON.stringify(json)}: ${expected}`, () => assert.equal(shown(json), expected));

  it('is a JSON object', () => {
    for (const text of ['', 'x', '[]', 'null', '{"Network"', '"10.5.0.0/16"'])
      assert.match(shown(text), /^NOT_(JSON|AN_OBJECT) config$/, text);
  });

  it('tells what flannel would pass over, and only that', () => {
    const slips = (json: unknown) => slipsIn(JSON.stringify(json)).map(({ where, detail }) => `${where}: ${detail}`);
    assert.deepEqual(
      slips({ Network: '10.5.0.0/16', SubnetLen: 24, enableipv6: false, Backend: { Type: 'vxlan', VNI: 1 } }),
      [],
    );
    assert.deepEqual(slips({ Network: '10.5.3.4/16', SubnetLength: 24, Backend: { Type: 'host-gw', VNI: 7 } }), [
      'SubnetLength: flannel has no such key in the network config',
      'Backend.VNI: host-gw has SourceCheck',
      'Network: 10.5.3.4/16 has host bits set: did you mean 10.5.0.0/16?',
    ]);
    assert.deepEqual(slipsIn('no json'), []);
  });
});

describe('the backend of a config', () => {
  const UDP = { type: 'udp', port: 8285, mtu: 0, carrier: 'auto', sourceCheck: 'strict', directDelivery: false };
  const VXLAN = {
    type: 'vxlan',
    vni: 1,
    port: 8472,
    gbp: false,
    learning: false,
    directRouting: false,
    mtu: 0,
    sourceCheck: 'strict',
  };
  const cases: [unknown, unknown][] = [
    [undefined, UDP],
    [{ Type: 'udp' }, UDP],
    [
      { Type: 'udp', Port: 9000, MTU: 1400 },
      { ...UDP, port: 9000, mtu: 1400 },
    ],
    [
      { Type: 'udp', Carrier: 'tun', SourceCheck: 'subnet' },
      { ...UDP, carrier: 'tun', sourceCheck: 'subnet' },
    ],
    [{ Type: 'udp', Carrier: 'fou' }, 'BACKEND_OPTION'],
    [{ Type: 'udp', Carrier: true }, 'BACKEND_OPTION'],
    [
      { Type: 'udp', DirectDelivery: true },
      { ...UDP, directDelivery: true },
    ],
    [{ Type: 'udp', DirectDelivery: 'yes' }, 'BACKEND_OPTION'],
    [{ Type: 'udp', SourceCheck: 'none' }, 'BACKEND_OPTION'],
    [{ Type: 'vxlan' }, VXLAN],
    [
      { Type: 'VXLAN', vni: 7, DirectRouting: true },
      { ...VXLAN, vni: 7, directRouting: true },
    ],
    [{ Type: 'vxlan', VNI: 0, Port: 0 }, VXLAN],
    [{ Type: 'vxlan', Name: 'of another program' }, VXLAN],
    [
      { Type: 'vxlan', SourceCheck: 'off' },
      { ...VXLAN, sourceCheck: 'off' },
    ],
    [{ Type: 'host-gw' }, { type: 'host-gw', sourceCheck: 'strict' }],
    [
      { Type: 'host-gw', SourceCheck: 'subnet' },
      { type: 'host-gw', sourceCheck: 'subnet' },
    ],
    [{ Type: 'vxlan', SourceCheck: 'Strict' }, 'BACKEND_OPTION'],
    [{ Type: 'host-gw', SourceCheck: true }, 'BACKEND_OPTION'],
    [{}, 'BACKEND_TYPE'],
    [{ Type: 'wireguard' }, 'BACKEND_TYPE'],
    [{ Type: ['udp'] }, 'BACKEND_TYPE'],
    ['vxlan', 'BACKEND'],
    [[], 'BACKEND'],
    [{ Type: 'udp', Port: 65_536 }, 'BACKEND_OPTION'],
    [{ Type: 'udp', Port: '8285' }, 'BACKEND_OPTION'],
    [{ Type: 'udp', MTU: 100 }, 'BACKEND_OPTION'],
    [{ Type: 'vxlan', VNI: 16_777_216 }, 'BACKEND_OPTION'],
    [{ Type: 'vxlan', VNI: -1 }, 'BACKEND_OPTION'],
    [{ Type: 'vxlan', DirectRouting: 'yes' }, 'BACKEND_OPTION'],
  ];
  for (const [given, expected] of cases) {
    it(`${JSON.stringify(given)}: ${JSON.stringify(expected)}`, () => {
      const parsed = parseBackend(given);
      assert.deepEqual(parsed.ok ? parsed.value : parsed.rejection.code, expected);
    });
  }
});
