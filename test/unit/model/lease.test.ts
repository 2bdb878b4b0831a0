import assert from 'node:assert/strict';
import { printPrefix } from '../../../src/model/address.ts';
import { stringify } from '../../../src/model/json.ts';
import { type PeerData, parseLease, parseSubnetKey, printLease, printSubnetKey } from '../../../src/model/lease.ts';
import { announcementOf, mac, nodeId, prefix } from '../../support/values.ts';

const at = (key: string) => ({ key: `/coreos.com/network/subnets/${key}`, leaseId: '77', created: '3', modified: '4' });
const VXLAN: PeerData = { type: 'vxlan', vni: 1, mac: mac('02:11:22:33:44:55') };

const parsed = (value: string, key = '10.5.1.0-24') => {
  const lease = parseLease(value, at(key));
  assert.ok(lease.ok, stringify(lease));
  return lease.value;
};
const refusal = (value: string, key = '10.5.1.0-24'): string => {
  const lease = parseLease(value, at(key));
  return lease.ok ? 'taken' : lease.rejection.code;
};

describe('lease keys', () => {
  it('are what flannel writes, for one family and for two', () => {
    assert.deepEqual(parseSubnetKey('10.5.1.0-24'), { subnet: prefix('10.5.1.0/24') });
    const both = { subnet: prefix('10.5.1.0/24'), subnet6: prefix('fc00::/64') };
    assert.deepEqual(parseSubnetKey('10.5.1.0-24&fc00::-64'), both);
    assert.equal(printSubnetKey(both.subnet, both.subnet6), '10.5.1.0-24&fc00::-64');
  });

  it('stand for one subnet each: no other spelling of it is a key', () => {
    const names = [
      '10.5.1.0-024',
      '10.0.0.0-08',
      '010.5.1.0-24',
      '10.5.1.0/24',
      '10.5.1.0-24/',
      ' 10.5.1.0-24',
      '10.5.1.0-24\n',
    ];
    for (const name of [...names, '10.5.1.0-0', '10.5.1.0-32', '10.5.1.0-33', '10.5.1.1-24', '10.5.1.0-', '', 'x'])
      assert.equal(parseSubnetKey(name), undefined, JSON.stringify(name));
    for (const name of ['10.5.1.0-24&', '10.5.1.0-24&fc00::-0', '10.5.1.0-24&fc00::-128', '10.5.1.0-24&fc00::1-64'])
      assert.equal(parseSubnetKey(name), undefined, name);
  });
});

describe('lease values: what we publish', () => {
  const OURS = `"NodeID":"${nodeId(1)}","NodeName":"n1"}`;
  const flannel: [PeerData, string][] = [
    [{ type: 'udp' }, '{"PublicIP":"10.200.0.1","PublicIPv6":null'],
    [
      VXLAN,
      '{"PublicIP":"10.200.0.1","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"02:11:22:33:44:55"}',
    ],
    [{ type: 'host-gw' }, '{"PublicIP":"10.200.0.1","PublicIPv6":null,"BackendType":"host-gw"'],
  ];
  for (const [peer, bytes] of flannel) {
    it(`${peer.type}: flannel's bytes, then ours`, () => {
      assert.equal(printLease(announcementOf(1, peer)), `${bytes},${OURS}`);
      const lease = parsed(printLease(announcementOf(1, peer)));
      assert.deepEqual(lease.peer, peer);
      assert.equal(lease.nodeId, nodeId(1));
      assert.equal(lease.nodeName, 'n1');
    });
  }

  it('keeps the fields of the former value that nobody here knows', () => {
    const former =
      '{"PublicIP":"10.9.9.9","publicipv6":"fc00::1","Colour":{"a":[1,2]},"BackendV6Data":{"x":1},"__proto__":7}';
    const value = printLease(announcementOf(1), former);
    assert.equal(
      value,
      `{"PublicIP":"10.200.0.1","PublicIPv6":null,${OURS.slice(0, -1)},"Colour":{"a":[1,2]},"__proto__":7}`,
    );
    assert.equal(printLease(announcementOf(1), value), value);
    for (const broken of ['', 'null', '[]', '{"PublicIP"'])
      assert.equal(printLease(announcementOf(1), broken), printLease(announcementOf(1)));
  });
});

