import assert from 'node:assert/strict';
import type { Lease } from '../../../src/model/lease.ts';
import { createHeldPeers } from '../../../src/reconcile/held.ts';
import { createTestClock, settle } from '../../support/clock.ts';
import { nodeLease } from '../../support/values.ts';

type Peers = ReadonlyMap<string, Lease>;

/** `a` to `f` are nodes 2 to 7. */
const peersOf = (names: string): Peers =>
  new Map([...names].map((name, i) => [name, nodeLease(`10.5.${i + 2}.0/24`, i + 2)]));

const ALL = peersOf('abcdef');
const only = (names: string): Peers => new Map([...ALL].filter(([name]) => names.includes(name)));

/** Confirmations are given by hand: `answers[0]?.(list)`. */
function rig(first: string) {
  const clock = createTestClock();
  const answers: { resolve: (peers: Peers) => void; reject: (error: Error) => void }[] = [];
  const released: string[] = [];
  const peers = createHeldPeers({
    clock,
    confirm: () => new Promise((resolve, reject) => answers.push({ resolve, reject })),
    log: () => undefined,
    released: (keys) => released.push(...keys),
  });
  peers.replace(only(first));
  const shown = () => [...peers.peers().keys()].sort().join('');
  /** One revision: these vanish. */
  const lose = (names: string) => {
    const left = [...peers.peers().keys()].filter((name) => !names.includes(name) && view.has(name)).join('');
    view = only(left);
    return [...peers.update(view, [...names])].join('');
  };
  let view = only(first);
  return { clock, answers, released, peers, shown, lose };
}

describe('held peers', () => {
  it('a few removals go at once', () => {
    const { lose, shown, peers } = rig('abcdef');
    assert.equal(lose('a'), 'a');
    assert.equal(lose('bc'), 'bc');
    assert.equal(shown(), 'def');
    assert.equal(peers.held(), 0);
  });

  it('less than four peers are not held', () => {
    const { lose, shown, answers } = rig('abc');
    lose('abc');
    assert.equal(shown(), '');
    assert.equal(answers.length, 0);
  });

  it('more than half at once wait for a fresh list; additions do not', async () => {
    const { peers, lose, shown, answers, released } = rig('abcd');
    assert.equal(lose('abc'), '');
    assert.equal(shown(), 'abcd');
    assert.equal(peers.held(), 3);
    assert.deepEqual(peers.update(only('de'), ['e']), ['e']);
    assert.equal(shown(), 'abcde');
    answers[0]?.resolve(only('de'));
    await settle();
    assert.equal(shown(), 'de');
    assert.deepEqual(released, ['a', 'b', 'c']);
    assert.equal(peers.held(), 0);
  });

  it('expiries that come one by one within 10 s are counted together', async () => {
    const { clock, lose, shown } = rig('abcdef');
    for (const name of 'abc') {
      lose(name);
      await clock.advance(1_000);
    }
    assert.equal(shown(), 'def');
    lose('d');
    lose('e');
    assert.equal(shown(), 'def');
  });

  it('the same spread over more time is not held', async () => {
    const { clock, lose, shown } = rig('abcdef');
    for (const name of 'abcde') {
      lose(name);
      await clock.advance(6_000);
    }
    assert.equal(shown(), 'f');
  });

  it('a peer that is back does not count as gone', () => {
    const { peers, lose, shown } = rig('abcd');
    for (const name of 'abab') {
      lose(name);
      peers.update(only('abcd'), [name]);
    }
    peers.update(only('abd'), ['c']);
    peers.update(only('ab'), ['d']);
    assert.equal(shown(), 'ab');
    assert.equal(peers.held(), 0);
  });

  it('what comes back while it is held stays, with what it says now', async () => {
    const { peers, lose, shown, answers, released } = rig('abcd');
    lose('abc');
    const renewed = new Map([...only('bd'), ['a', nodeLease('10.5.2.0/24', 9)]] as const);
    peers.update(renewed, ['a', 'b']);
    answers[0]?.resolve(only('d'));
    await settle();
    assert.equal(shown(), 'abd');
    assert.equal(peers.peers().get('a')?.nodeName, 'n9');
    assert.deepEqual(released, ['c']);
  });

  it('a list made before the removal was told decides nothing: it is asked again', async () => {
    const { clock, peers, lose, shown, answers } = rig('abcdef');
    lose('abcd');
    lose('e');
    assert.equal(answers.length, 1);
    answers[0]?.resolve(only('ef'));
    await settle();
    assert.equal(shown(), 'ef');
    assert.equal(peers.held(), 1);
    await clock.advance(1_000);
    assert.equal(answers.length, 2);
    answers[1]?.resolve(only('ef'));
    await clock.advance(1_000);
    answers[2]?.resolve(only('f'));
    await settle();
    assert.equal(shown(), 'f');
    assert.equal(peers.held(), 0);
    await clock.advance(10_000);
    assert.equal(answers.length, 3);
  });

  it('while the store is away nothing is removed', async () => {
    const { clock, lose, shown, answers } = rig('abcd');
    lose('abcd');
    for (let i = 0; i < 20; i++) {
      answers[i]?.reject(new Error('away'));
      await clock.advance(1_000);
    }
    assert.equal(shown(), 'abcd');
    assert.equal(answers.length, 21);
  });

  it('asks no more when it is closed', async () => {
    const { clock, peers, lose, shown, answers, released } = rig('abcd');
    lose('abcd');
    peers.close();
    answers[0]?.resolve(only(''));
    await clock.advance(5_000);
    assert.equal(shown(), 'abcd');
    assert.deepEqual(released, []);
    assert.equal(answers.length, 1);
  });

  it('with another store nothing goes for 10 s, and then only what has not come back', async () => {
    const { peers, lose, shown, answers, clock, released } = rig('abc');
    peers.distrust();
    assert.equal(lose('abc'), '');
    await clock.advance(9_000);
    assert.deepEqual([shown(), answers.length], ['abc', 0]);
    peers.update(only('a'), ['a']);
    await clock.advance(1_500);
    answers[0]?.resolve(only('a'));
    await settle();
    assert.deepEqual([shown(), released], ['a', ['b', 'c']]);
    lose('a');
    assert.equal(shown(), '', 'a few removals go at once again');
  });

  it('with a store that is replaced once more meanwhile the 10 s begin anew', async () => {
    const { peers, lose, shown, answers, clock } = rig('abc');
    peers.distrust();
    lose('a');
    await clock.advance(9_000);
    peers.update(only('abc'), 'all');
    peers.distrust();
    lose('abc');
    await clock.advance(9_000);
    assert.deepEqual([shown(), answers.length], ['abc', 0]);
    await clock.advance(1_500);
    answers[0]?.resolve(only(''));
    await settle();
    assert.equal(shown(), '');
  });

  it('finds out by itself what a snapshot has changed', () => {
    const { peers, shown } = rig('abcdef');
    const view = new Map([...only('bcdef'), ['b', nodeLease('10.5.3.0/24', 9)]] as const);
    assert.deepEqual([...peers.update(view, 'all')].sort(), ['a', 'b']);
    assert.equal(shown(), 'bcdef');
  });
});
