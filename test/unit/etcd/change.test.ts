import assert from 'node:assert/strict';
import { TsflannelError } from '../../../src/errors.ts';
import { type ChangeParts, newcomer, promoteMember, removeMember, replaceMember } from '../../../src/etcd/change.ts';
import type { Admin } from '../../../src/store/admin.ts';
import type { Kv, MemberInfo } from '../../../src/store/kv.ts';

const URL = 'http://10.0.0.9:2380';
const of = (id: bigint, peer: string, isLearner = false): MemberInfo => ({
  ...{ name: `m${id}`, id, peerUrls: [peer], clientUrls: [] },
  isLearner,
});
const refused = (detail: string) => new TsflannelError('ETCD_FAILED', { endpoints: 'etcd', detail });

/** What becomes of a call: it is made and answered, its answer is lost, or it is lost itself. */
type Fate = 'made' | 'unanswered' | 'lost';

/** An etcd whose calls meet these fates in turn, the last one for good; it refuses as etcd does what is made already. */
function etcdWith(...fates: readonly Fate[]) {
  const members = new Map<bigint, MemberInfo>(
    [1n, 2n, 3n].map((id) => [id, of(id, `http://10.0.0.${id}:2380`, id === 2n)]),
  );
  const calls: string[] = [];
  async function call<T>(name: string, make: () => T): Promise<T> {
    const fate = fates[Math.min(calls.push(name), fates.length) - 1];
    const made = fate === 'lost' ? undefined : make();
    if (fate === 'made') return made as T;
    throw new TsflannelError('ETCD_TIMEOUT', { endpoints: 'etcd', detail: 'no answer within the deadline' });
  }
  const admin = {
    addMember: ([url = '']: readonly string[]) =>
      call('add', () => {
        if ([...members.values()].some(({ peerUrls }) => peerUrls.includes(url)))
          throw refused('etcdserver: Peer URLs already exists');
        members.set(9n, of(9n, url, true));
        return 9n;
      }),
    removeMember: (id: bigint) =>
      call('remove', () => {
        if (!members.delete(id)) throw refused('etcdserver: member not found');
      }),
    promoteMember: (id: bigint) =>
      call('promote', () => {
        const member = members.get(id) as MemberInfo;
        if (!member.isLearner) throw refused('etcdserver: can only promote a learner member');
        members.set(id, { ...member, isLearner: false });
      }),
    close: () => undefined,
  };
  const kv = { members: async () => [...members.values()], close: () => undefined };
  const parts = {
    openKv: async () => kv as unknown as Kv,
    openAdmin: async () => admin as unknown as Admin,
    kv: { endpoints: ['http://10.0.0.1:2379'], timeoutMs: 1000 },
  } as unknown as ChangeParts;
  return { parts, calls, ids: () => [...members.keys()] };
}

const target = { cluster: { clusterId: 1n, leader: 1n, rows: [] }, row: { id: 3n } as never };
const m9 = newcomer('m9', URL, true);

describe('etcd/change: a call that an election swallowed', () => {
  for (const [fates, calls] of [
    [['made'], 'remove add'],
    [['lost', 'made'], 'remove remove add'],
    [['unanswered', 'made'], 'remove remove add'],
    [['made', 'lost', 'made'], 'remove add add'],
    [['made', 'unanswered', 'made'], 'remove add add'],
  ] as const)
    it(`replaces a member once: ${fates.join(', ')}`, async () => {
      const etcd = etcdWith(...fates);
      const added = await replaceMember(etcd.parts, target, m9);
      assert.deepEqual([added.id, etcd.ids(), etcd.calls.join(' ')], [9n, [1n, 2n, 9n], calls]);
    });

  it('promotes once', async () => {
    const etcd = etcdWith('unanswered', 'made');
    assert.equal((await promoteMember(etcd.parts, 'm2', false)).changed, true);
    assert.equal(etcd.calls.length, 2);
  });

  it('takes a refusal of what nobody has tried before for what it is', async () => {
    const etcd = etcdWith('made');
    await assert.rejects(removeMember(etcd.parts, { ...target, row: { id: 7n } as never }), /etcd/);
    assert.equal(etcd.calls.length, 1);
  });
});
