import assert from 'node:assert/strict';
import { parseCidr, parseIp, parsePrefix } from '../../../src/model/address.ts';
import { parseSubnetEnv, parseSubnetEnvKeys, renderSubnetEnv, type SubnetEnv } from '../../../src/model/subnet-env.ts';

const env: SubnetEnv = {
  network: parsePrefix('172.20.0.0/16')!,
  subnet: parseCidr('172.20.57.1/24')!,
  mtu: 1472,
  ipMasq: true,
};
const TEXT = 'FLANNEL_NETWORK=172.20.0.0/16\nFLANNEL_SUBNET=172.20.57.1/24\nFLANNEL_MTU=1472\nFLANNEL_IPMASQ=true\n';

const rejected = (text: string): string => {
  const parsed = parseSubnetEnv(text, 'subnet.env');
  assert.equal(parsed.ok, false, text);
  return parsed.ok ? '' : parsed.rejection.detail;
};

describe('model/subnet-env', () => {
  it("renders flanneld's bytes in flanneld's order", () => {
    assert.equal(renderSubnetEnv(env), TEXT);
    assert.match(renderSubnetEnv({ ...env, ipMasq: false }), /FLANNEL_IPMASQ=false\n$/);
  });

  it('reads what it renders', () => {
    assert.deepEqual(parseSubnetEnv(renderSubnetEnv(env), 'f'), { ok: true, value: env });
  });

  it('passes over comments, order, blank lines, quotes, CRLF and unknown keys', () => {
    const text = `# by hand\r\n\r\nFLANNEL_IPMASQ="true"\r\nexport FLANNEL_MTU='1472'\r\nFLANNEL_IPV6_NETWORK=fd00::/48\r\nFOO=$(reboot)\r\nFLANNEL_SUBNET=172.20.57.1/24\r\nFLANNEL_NETWORK=172.20.0.0/16`;
    assert.deepEqual(parseSubnetEnv(text, 'f'), { ok: true, value: env });
  });

  it('lets the last assignment win, as a shell does', () => {
    const parsed = parseSubnetEnv(`${TEXT}FLANNEL_MTU=1400\n`, 'f');
    assert.equal(parsed.ok && parsed.value.mtu, 1400);
  });

  for (const [name, line] of [
    ['an octal-looking subnet', 'FLANNEL_SUBNET=172.20.057.1/24'],
    ['a subnet without length', 'FLANNEL_SUBNET=172.20.57.1'],
    ['a subnet outside the network', 'FLANNEL_SUBNET=10.1.2.1/24'],
    ['a subnet wider than the network', 'FLANNEL_SUBNET=172.20.0.1/15'],
    ["the subnet's own number", 'FLANNEL_SUBNET=172.20.57.0/24'],
    ['an IPv6 subnet', 'FLANNEL_SUBNET=fd00::1/64'],
    ['a network with host bits', 'FLANNEL_NETWORK=172.20.0.1/16'],
    ['a list of networks', 'FLANNEL_NETWORK=172.20.0.0/16,10.0.0.0/8'],
    ['an MTU of 0', 'FLANNEL_MTU=0'],
    ['an MTU over 65535', 'FLANNEL_MTU=65536'],
    ['an MTU in hexadecimal', 'FLANNEL_MTU=0x5dc'],
    ['IPMASQ in other words', 'FLANNEL_IPMASQ=yes'],
    ['an empty value', 'FLANNEL_IPMASQ='],
    ['a command', 'FLANNEL_MTU=$(reboot)'],
    ['a second word', 'FLANNEL_SUBNET=172.20.57.1/24 --insecure-registry=x'],
    ['a half-open quote', 'FLANNEL_MTU="1472'],
  ] as const) {
    it(`refuses ${name}`, () => {
      assert.match(rejected(`${TEXT}${line}\n`), /FLANNEL_/);
    });
  }

  it('names the missing key', () => {
    for (const key of ['FLANNEL_NETWORK', 'FLANNEL_SUBNET', 'FLANNEL_MTU', 'FLANNEL_IPMASQ'])
      assert.equal(rejected(TEXT.replace(new RegExp(`${key}=.*\n`), '')), `${key} is missing`);
    assert.equal(rejected(''), 'FLANNEL_NETWORK is missing');
  });

  it('gives the keys that are there where not all are needed', () => {
    const parsed = parseSubnetEnvKeys('FLANNEL_SUBNET=172.20.57.1/24\n', 'f');
    assert.deepEqual(parsed, {
      ok: true,
      value: { network: undefined, subnet: env.subnet, subnet6: undefined, mtu: undefined, ipMasq: undefined },
    });
  });

  it("gives a flanneld's IPv6 subnet, and refuses what is none", () => {
    const read = (subnet: string) => parseSubnetEnvKeys(`${TEXT}FLANNEL_IPV6_SUBNET=${subnet}\n`, 'f');
    const parsed = read('fd00:0:0:7::1/64');
    assert.ok(parsed.ok);
    assert.deepEqual(parsed.value.subnet6, { ip: parseIp('fd00:0:0:7::1'), length: 64 });
    for (const subnet of ['fd00:0:0:7::/64', '10.1.74.1/24', 'fd00::1', 'fd00::1/127', 'fd00::1/64;x', ''])
      assert.equal(read(subnet).ok, false, subnet);
  });

  it('refuses a file of megabytes and keeps control characters out of what it prints', () => {
    assert.equal(parseSubnetEnv('#'.repeat(70_000), 'f').ok, false);
    assert.doesNotMatch(rejected(`${TEXT}FLANNEL_MTU=\u001b[31m\n`), /\u001b/);
  });
});
