import assert from 'node:assert/strict';
import { keyOf } from '../../../src/kernel/state.ts';
import { routeKey, routesIn, started } from '../../support/reconciler.ts';

describe('reconciler: against other programs', () => {
  it('heals what another program takes, at once by the bell', async () => {
    const rig = await started(3);
    rig.kernel.removeBehindBack(routeKey(2));
    await rig.clock.advance(60);
    assert.deepEqual(await routesIn(rig), [2, 3].map(routeKey));
    assert.equal(rig.steps().length, 1);
    await rig.close();
  });

  it('heals within 30 s what rings no bell', async () => {
    const rig = await started(3);
    for (const key of [
      'jump/filter/FORWARD/TSFLANNEL-FWD',
      'chain/filter/TSFLANNEL-FWD',
      'file//run/flannel/subnet.env',
    ])
      rig.kernel.removeBehindBack(key);
    rig.kernel.foreign({ kind: 'sysctl', name: 'net.ipv4.ip_forward', value: '0' });
    await rig.clock.advance(33_000);
    assert.equal(rig.steps().length, 4);
    assert.deepEqual(await rig.reconciler.plan(), []);
    await rig.close();
  });

  it('fights at most once in 5 s for one object, says so, and leaves the others alone', async () => {
    const rig = await started(3);
    for (let i = 0; i < 300; i++) {
      rig.kernel.removeBehindBack(routeKey(2));
      await rig.clock.advance(100);
    }
    const restored = rig.steps().length;
    assert.ok(restored >= 6 && restored <= 8, String(restored));
    assert.ok(rig.steps().every(({ object }) => keyOf(object) === routeKey(2)));
    assert.deepEqual(
      rig.reconciler.status().fights.map(({ key }) => key),
      [routeKey(2)],
    );
    assert.ok(rig.reconciler.status().passes < 700);
    await rig.clock.advance(6_000);
    assert.deepEqual(await routesIn(rig), [2, 3].map(routeKey));
    await rig.clock.advance(120_000);
    assert.deepEqual(rig.reconciler.status().fights, []);
    await rig.close();
  });

  it('makes a deleted device anew with all that stood on it', async () => {
    const rig = await started(1, {});
    rig.kernel.removeBehindBack('link/flannel0');
    await rig.clock.advance(200);
    assert.deepEqual(await rig.reconciler.plan(), []);
    assert.ok((await rig.seen()).has('address/flannel0/10.5.1.0/32'));
    await rig.close();
  });

  it('looks again after it has made a device anew, though no bell rings', async () => {
    const rig = await started(1, { Backend: { Type: 'vxlan' } });
    rig.monitor.close();
    const link = (await rig.seen()).get('link/flannel.1')?.object;
    assert.ok(link?.kind === 'link' && link.link.type === 'vxlan');
    rig.kernel.foreign({ ...link, link: { ...link.link, port: 4789 } });
    rig.reconciler.ring('all');
    await rig.clock.advance(200);
    assert.deepEqual(await rig.reconciler.plan(), []);
    await rig.close();
  });

  it('puts back what hung on a link that another program changed', async () => {
    const rig = await started(3);
    const seen = await rig.seen();
    const eth0 = seen.get('link/eth0')?.object;
    assert.ok(eth0?.kind === 'link');
    rig.kernel.foreign({ ...eth0, up: false });
    await rig.clock.advance(100);
    assert.deepEqual(await routesIn(rig), []);
    assert.ok(rig.reconciler.status().failed.length > 0);
    rig.kernel.foreign({ ...eth0, up: true });
    await rig.clock.advance(1_000);
    assert.deepEqual(await routesIn(rig), [2, 3].map(routeKey));
    assert.deepEqual(rig.reconciler.status().failed, []);
    await rig.close();
  });
});
