import assert from 'node:assert/strict';
import {
  containsIp,
  containsPrefix,
  ipAt,
  isSpecialIp4,
  lastOf,
  overlaps,
  parseCidr,
  parseIp,
  parseIp4,
  parseIp6,
  parsePrefix,
  prefixOf,
  printIp,
  printPrefix,
  sizeOf,
} from '../../../src/model/address.ts';

const ip = (text: string) => {
  const parsed = parseIp(text);
  assert.ok(parsed, text);
  return parsed;
};
const prefix = (text: string) => {
  const parsed = parsePrefix(text);
  assert.ok(parsed, text);
  return parsed;
};

describe('addresses', () => {
  it('IPv4 is a strict dotted quad', () => {
    assert.equal(ip('10.5.0.255').value, 0x0a0500ffn);
    const wrong = [
      '',
      '10.5.1',
      '10.5.1.1.1',
      '010.5.1.1',
      '10.5.1.256',
      '10.5.1.-1',
      '0x0a.5.1.1',
      '10.5.1.1 ',
      ' 10.5.1.1',
    ];
    for (const text of [...wrong, '10.5.1.1\n', '١٠.5.1.1', '10.5..1', '1e1.5.1.1', '167837953', '10.5.1.1/24'])
      assert.equal(parseIp4(text), undefined, JSON.stringify(text));
  });

  it('IPv6 has eight groups, or one gap', () => {
    assert.equal(ip('fc00::1').value, 0xfc000000000000000000000000000001n);
    assert.equal(ip('::').value, 0n);
    for (const text of [
      '',
      ':',
      ':::',
      '1::2::3',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1:2:3:4:5:6:7:8::',
      '12345::',
    ])
      assert.equal(parseIp6(text), undefined, text);
    for (const text of ['::ffff:1.2.3.4', 'fe80::1%eth0', 'g::', '::1/64'])
      assert.equal(parseIp6(text), undefined, text);
  });

  it('IPv6 is printed as RFC 5952 says', () => {
    const pairs = [
      ['2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
      ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
      ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
      ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
      ['0:0:0:0:0:0:0:0', '::'],
      ['1:0:0:0:0:0:0:0', '1::'],
      ['0:0:0:0:0:0:0:1', '::1'],
    ];
    for (const [text, canonical] of pairs) assert.equal(printIp(ip(text ?? '')), canonical);
  });

  it('a prefix has no host bits, a CIDR may', () => {
    assert.equal(parsePrefix('10.5.1.0/16'), undefined);
    assert.deepEqual(parseCidr('10.5.1.7/16'), { ip: ip('10.5.1.7'), length: 16 });
    for (const text of [
      '10.5.0.0',
      '10.5.0.0/',
      '10.5.0.0/33',
      '10.5.0.0/016',
      '10.5.0.0/-1',
      '10.5.0.0/1 6',
      'fc00::/129',
    ])
      assert.equal(parseCidr(text), undefined, text);
    assert.equal(printPrefix(prefixOf(ip('10.5.1.7'), 16)), '10.5.0.0/16');
    assert.equal(printPrefix(prefixOf(ip('fc00:1:2::7'), 33)), 'fc00:1::/33');
  });

  it('knows the ends, the size and the places of a prefix', () => {
    assert.equal(lastOf(prefix('10.5.0.0/16')), 0x0a05ffffn);
    assert.equal(lastOf(prefix('0.0.0.0/0')), 0xffffffffn);
    assert.equal(lastOf(prefix('10.5.1.1/32')), ip('10.5.1.1').value);
    assert.equal(sizeOf(prefix('10.5.0.0/16')), 65_536n);
    assert.equal(printIp(ipAt(prefix('10.5.1.0/24'), 1n)), '10.5.1.1');
  });

  it('knows what lies in what', () => {
    assert.ok(containsPrefix(prefix('10.5.0.0/16'), prefix('10.5.0.0/16')));
    assert.ok(containsPrefix(prefix('10.5.0.0/16'), prefix('10.5.255.0/24')));
    assert.ok(!containsPrefix(prefix('10.5.1.0/24'), prefix('10.5.0.0/16')));
    assert.ok(overlaps(prefix('10.5.1.0/24'), prefix('10.5.0.0/16')));
    assert.ok(!overlaps(prefix('10.5.0.0/16'), prefix('10.6.0.0/16')));
    assert.ok(!overlaps(prefix('0.0.0.0/0'), prefix('::/0')));
    assert.ok(containsIp(prefix('10.5.0.0/16'), ip('10.5.9.9')));
    assert.ok(!containsIp(prefix('10.5.0.0/16'), ip('10.4.255.255')));
  });

  it('knows the addresses that no host has', () => {
    for (const text of ['0.0.0.0', '0.1.2.3', '127.0.0.1', '169.254.1.1', '224.0.0.1', '255.255.255.255'])
      assert.ok(isSpecialIp4(ip(text)), text);
    for (const text of ['1.0.0.0', '10.5.1.1', '169.253.255.255', '169.255.0.0', '223.255.255.255', '192.168.0.1'])
      assert.ok(!isSpecialIp4(ip(text)), text);
  });
});
