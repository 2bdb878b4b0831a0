import assert from 'node:assert/strict';
import { peersCheck } from '../../../src/daemon/peers.ts';
import type { Lease } from '../../../src/model/lease.ts';
import type { PeerLiveness } from '../../../src/model/report.ts';
import { nodeLease } from '../../support/values.ts';

const liveness = (verdict: PeerLiveness['verdict']): PeerLiveness => ({ verdict, asked: 5, lost: 3 });
const figures = (...verdicts: readonly PeerLiveness['verdict'][]) =>
  new Map(verdicts.map((verdict, i) => [`k${i}`, liveness(verdict)] as const));
const lease = (number: number): Lease => nodeLease(`10.5.${number}.0/24`, number);
const leases = new Map([0, 1, 2].map((number) => [`k${number}`, lease(number + 1)] as const));

describe('daemon/peers', () => {
  it('all answer, or are too young to tell: well', () => {
    assert.deepEqual(peersCheck(figures(), leases), { name: 'peers', state: 'ok', detail: 'none' });
    assert.equal(peersCheck(figures('answers', 'unknown'), leases).state, 'ok');
  });

  it('one that is silent, loses packets or is reached one way only is a fault, the worst one named', () => {
    for (const verdict of ['silent', 'loses', 'one-way'] as const)
      assert.equal(peersCheck(figures('answers', verdict), leases).state, 'degraded', verdict);
    const { detail } = peersCheck(figures('silent', 'one-way', 'answers'), leases);
    assert.match(detail, /^1 of 3 answer; .*10\.5\.2\.0\/24.*, and 1 more$/);
  });

  it('a subnet that is kept for a node may be there without it', () => {
    const kept = { ...lease(2), etcd: { ...lease(2).etcd, leaseId: '0' } };
    const check = peersCheck(figures('answers', 'silent'), new Map([...leases, ['k1', kept]]));
    assert.deepEqual([check.state, check.detail], ['ok', '1 of 2 answer']);
  });
});
