/** The contract: filters and the bell. */
import assert from 'node:assert/strict';
import { printObject } from '../../../src/kernel/print.ts';
import type { Kind } from '../../../src/kernel/state.ts';
import { type Benches, create, remove, step } from './bench.ts';
import { address, chain, fdb, jump, neighbour, route, tun, vxlan } from './objects.ts';

export function filterContract({ kernel, foreign, removeBehindBack, ours, done, refused }: Benches): void {
  describe('filters', () => {
    it('writes chains whole and in order, and jumps to them', async () => {
      await done(create(chain(), jump()));
      assert.deepEqual(await ours(['chain', 'jump']), [chain(), jump()].map(printObject).sort());
      const other = { ...chain(), rules: [...chain().rules].reverse() };
      await done([step('replace', other, chain())]);
      assert.deepEqual(await ours(['chain', 'jump']), [other, jump()].map(printObject).sort());
    });

    it('refuses a jump to or from a chain that is not there', async () => {
      await refused(create(jump()), /./);
      await refused(create(chain(), { ...jump(), from: 'NOT-THERE' }), /./);
    });

    it('skips the jump when its chain failed', async () => {
      const bad = { ...chain(), rules: [{ unknown: 'what a stranger wrote' }] };
      const outcomes = await kernel().apply(create(bad, jump()));
      assert.equal(outcomes[0]?.result, 'failed');
      assert.notEqual(outcomes[1]?.result, 'done');
      assert.deepEqual(await ours(), []);
    });

    it('keeps a chain that is jumped to', async () => {
      await done(create(chain(), jump()));
      await refused(remove(chain()), /./);
      assert.ok((await ours()).some((text) => text.startsWith('chain')));
    });

    it('tells whether Docker has its chain for the administrator, and sends packets there', async () => {
      assert.equal((await kernel().filterFacts()).dockerUser, false);
      await foreign({ kind: 'chain', table: 'filter', name: 'DOCKER-USER', rules: [] });
      assert.equal((await kernel().filterFacts()).dockerUser, false);
      await foreign({ kind: 'jump', table: 'filter', from: 'FORWARD', to: 'DOCKER-USER', first: true });
      assert.equal((await kernel().filterFacts()).dockerUser, true);
    });
  });

  describe('the bell', () => {
    const heard: Set<Kind> = new Set();
    let ear: { close(): void };
    let wake: () => void = () => undefined;
    beforeEach(async () => {
      await done(create(vxlan(), address(), neighbour(), fdb(), route()));
      heard.clear();
      ear = kernel().monitor((kinds) => {
        for (const kind of kinds) heard.add(kind);
        wake();
      });
    });
    afterEach(() => ear.close());
    /** Resolves when the kind has rung; mocha's timeout is the failure. */
    const rings = (kind: Kind): Promise<void> =>
      new Promise((resolve) => {
        wake = () => heard.has(kind) && resolve();
        wake();
      });

    it('rings for what others change', async () => {
      for (const object of [route(), neighbour(), fdb(), address(), vxlan()]) {
        heard.clear();
        await removeBehindBack(object);
        await rings(object.kind);
      }
      heard.clear();
      await foreign({ ...route({ device: 'eth0', via: '10.200.0.7', onlink: false }), protocol: 4 });
      await rings('route');
    });

    it('rings for the routes that go with the last address of a device', async () => {
      heard.clear();
      await removeBehindBack(address());
      await rings('route');
      assert.ok(!(await ours()).includes(printObject(route())), 'the route has gone');
    });

    it('rings for rules that others take away', async () => {
      await done(create(chain(), jump()));
      await removeBehindBack(jump());
      await rings('jump');
      assert.ok(heard.has('chain'));
    });

    it('rings for what a change of ours took along unasked', async () => {
      const other = { ...vxlan(), mac: { bytes: [2, 9, 9, 9, 9, 9] } };
      await done([step('replace', other, vxlan())]);
      await rings('neighbour');
    });

    it('does not ring for what we change ourselves', async () => {
      const moved = route({ device: 'eth0', via: '10.200.0.2', onlink: false });
      await done([
        step('replace', moved, route()),
        ...create(tun()),
        step('replace', { ...vxlan(), mtu: 1400 }, vxlan()),
      ]);
      await done(remove(moved, fdb(), neighbour(), address(), vxlan(), tun()));
      // The kernel tells in order: when the stranger's route has rung, whatever we did would have rung before.
      await foreign({ ...route({ device: 'eth0', via: '10.200.0.7', onlink: false }), protocol: 4 });
      await rings('route');
      assert.deepEqual([...heard], ['route']);
    });
  });
}
