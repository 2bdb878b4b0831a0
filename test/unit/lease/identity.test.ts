import assert from 'node:assert/strict';
import { TsflannelError } from '../../../src/errors.ts';
import { acquire } from '../../../src/lease/acquire.ts';
import { printPrefix } from '../../../src/model/address.ts';
import type { Announcement } from '../../../src/model/lease.ts';
import { type Ground, ground } from '../../support/lease.ts';
import { announcementOf, ip, nodeId } from '../../support/values.ts';

const HERE = 'a'.repeat(16);
const THERE = 'b'.repeat(16);

/** Node 1 on its first machine, unless changed. */
const one = (change: Partial<Announcement> = {}): Announcement => ({ ...announcementOf(1), hostId: HERE, ...change });
const take = (base: Ground, announcement: Announcement) => acquire(base.options(1, { announcement }));
const code = (expected: string) => (error: unknown) => error instanceof TsflannelError && error.code === expected;

describe('who a node is', () => {
  for (const [what, change] of [
    ['another address', { publicIp: ip('10.200.0.9') }],
    ['another network card', { hostId: THERE }],
    ['a machine that tells no fingerprint', { hostId: undefined, publicIp: ip('10.200.0.9') }],
  ] as const)
    it(`with ${what} it is itself`, async () => {
      const base = await ground();
      const held = await take(base, one());
      const { hostId, ...rest } = one(change as Partial<Announcement>);
      const again = await take(base, { ...rest, ...(hostId !== undefined && { hostId }) });
      assert.deepEqual([again.subnet, again.resumed], [held.subnet, true]);
    });

  it('on another machine at another address it is a copy, while the first one renews', async () => {
    const base = await ground();
    const held = await take(base, one());
    const revision = base.etcd.revision();
    const copy = one({ hostId: THERE, publicIp: ip('10.200.0.9') });
    await assert.rejects(take(base, copy), code('NODE_ID_CLONED'));
    assert.equal(base.etcd.revision(), revision);
    await base.clock.advance(1_201_000);
    assert.deepEqual((await take(base, copy)).subnet, held.subnet);
  });

  it('two nodes at one address: the second is refused, and writes nothing', async () => {
    const base = await ground();
    await take(base, one());
    const revision = base.etcd.revision();
    const second = one({ nodeId: nodeId(2), hostId: THERE });
    await assert.rejects(take(base, second), code('PUBLIC_IP_TAKEN'));
    assert.equal(base.etcd.revision(), revision);
    await base.clock.advance(1_201_000);
    assert.equal(printPrefix((await take(base, second)).subnet), '10.5.3.0/24');
  });

  it('the same machine set up anew at its address is welcome', async () => {
    const base = await ground();
    await take(base, one());
    assert.equal(printPrefix((await take(base, one({ nodeId: nodeId(2) }))).subnet), '10.5.3.0/24');
  });
});
