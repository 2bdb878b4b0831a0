import assert from 'node:assert/strict';
import { TsflannelError } from '../../../src/errors.ts';
import { findMember, quorum, whyNotAdd, whyNotRemove, whyNotReplace } from '../../../src/etcd/guards.ts';
import type { ClusterStatus, MemberRow } from '../../../src/etcd/members.ts';

/** One letter a member: healthy, down, new (added, not started), learner. */
function clusterOf(states: string): ClusterStatus {
  const statuses = { h: 'healthy', d: 'unreachable', n: 'not started', l: 'learner', N: 'not started' } as const;
  const rows = [...states].map(
    (state, index): MemberRow => ({
      name: state.toLowerCase() === 'n' ? '' : `m${index}`,
      id: BigInt(0xa0 + index),
      clientUrls: [],
      peerUrls: [`http://10.0.0.${index}:2380`],
      status: statuses[state as keyof typeof statuses],
      isLeader: false,
      isLearner: state === 'l' || state === 'N',
    }),
  );
  return { clusterId: 1n, leader: 0xa0n, rows };
}

describe('etcd/guards', () => {
  it('knows majorities', () => assert.deepEqual([1, 2, 3, 4, 5].map(quorum), [1, 2, 2, 3, 3]));

  for (const [states, learner, why] of [
    ['h', true, undefined],
    ['hh', true, undefined],
    ['hhh', false, undefined],
    ['h', false, /1 of 2 voting members would be up, 2 are needed/],
    ['hhd', true, /m2 is unreachable/],
    ['hhn', false, /10\.0\.0\.2:2380 was added and has not started/],
    ['hhN', true, /was added and has not started/],
    ['hhl', true, /m2 is a learner still: tsflannel etcd member promote m2/],
  ] as const) {
    it(`${why ? 'refuses' : 'lets'} a ${learner ? 'learner' : 'voter'} into ${states}`, () => {
      const reason = whyNotAdd(clusterOf(states), learner);
      if (why) assert.match(reason ?? '', why);
      else assert.equal(reason, undefined);
    });
  }

  for (const [states, at, why] of [
    ['hhh', 0, undefined],
    ['hhd', 2, undefined],
    ['hd', 1, undefined],
    ['hhl', 2, undefined],
    ['hhn', 2, undefined],
    ['h', 0, /m0 is the last member/],
    ['hl', 0, /m0 is the last member/],
    ['hhd', 0, /1 of 2 voting members would be up, 2 are needed/],
    ['hd', 0, /0 of 1/],
    ['hhddd', 0, /1 of 4/],
  ] as const) {
    it(`${why ? 'keeps' : 'lets go of'} member ${at} of ${states}`, () => {
      const cluster = clusterOf(states);
      const reason = whyNotRemove(cluster, cluster.rows[at]!);
      if (why) assert.match(reason ?? '', why);
      else assert.equal(reason, undefined);
    });
  }

  for (const [states, at, why] of [
    ['hhd', 2, undefined],
    ['hhn', 2, undefined],
    ['hhh', 2, /m2 is healthy/],
    ['hhddd', 2, /2 of 4 voting members would be up, 3 are needed/],
    ['hhhdd', 3, /m4 is unreachable/],
  ] as const) {
    it(`${why ? 'does not replace' : 'replaces'} member ${at} of ${states}`, () => {
      const cluster = clusterOf(states);
      const reason = whyNotReplace(cluster, cluster.rows[at]!);
      if (why) assert.match(reason ?? '', why);
      else assert.equal(reason, undefined);
    });
  }

  it('finds members by name, id and peer URL, and never by an empty name', () => {
    const cluster = clusterOf('hhn');
    for (const text of ['m1', 'a1', 'A1', 'http://10.0.0.1:2380']) assert.equal(findMember(cluster, text).id, 0xa1n);
    assert.equal(findMember(cluster, 'a2').status, 'not started');
    const code = (expected: string) => (error: unknown) => error instanceof TsflannelError && error.code === expected;
    assert.throws(() => findMember(cluster, 'm9'), code('ETCD_MEMBER_UNKNOWN'));
    assert.throws(() => findMember(cluster, ''), code('ETCD_MEMBER_UNKNOWN'));
    const twins = { ...cluster, rows: cluster.rows.map((row) => ({ ...row, name: 'x' })) };
    assert.throws(() => findMember(twins, 'x'), code('USAGE'));
  });
});
