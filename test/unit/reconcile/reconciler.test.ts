import assert from 'node:assert/strict';
import { keyOf } from '../../../src/kernel/state.ts';
import { settle } from '../../support/clock.ts';
import { peersTo, reconcilerRig, routeKey, routesIn, started, strangeRoute } from '../../support/reconciler.ts';
import { docker0, sceneOf } from '../../support/scene.ts';
import { nodeLease, prefix } from '../../support/values.ts';

describe('reconciler', () => {
  it('writes nothing before it is started with a snapshot', async () => {
    const { clock, reconciler, plans, close } = reconcilerRig();
    reconciler.update(peersTo(5), ['a']);
    reconciler.ring('all');
    await clock.advance(120_000);
    assert.deepEqual(plans, []);
    assert.equal(reconciler.status().baseReady, false);
    await close();
    assert.equal(clock.pending(), 0);
  });

  it('makes all that is wanted at the start, in one go, and nothing twice', async () => {
    const rig = reconcilerRig();
    await rig.reconciler.start(rig.scene, peersTo(4));
    assert.equal(rig.plans.length, 1);
    assert.deepEqual(await routesIn(rig), [2, 3, 4].map(routeKey));
    assert.equal(rig.reconciler.status().baseReady, true);
    assert.deepEqual(await rig.reconciler.plan(), []);
    await rig.clock.advance(300_000);
    assert.equal(rig.plans.length, 1);
    await rig.close();
  });

  it('follows peers as they come, change and go: that and nothing more', async () => {
    const rig = await started(3);
    const { reconciler, peers, clock } = rig;
    const fourth = nodeLease('10.5.4.0/24', 4, { type: 'host-gw' });
    reconciler.update(new Map([...peers, ['new', fourth]]), ['new']);
    await clock.advance(60);
    reconciler.update(new Map([...peers, ['new', { ...fourth, publicIp: nodeLease('10.5.9.0/24', 9).publicIp }]]), [
      'new',
    ]);
    await clock.advance(60);
    reconciler.update(peers, ['new']);
    await clock.advance(60);
    assert.deepEqual(
      rig.steps().map(({ action, object }) => `${action} ${keyOf(object)}`),
      [
        'create source/10.5.4.0/24',
        `create ${routeKey(4)}`,
        `replace ${routeKey(4)}`,
        `remove ${routeKey(4)}`,
        'remove source/10.5.4.0/24',
      ],
    );
    await rig.close();
  });

  it('forgets a failure with the setting that asked for it', async () => {
    const rig = reconcilerRig({});
    rig.kernel.refuse('link/flannel0', 'no TUN');
    await rig.reconciler.start(rig.scene, new Map());
    assert.equal(rig.reconciler.status().baseReady, false);
    rig.reconciler.setScene(sceneOf({ Backend: { Type: 'host-gw' } }));
    await rig.clock.advance(100);
    assert.deepEqual(rig.reconciler.status().failed, []);
    assert.equal(rig.reconciler.status().baseReady, true);
    await rig.close();
  });

  it('tries again what the kernel refused, and forgets it when it is done', async () => {
    const rig = await started(3);
    rig.kernel.refuse(routeKey(3), 'no');
    rig.kernel.removeBehindBack(routeKey(3));
    await rig.clock.advance(10_000);
    assert.deepEqual(
      rig.reconciler.status().failed.map(({ key }) => key),
      [routeKey(3)],
    );
    assert.equal(rig.reconciler.status().baseReady, true);
    assert.ok(rig.plans.length >= 6 && rig.plans.length <= 8, String(rig.plans.length));
    const fourth = nodeLease('10.5.4.0/24', 4, { type: 'host-gw' });
    rig.reconciler.update(new Map([...rig.peers, ['new', fourth]]), ['new']);
    await rig.clock.advance(60);
    assert.deepEqual(
      rig.reconciler.status().failed.map(({ key }) => key),
      [routeKey(3)],
    );
    rig.kernel.refuse(routeKey(3), undefined);
    await rig.clock.advance(30_000);
    assert.deepEqual(rig.reconciler.status().failed, []);
    await rig.close();
  });

  it('what failed for a peer that is gone is no failure any more', async () => {
    const rig = await started(3);
    rig.kernel.refuse(routeKey(3), 'no');
    rig.kernel.removeBehindBack(routeKey(3));
    await rig.clock.advance(100);
    const [peer] = [...rig.peers].filter(([key]) => key.includes('10.5.3.0'));
    assert.ok(peer);
    const rest = new Map([...rig.peers].filter(([key]) => key !== peer[0]));
    rig.reconciler.update(rest, [peer[0]]);
    await rig.clock.advance(60);
    assert.deepEqual(rig.reconciler.status().failed, []);
    await rig.close();
  });

  it('never replaces what another program has at a key it needs, and takes over when that is gone', async () => {
    const rig = reconcilerRig();
    rig.kernel.foreign(strangeRoute(2));
    await rig.reconciler.start(rig.scene, peersTo(3));
    assert.deepEqual(
      rig.reconciler.status().blocked.map(({ key }) => key),
      [routeKey(2)],
    );
    assert.match(rig.reconciler.status().blocked[0]?.because ?? '', /proto 4/);
    assert.equal((await rig.seen()).get(routeKey(2))?.ours, false);
    rig.kernel.removeBehindBack(routeKey(2));
    await rig.clock.advance(60);
    assert.equal((await rig.seen()).get(routeKey(2))?.ours, true);
    assert.deepEqual(rig.reconciler.status().blocked, []);
    await rig.close();
  });

  it('routes per peer while docker0 has the network, and wide when it has only our subnet', async () => {
    const rig = reconcilerRig({});
    for (const object of docker0('10.5.0.0/16')) rig.kernel.foreign(object);
    const peer = nodeLease('10.5.2.0/24', 2);
    await rig.reconciler.start(rig.scene, new Map([['peer', peer]]));
    assert.deepEqual(await routesIn(rig), ['route/10.5.0.0/16/0', routeKey(2)]);
    assert.equal((await rig.seen()).get('route/10.5.0.0/16/0')?.ours, false);
    assert.deepEqual(rig.reconciler.status().blocked, []);
    rig.kernel.removeBehindBack('link/docker0');
    for (const object of docker0('10.5.1.0/24')) rig.kernel.foreign(object);
    await rig.clock.advance(200);
    assert.deepEqual(await routesIn(rig), ['route/10.5.0.0/16/0', 'route/10.5.1.0/24/0']);
    assert.equal((await rig.seen()).get('route/10.5.0.0/16/0')?.ours, true);
    await rig.close();
  });

  it('a subnet of its own that changes while it looks is not forgotten', async () => {
    const rig = reconcilerRig({});
    let looked = 0;
    rig.kernel.filterFacts = async () => {
      if (++looked === 2) rig.reconciler.setScene({ ...rig.scene, self: { subnet: prefix('10.5.7.0/24') } });
      return { variant: 'iptables-nft', dockerUser: false };
    };
    await rig.reconciler.start(rig.scene, new Map());
    rig.reconciler.ring('all');
    await rig.clock.advance(200);
    assert.equal(rig.reconciler.scene()?.self.subnet.address, prefix('10.5.7.0/24').address);
    assert.ok((await rig.seen()).has('address/flannel0/10.5.7.0/32'));
    assert.ok(!(await rig.seen()).has('address/flannel0/10.5.1.0/32'));
    const carrier = (await rig.seen()).get('carrier/flannel0')?.object;
    assert.ok(carrier?.kind === 'carrier' && carrier.subnet.address === prefix('10.5.7.0/24').address);
    await rig.close();
  });

  it('holds back the removal of most peers until it is confirmed; while the store is away it removes nobody', async () => {
    const rig = await started(9);
    const left = new Map([...rig.peers].slice(0, 2));
    rig.reconciler.update(left, [...rig.peers.keys()].slice(2));
    await rig.clock.advance(60);
    assert.equal(rig.reconciler.status().heldRemovals, 6);
    rig.asked[0]?.reject(new Error('away'));
    await rig.clock.advance(120_000);
    assert.equal((await routesIn(rig)).length, 8);
    assert.deepEqual(rig.plans, []);
    rig.asked.at(-1)?.resolve(left);
    await rig.clock.advance(60);
    assert.equal((await routesIn(rig)).length, 2);
    assert.equal(rig.reconciler.status().heldRemovals, 0);
    await rig.close();
  });

  it('ends after the pass that runs, and then does nothing', async () => {
    const rig = await started(3);
    rig.kernel.removeBehindBack(routeKey(2));
    await settle();
    await rig.close();
    rig.kernel.removeBehindBack(routeKey(3));
    await rig.clock.advance(120_000);
    assert.ok(rig.steps().every(({ object }) => keyOf(object) === routeKey(2)));
    assert.equal(rig.clock.pending(), 0);
  });
});
