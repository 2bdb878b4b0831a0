import assert from 'node:assert/strict';
import { optionsOf, renderDockerOpts } from '../../../src/docker/options.ts';
import { gatewayOf } from '../../../src/docker/routed.ts';
import { parsePrefix, printIp } from '../../../src/model/address.ts';
import { parseSubnetEnv } from '../../../src/model/subnet-env.ts';

const parsed = parseSubnetEnv(
  'FLANNEL_NETWORK=10.1.0.0/16\nFLANNEL_SUBNET=10.1.74.1/24\nFLANNEL_MTU=1472\nFLANNEL_IPMASQ=false\n',
  'f',
);
assert.ok(parsed.ok);
const env = parsed.value;
const shape = { individual: false, combined: false, key: 'DOCKER_OPTS', ipMasq: true };

describe('docker/options', () => {
  it("turns subnet.env into dockerd's options, the masquerade turned round", () => {
    assert.deepEqual(optionsOf(env, 'open'), { bip: '10.1.74.1/24', mtu: 1472, ipMasq: true, directRouting: 'open' });
    assert.equal(optionsOf({ ...env, ipMasq: true }, 'open').ipMasq, false);
  });

  for (const key of ['', '1A', 'A B', 'A-B', 'A=B', 'DOCKER_OPT_X', 'FLANNEL_MTU', '$(reboot)'])
    it(`refuses the combined key ${JSON.stringify(key)}`, () => {
      assert.throws(() => renderDockerOpts(env, { ...shape, key }, {}), { code: 'USAGE' });
    });

  for (const value of ['a b', 'a\tb', 'a"b', 'a$b', 'a`b', 'a\\b', 'a\nb'])
    it(`refuses an exported option of ${JSON.stringify(value)}, of which the script makes a broken file`, () => {
      assert.throws(() => renderDockerOpts(env, shape, { DOCKER_OPT_X: value }), { code: 'USAGE' });
      if (value !== 'a b' && value !== 'a\tb')
        assert.throws(() => renderDockerOpts(env, shape, { DOCKER_OPTS: value }), { code: 'USAGE' });
    });
});

describe('docker/routed', () => {
  const text = [
    'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
    'eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0',
    'eth0\t004A010A\t0200C80A\t0003\t0\t0\t0\t00FFFFFF\t0\t0\t0',
    'docker0\t004B010A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
  ].join('\n');
  const gateway = (prefix: string): string | undefined => {
    const found = gatewayOf(text, parsePrefix(prefix)!);
    return found === undefined ? undefined : printIp({ family: 4, value: found });
  };

  it('finds the route of exactly this subnet through a gateway, and no other', () => {
    assert.equal(gateway('10.1.74.0/24'), '10.200.0.2');
    assert.equal(gateway('10.1.74.0/25'), undefined);
    assert.equal(gateway('10.1.75.0/24'), undefined);
    assert.equal(gateway('10.1.76.0/24'), undefined);
  });
});