describe('lease values: what others publish', () => {
  it('reads every age of flannel', () => {
    assert.deepEqual(parsed('{"PublicIP":"10.200.0.2"}').peer, { type: 'udp' });
    const old = parsed('{"PublicIP":"10.200.0.2","BackendType":"vxlan","BackendData":{"VtepMAC":"2a:12:e9:1f:42:2b"}}');
    assert.deepEqual(old.peer, { type: 'vxlan', mac: mac('2a:12:e9:1f:42:2b') });
    const dual = parsed(
      '{"PublicIP":"10.200.0.2","PublicIPv6":"fc00::2","BackendType":"host-gw"}',
      '10.5.1.0-24&fc00::-64',
    );
    assert.equal(printPrefix(dual.subnet6 ?? dual.subnet), 'fc00::/64');
    assert.ok(dual.publicIp6);
    const strange = parsed('{"PublicIP":"10.200.0.2","BackendType":"wireguard","BackendData":{"PublicKey":"k="}}');
    assert.deepEqual(strange.peer, { type: 'other', name: 'wireguard' });
    assert.equal(strange.nodeId, undefined);
  });

  it('folds the case of keys as flannel does, the exact name first', () => {
    assert.equal(parsed('{"publicip":"10.200.0.2"}').publicIp.value, 0x0ac80002n);
    assert.equal(parsed('{"publicip":"10.200.0.9","PublicIP":"10.200.0.2"}').publicIp.value, 0x0ac80002n);
  });

  it('refuses what cannot be, by its code', () => {
    const vxlan = (data: string) => `{"PublicIP":"10.200.0.2","BackendType":"vxlan","BackendData":${data}}`;
    const cases: [string, string][] = [
      ['', 'NOT_JSON'],
      ['nonsense', 'NOT_JSON'],
      ['NaN', 'NOT_JSON'],
      ['null', 'NOT_AN_OBJECT'],
      ['[]', 'NOT_AN_OBJECT'],
      ['"$(touch /tmp/x)"', 'NOT_AN_OBJECT'],
      [`{"a":"${'x'.repeat(70_000)}"}`, 'TOO_LARGE'],
      ['['.repeat(10_000), 'TOO_DEEP'],
      [`[${'0,'.repeat(300)}0]`, 'TOO_LARGE'],
      ['{}', 'PUBLIC_IP'],
      ['{"PublicIP":1e400}', 'PUBLIC_IP'],
      ['{"PublicIP":["10.200.0.2"]}', 'PUBLIC_IP'],
      ['{"PublicIP":"0.0.0.0"}', 'PUBLIC_IP'],
      ['{"PublicIP":"127.0.0.1"}', 'PUBLIC_IP'],
      ['{"PublicIP":"224.0.0.1"}', 'PUBLIC_IP'],
      ['{"PublicIP":"169.254.0.1"}', 'PUBLIC_IP'],
      ['{"PublicIP":"fc00::2"}', 'PUBLIC_IP'],
      ['{"PublicIP":"010.200.0.2"}', 'PUBLIC_IP'],
      ['{"PublicIP":"10.200.0.2; rm -rf /"}', 'PUBLIC_IP'],
      ['{"PublicIP":"10.200.0.2\\n10.200.0.3"}', 'PUBLIC_IP'],
      ['{"__proto__":{"PublicIP":"10.200.0.2"}}', 'PUBLIC_IP'],
      ['{"PublicIP":"10.200.0.2","BackendType":7}', 'BACKEND_TYPE'],
      ['{"PublicIP":"10.200.0.2","BackendType":"--flag $(x)"}', 'BACKEND_TYPE'],
      [vxlan('null'), 'BACKEND_DATA'],
      [vxlan('"x"'), 'BACKEND_DATA'],
      [vxlan('{}'), 'VTEP_MAC'],
      [vxlan('{"VtepMAC":"00:00:00:00:00:00"}'), 'VTEP_MAC'],
      [vxlan('{"VtepMAC":"01:00:5e:00:00:01"}'), 'VTEP_MAC'],
      [vxlan('{"VtepMAC":"02:11:22:33:44:55","VNI":16777216}'), 'VNI'],
      [vxlan('{"VtepMAC":"02:11:22:33:44:55","VNI":-1}'), 'VNI'],
      [vxlan('{"VtepMAC":"02:11:22:33:44:55","VNI":"1"}'), 'VNI'],
      [vxlan('{"VtepMAC":"02:11:22:33:44:55","VNI":1.5}'), 'VNI'],
    ];
    for (const [value, code] of cases) assert.equal(refusal(value), code, value.slice(0, 80));
    assert.equal(refusal('{"PublicIP":"10.200.0.2"}', '10.5.1.1-24'), 'SUBNET_KEY');
  });

  it('leaves out ids and names that do not belong on a terminal', () => {
    const lease = parsed('{"PublicIP":"10.200.0.2","NodeID":"$(x)","NodeName":"a\\u001b[31mb"}');
    assert.equal(lease.nodeId, undefined);
    assert.equal(lease.nodeName, undefined);
  });

  it('says what it refused on one line, without control characters', () => {
    const lease = parseLease('{"PublicIP":"\\u001b[2J\\n\\u202e10.0.0.1"}', at('10.5.1.0-24'));
    assert.ok(!lease.ok);
    assert.match(lease.rejection.detail, /^[ -~]*$/);
  });
});
