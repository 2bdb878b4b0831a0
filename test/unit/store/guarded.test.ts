import assert from 'node:assert/strict';
import { createMemoryEtcd } from '../../../src/store/memory/etcd.ts';
import { openStore } from '../../../src/store/store.ts';
import { createTestClock } from '../../support/clock.ts';
import { NET } from '../../support/kvs.ts';
import { prefix } from '../../support/values.ts';

const SUBNET = prefix('10.5.2.0/24');

describe('writes of the store', () => {
  it('change nothing that was changed since it was read', async () => {
    const store = openStore(createMemoryEtcd(createTestClock()).client(), NET);
    const held = (await store.claim([SUBNET], 'one', 60))!;
    const seen = (await store.read(SUBNET))!;
    assert.ok(await store.update(seen, 'two', held.leaseId));
    assert.equal(await store.update(seen, 'three', held.leaseId), undefined);
    assert.equal((await store.read(SUBNET))?.value, 'two');
    assert.equal(await store.reserve(SUBNET, 'four'), undefined);
    assert.equal(await store.claim([SUBNET], 'five', 60), undefined);
  });
});
