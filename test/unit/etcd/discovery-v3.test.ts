import assert from 'node:assert/strict';
import { TsflannelError } from '../../../src/errors.ts';
import { newV3, parseDiscoveryToken, readV3, registerV3, type V3Registry } from '../../../src/etcd/discovery-v3.ts';
import type { OpenKv } from '../../../src/etcd/members.ts';
import { createMemoryEtcd } from '../../../src/store/memory/etcd.ts';
import { createTestClock } from '../../support/clock.ts';

const PLACE = { endpoints: ['http://127.0.0.1:2379'] };
const rejects = (call: Promise<unknown>, code: string, why: RegExp) =>
  assert.rejects(call, (error) => error instanceof TsflannelError && error.code === code && why.test(error.why));

describe('etcd/discovery-v3', () => {
  const memory = createMemoryEtcd(createTestClock());
  const open: OpenKv = async () => memory.client();

  async function put(key: string, value: string): Promise<void> {
    const kv = await open({ ...PLACE, timeoutMs: 1000 });
    await kv.txn([], [{ op: 'put', key, value }]);
    kv.close();
  }

  it('lists members in the order they came, each once', async () => {
    const registry = await newV3(open, PLACE, 3);
    assert.match(registry.token, /^[0-9a-f]{32}$/);
    assert.deepEqual(await readV3(open, registry), { size: 3, members: [] });
    assert.equal(await registerV3(open, registry, 'ff', 'b=http://10.0.0.2:2380'), true);
    assert.equal(await registerV3(open, registry, '1', 'a=http://10.0.0.1:2380'), true);
    assert.equal(await registerV3(open, registry, 'ff', 'c=http://10.0.0.3:2380'), false);
    const { members } = await readV3(open, registry);
    assert.deepEqual(
      members.map(({ id, name }) => [id, name]),
      [
        ['ff', 'b'],
        ['1', 'a'],
      ],
    );
  });

  it('refuses a registry that nobody made, and one that holds nonsense', async () => {
    const none: V3Registry = { ...PLACE, token: 'unknown' };
    await rejects(readV3(open, none), 'DISCOVERY_INVALID', /does not know this token/);
    await put('/_etcd/registry/bad/_config/size', '1e9');
    await rejects(readV3(open, { ...PLACE, token: 'bad' }), 'DISCOVERY_INVALID', /1 to 31/);
    const registry = await newV3(open, PLACE, 3);
    await put(`/_etcd/registry/${registry.token}/members/ff`, 'a=file:///etc/passwd');
    await rejects(readV3(open, registry), 'DISCOVERY_INVALID', /./);
  });

  it('tells a service that does not answer from one that refuses', async () => {
    const failing =
      (code: 'ETCD_UNREACHABLE' | 'ETCD_FAILED'): OpenKv =>
      () =>
        Promise.reject(new TsflannelError(code, { endpoints: 'x', detail: 'no luck' }));
    await rejects(newV3(failing('ETCD_UNREACHABLE'), PLACE, 3), 'DISCOVERY_UNREACHABLE', /2379: no luck/);
    await rejects(newV3(failing('ETCD_FAILED'), PLACE, 3), 'DISCOVERY_INVALID', /no luck/);
  });

  it('takes no token that could leave its place', () => {
    for (const bad of ['', '..', '....', 'a/b', 'a b', 'x'.repeat(129), 'ab\u0000cd'])
      assert.ok(!parseDiscoveryToken(bad).ok, bad);
    assert.ok(parseDiscoveryToken(' 3e86b599-82e4 ').ok);
  });
});
