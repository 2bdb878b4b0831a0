import assert from 'node:assert/strict';
import { parseV2 } from '../../../src/config/v2.ts';

const store = (...nodes: unknown[]) => JSON.stringify({ action: 'get', node: { key: '/n', dir: true, nodes } });
const config = { key: '/n/config', value: '{"Network":"10.5.0.0/16"}' };
const subnets = (...nodes: unknown[]) => ({ key: '/n/subnets', dir: true, nodes });

describe('config/v2', () => {
  it('reads config, leases and their TTL', () => {
    const leases = subnets(
      { key: '/n/subnets/10.5.1.0-24', value: 'v', ttl: 9 },
      { key: '/n/subnets/10.5.2.0-24', value: 'w' },
    );
    assert.deepEqual(parseV2(store(config, leases, { key: '/n/second', dir: true })), {
      ok: true,
      value: {
        config: config.value,
        leases: [
          { name: '10.5.1.0-24', value: 'v', ttl: 9 },
          { name: '10.5.2.0-24', value: 'w' },
        ],
        others: ['second'],
        strays: [],
      },
    });
  });

  it('reads a store without leases', () => {
    const parsed = parseV2(store(config));
    assert.deepEqual(parsed.ok && parsed.value.leases, []);
  });

  for (const [what, body] of Object.entries({
    'no JSON': '<html>',
    'no node': '{}',
    'no config': store(subnets()),
    'a folder named config': store({ key: '/n/config', dir: true }),
    'a config that is no text': store({ key: '/n/config', value: 7 }),
    'nodes that are no list': JSON.stringify({ node: { nodes: { 0: config } } }),
    'a lease without a value': store(config, subnets({ key: '/n/subnets/10.5.1.0-24' })),
    'a TTL that is none': store(config, subnets({ key: '/n/subnets/10.5.1.0-24', value: 'v', ttl: 1.5 })),
    'a value without end': store(config, subnets({ key: '/n/subnets/x', value: 'v'.repeat(70_000) })),
  })) {
    it(`refuses ${what}`, () => assert.equal(parseV2(body).ok, false));
  }
});
