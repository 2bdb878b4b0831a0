import assert from 'node:assert/strict';
import { printPrefix } from '../../../src/model/address.ts';
import { printLease } from '../../../src/model/lease.ts';
import type { MemoryEtcd } from '../../../src/store/memory/etcd.ts';
import { holderRig } from '../../support/holder.ts';
import { erase, overwrite } from '../../support/lease.ts';
import { announcementOf } from '../../support/values.ts';

const HALF_A_DAY = 43_200_000;

describe('holding what is only remembered', () => {
  it('asks nothing before it is told to, then resumes, claims again or gives way', async () => {
    for (const [what, change, subnet] of [
      ['resumed', async () => {}, '10.5.2.0/24'],
      ['claimed again', (etcd: MemoryEtcd) => erase(etcd, 'subnets/10.5.2.0-24'), '10.5.2.0/24'],
      [
        'another node has it',
        (etcd: MemoryEtcd) => overwrite(etcd, 'subnets/10.5.2.0-24', printLease(announcementOf(2))),
        '10.5.3.0/24',
      ],
    ] as const) {
      const { clock, etcd, holder, held, calls, changes } = await holderRig(undefined, { cached: true });
      await change(etcd);
      const revision = etcd.revision();
      await clock.advance(HALF_A_DAY);
      assert.deepEqual([holder.state(), calls(), etcd.revision()], ['cached', [], revision], what);
      await holder.check();
      assert.equal(holder.state(), 'held', what);
      assert.deepEqual(changes, [`${printPrefix(held.subnet)} -> ${subnet}`], what);
      if (what === 'resumed') assert.equal(etcd.revision(), revision);
      holder.close();
    }
  });
});
