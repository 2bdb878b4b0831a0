import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ipAt, prefixOf } from '../../../src/model/address.ts';
import { parseSubnetEnv, renderSubnetEnv } from '../../../src/model/subnet-env.ts';
import { HOSTILE_ENVS } from '../../corpus/hostile.ts';

const envs = fc
  .record({
    value: fc.bigInt({ min: 0n, max: 0xffffffffn }),
    networkLength: fc.integer({ min: 1, max: 30 }),
    more: fc.integer({ min: 0, max: 29 }),
    mtu: fc.integer({ min: 68, max: 65_535 }),
    ipMasq: fc.boolean(),
  })
  .map(({ value, networkLength, more, mtu, ipMasq }) => {
    const length = Math.min(30, networkLength + more);
    const subnet = prefixOf({ family: 4, value }, length);
    return {
      network: prefixOf({ family: 4, value }, networkLength),
      subnet: { ip: ipAt(subnet, 1n), length },
      mtu,
      ipMasq,
    };
  });

describe('model/subnet-env (properties)', () => {
  it('parse is the inverse of render', () => {
    fc.assert(
      fc.property(envs, (env) => {
        assert.deepEqual(parseSubnetEnv(renderSubnetEnv(env), 'f'), { ok: true, value: env });
      }),
    );
  });

  it('never throws, and what it accepts it renders back to the same value', () => {
    const line = fc.tuple(
      fc.constantFrom('FLANNEL_NETWORK', 'FLANNEL_SUBNET', 'FLANNEL_MTU', 'FLANNEL_IPMASQ', 'X', '#'),
      fc.constantFrom('=', ' = ', ''),
      fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('10.0.0.0/8', '10.1.2.1/24', '1450', 'true')),
    );
    fc.assert(
      fc.property(fc.array(line.map((parts) => parts.join(''))), (lines) => {
        const parsed = parseSubnetEnv(lines.join('\n'), 'f');
        if (!parsed.ok) return assert.ok(parsed.rejection.detail.length <= 200);
        assert.deepEqual(parseSubnetEnv(renderSubnetEnv(parsed.value), 'f'), parsed);
      }),
    );
  });

  it('believes none of the corpus', () => {
    const believed = HOSTILE_ENVS.filter((text) => parseSubnetEnv(text, 'f').ok);
    assert.deepEqual(believed, []);
  });
});
