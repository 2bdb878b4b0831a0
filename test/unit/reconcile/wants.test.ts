import assert from 'node:assert/strict';
import { keyOf } from '../../../src/kernel/state.ts';
import type { Lease } from '../../../src/model/lease.ts';
import { atOnce } from '../../../src/model/sliced.ts';
import { createWants, type Wants } from '../../../src/reconcile/wants.ts';
import { sceneOf } from '../../support/scene.ts';
import { mac, nodeLease } from '../../support/values.ts';

const SCENE = sceneOf({ Backend: { Type: 'vxlan' } });
const lease = (number: number, text: string, revision: number): Lease =>
  nodeLease(`10.5.${number}.0/24`, number, { type: 'vxlan', vni: 1, mac: mac(text) }, revision);

const RED = '02:00:00:00:00:aa';
const BLUE = '02:00:00:00:00:bb';
const old = lease(2, RED, 5);
const other = lease(3, BLUE, 6);
const forged = lease(4, RED, 7);

const fdbOf = (wants: Wants): string[] =>
  atOnce(wants.all()).flatMap(({ object, because }) => (object.kind === 'fdb' ? [`${keyOf(object)} ${because}`] : []));
const RED_OLD = `fdb/flannel.1/${RED} n2 (10.200.0.2) leases 10.5.2.0/24`;

describe('wanted state', () => {
  it('a peer changed costs that peer: its keys before and after, and the device', () => {
    const wants = createWants();
    const peers = new Map([
      ['old', old],
      ['other', other],
    ]);
    atOnce(wants.rebuilding(SCENE, peers));
    const all = atOnce(wants.all()).length;
    peers.set('other', lease(3, RED.replace('aa', 'cc'), 6));
    const { wants: told, keys } = atOnce(wants.refreshing(SCENE, peers, ['other']));
    assert.deepEqual([...keys].sort(), [
      'fdb/flannel.1/02:00:00:00:00:bb',
      'fdb/flannel.1/02:00:00:00:00:cc',
      'neighbour/flannel.1/10.5.3.0',
      'route/10.5.3.0/24/0',
      'source/10.5.3.0/24',
    ]);
    assert.deepEqual(
      told.map(({ object }) => object.kind),
      ['link', 'source', 'neighbour', 'fdb', 'route'],
    );
    assert.equal(atOnce(wants.all()).length, all);
    peers.delete('other');
    assert.equal(atOnce(wants.refreshing(SCENE, peers, ['other'])).wants.length, 1);
    assert.equal(wants.reach('other'), undefined);
    assert.equal(atOnce(wants.all()).length, all - 4);
  });

  it('knows which objects the node itself needs', () => {
    const wants = createWants();
    atOnce(wants.rebuilding(SCENE, new Map([['old', old]])));
    assert.ok(wants.isBase('link/flannel.1') && wants.isBase('address/flannel.1/10.5.1.0/32'));
    assert.ok(!wants.isBase('route/10.5.2.0/24/0'));
  });

  for (const order of [
    ['old', 'forged'],
    ['forged', 'old'],
  ]) {
    const lists = { old, forged };
    const peersIn = () => new Map(order.map((name) => [name, lists[name as 'old' | 'forged']]));

    it(`a MAC belongs to its oldest lease, whoever is told first (${order.join(', ')})`, () => {
      const wants = createWants();
      atOnce(wants.rebuilding(SCENE, peersIn()));
      assert.deepEqual(fdbOf(wants), [RED_OLD]);
      assert.deepEqual(wants.keysOf('forged'), []);
      assert.match(wants.reach('forged')?.problem ?? '', /VTEP MAC is that of the older lease of 10\.5\.2\.0\/24/);
      assert.equal(wants.reach('old')?.device, 'flannel.1');
    });

    it(`the same one after the other (${order.join(', ')})`, () => {
      const wants = createWants();
      const peers = new Map<string, Lease>();
      atOnce(wants.rebuilding(SCENE, peers));
      for (const [name, one] of peersIn()) {
        peers.set(name, one);
        atOnce(wants.refreshing(SCENE, peers, [name]));
      }
      assert.deepEqual(fdbOf(wants), [RED_OLD]);
    });
  }

  it('who claims another’s MAC and goes takes nothing along', () => {
    const wants = createWants();
    const peers = new Map([
      ['old', old],
      ['forged', forged],
    ]);
    atOnce(wants.rebuilding(SCENE, peers));
    peers.delete('forged');
    const { wants: told, keys } = atOnce(wants.refreshing(SCENE, peers, ['forged']));
    const kept = new Set(told.map(({ object }) => keyOf(object)));
    for (const key of keys) assert.ok(kept.has(key) || key.includes('10.5.4.0'), key);
    assert.ok(kept.has(`fdb/flannel.1/${RED}`));
  });

  it('when an older one turns up, what the younger had goes', () => {
    const wants = createWants();
    const peers = new Map([['forged', forged]]);
    atOnce(wants.rebuilding(SCENE, peers));
    peers.set('old', old);
    const { wants: told, keys } = atOnce(wants.refreshing(SCENE, peers, ['old']));
    const kept = told.map(({ object }) => keyOf(object));
    for (const key of ['neighbour/flannel.1/10.5.4.0', 'route/10.5.4.0/24/0'])
      assert.ok(keys.has(key) && !kept.includes(key), key);
    assert.ok(kept.includes('route/10.5.2.0/24/0'));
  });

  it('when the oldest goes, the next one gets what it asked for', () => {
    const wants = createWants();
    const peers = new Map([
      ['old', old],
      ['forged', forged],
      ['other', other],
    ]);
    atOnce(wants.rebuilding(SCENE, peers));
    peers.delete('old');
    const { wants: told } = atOnce(wants.refreshing(SCENE, peers, ['old']));
    assert.deepEqual(told.map(({ object }) => keyOf(object)).slice(1), [
      'source/10.5.4.0/24',
      'neighbour/flannel.1/10.5.4.0',
      `fdb/flannel.1/${RED}`,
      'route/10.5.4.0/24/0',
    ]);
    assert.equal(wants.reach('forged')?.problem, undefined);
  });

  it('what is sent to another lease of this node would come back: it is no peer', () => {
    const wants = createWants();
    atOnce(wants.rebuilding(SCENE, new Map([['own', nodeLease('10.5.9.0/24', 1)]])));
    assert.deepEqual(wants.keysOf('own'), []);
    const twin = { ...nodeLease('10.5.9.0/24', 9), publicIp: SCENE.host.publicIp };
    atOnce(wants.rebuilding(SCENE, new Map([['twin', twin]])));
    assert.match(wants.reach('twin')?.problem ?? '', /this node's own address/);
  });
});
