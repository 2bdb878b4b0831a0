import assert from 'node:assert/strict';
import type { KernelObject, Plan, Step } from '../../../src/kernel/state.ts';
import { keyOf } from '../../../src/kernel/state.ts';
import { atOnce } from '../../../src/model/sliced.ts';
import { createLimiter, type Limiter } from '../../../src/reconcile/limiter.ts';
import { ip, prefix } from '../../support/values.ts';

const route = (via: string): KernelObject => ({
  kind: 'route',
  dst: prefix('10.5.2.0/24'),
  via: ip(via),
  device: 'eth0',
  onlink: false,
  metric: 0,
  protocol: 241,
});
const link: KernelObject = {
  kind: 'link',
  name: 'flannel0',
  alias: 'tsflannel:10.5.0.0/16',
  mtu: 1472,
  up: true,
  link: { type: 'tun' },
};
const address: KernelObject = { kind: 'address', device: 'flannel0', ip: ip('10.5.1.0'), length: 32 };
const file = (content: string): KernelObject => ({ kind: 'file', path: '/run/x', content, mode: 0o644 });
const step = (object: KernelObject, action: Step['action'] = 'create'): Step => ({ action, object, because: 'test' });
const keys = (plan: Plan): string[] => plan.map(({ object }) => keyOf(object));

/** Applies what is admitted; returns its keys and the wait. */
function go(limiter: Limiter, now: number, ...plan: Step[]): { done: string[]; waitMs: number } {
  const admitted = atOnce(limiter.admitting(plan, now));
  for (const one of admitted.now) limiter.applied(one, now);
  return { done: keys(admitted.now), waitMs: admitted.waitMs };
}

describe('limiter', () => {
  it('restores at once the first time, then once in 5 s', () => {
    const limiter = createLimiter();
    const one = step(route('10.200.0.2'));
    assert.equal(go(limiter, 0, one).done.length, 1);
    assert.equal(go(limiter, 10, one).done.length, 1);
    assert.deepEqual(go(limiter, 20, one), { done: [], waitMs: 4_990 });
    assert.deepEqual(go(limiter, 5_009, one), { done: [], waitMs: 1 });
    assert.equal(go(limiter, 5_010, one).done.length, 1);
    assert.deepEqual(limiter.fights(5_010), [{ key: 'route/10.5.2.0/24/0', restores: 2 }]);
  });

  it('restores rules four times before they have to wait, and only then calls it a fight', () => {
    const limiter = createLimiter();
    const jump: KernelObject = { kind: 'jump', table: 'nat', from: 'POSTROUTING', to: 'TSFLANNEL-X', first: true };
    for (let now = 0; now < 5; now++) assert.equal(go(limiter, now, step(jump)).done.length, 1);
    assert.deepEqual(limiter.fights(4), []);
    assert.deepEqual(go(limiter, 5, step(jump)), { done: [], waitMs: 4_999 });
    go(limiter, 5_004, step(jump));
    assert.equal(limiter.fights(5_004)[0]?.restores, 5);
  });

  it('forgets what went with an interface that is back', () => {
    const limiter = createLimiter();
    for (const now of [0, 1]) go(limiter, now, step(route('10.200.0.2')));
    limiter.forget();
    assert.equal(go(limiter, 2, step(route('10.200.0.2'))).done.length, 1);
    assert.deepEqual(limiter.fights(2), []);
  });

  it('counts an object changed back like one removed', () => {
    const limiter = createLimiter();
    go(limiter, 0, step(route('10.200.0.2')));
    go(limiter, 1, step(route('10.200.0.2'), 'replace'));
    assert.deepEqual(go(limiter, 2, step(route('10.200.0.2'), 'replace')).done, []);
  });

  it('does not hold back what we want otherwise now, nor removals', () => {
    const limiter = createLimiter();
    for (const now of [0, 1]) go(limiter, now, step(route('10.200.0.2')));
    assert.equal(go(limiter, 2, step(route('10.200.0.3'), 'replace')).done.length, 1);
    assert.equal(go(limiter, 3, step(route('10.200.0.3'), 'remove')).done.length, 1);
    assert.equal(go(limiter, 4, step(route('10.200.0.3'))).done.length, 1);
    for (const now of [0, 1]) go(limiter, now, step(file('ab')));
    assert.equal(go(limiter, 2, step(file('cd'), 'replace')).done.length, 1);
  });

  it('holds back what stands on what has to wait', () => {
    const limiter = createLimiter();
    for (const now of [0, 1]) go(limiter, now, step(link));
    go(limiter, 2, step(address));
    assert.deepEqual(go(limiter, 3, step(link), step(address), step(route('10.200.0.2'))), {
      done: ['route/10.5.2.0/24/0'],
      waitMs: 4_998,
    });
  });

  it('waits until the first of them may go', () => {
    const limiter = createLimiter();
    for (const now of [0, 1]) go(limiter, now, step(link));
    for (const now of [2_000, 2_001]) go(limiter, now, step(route('10.200.0.2')));
    assert.equal(go(limiter, 3_000, step(link), step(route('10.200.0.2'))).waitMs, 2_001);
  });

  it('forgets a fight that is over', () => {
    const limiter = createLimiter();
    for (const now of [0, 1, 6_000]) go(limiter, now, step(link));
    assert.equal(limiter.fights(66_000).length, 1);
    assert.equal(limiter.fights(66_001).length, 0);
    go(limiter, 70_000, step(link));
    assert.equal(limiter.fights(70_000).length, 0);
  });
});
