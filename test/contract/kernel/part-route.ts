/** The contract: links and what hangs on them. */
import assert from 'node:assert/strict';
import { printObject } from '../../../src/kernel/print.ts';
import { keyOf, OWN } from '../../../src/kernel/state.ts';
import { type Benches, create, remove, step } from './bench.ts';
import { address, fdb, neighbour, route, tun, vxlan } from './objects.ts';

export function routeContract({ kernel, foreign, removeBehindBack, observe, ours, done, refused }: Benches): void {
  describe('links', () => {
    it('changes MTU and alias in place, keeping what hangs on it', async () => {
      await done(create(vxlan(), address(), route(), neighbour(), fdb()));
      const other = { ...vxlan(), mtu: 1400, alias: `${OWN.aliasPrefix}10.0.0.0/8` };
      await done([step('replace', other, vxlan())]);
      assert.deepEqual(await ours(), [address(), other, route(), neighbour(), fdb()].map(printObject).sort());
    });

    it('changes the MAC in place, which makes the kernel forget the neighbours', async () => {
      await done(create(vxlan(), address(), route(), neighbour(), fdb()));
      const other = { ...vxlan(), mac: { bytes: [2, 9, 9, 9, 9, 9] } };
      await done([step('replace', other, vxlan())]);
      assert.deepEqual(await ours(), [address(), other, route(), fdb()].map(printObject).sort());
    });

    it('makes anew what cannot change, and then all that hung on it is gone', async () => {
      await done(create(vxlan(), address(), route(), neighbour(), fdb()));
      const other = vxlan({ vni: 7 });
      await done([step('replace', other, vxlan())]);
      assert.deepEqual(await ours(), [printObject(other)]);
    });

    it('takes addresses, routes, neighbours and forwarding entries along when it goes', async () => {
      await done(create(vxlan(), address(), route(), neighbour(), fdb()));
      await done(remove(vxlan()));
      assert.deepEqual(await ours(), []);
    });

    it('forgets routes and neighbours when it is set down, not addresses and forwarding entries', async () => {
      await done(create(vxlan(), address(), route(), neighbour(), fdb()));
      await done([step('replace', { ...vxlan(), up: false }, vxlan())]);
      assert.deepEqual(await ours(), [address(), { ...vxlan(), up: false }, fdb()].map(printObject).sort());
    });

    it('refuses a second device of the same name', async () => {
      await foreign({ ...vxlan(), alias: undefined });
      await refused(create(vxlan()), /exist/);
      await refused(create({ ...tun(), name: 'flannel.1' }), /exist/);
      assert.deepEqual(await ours(), []);
    });

    it('does not know a device without our alias as ours, nor what is on it', async () => {
      await foreign({ ...vxlan(), alias: undefined });
      await foreign(address());
      await foreign(neighbour());
      await foreign(fdb());
      assert.deepEqual(await ours(), []);
      const state = await observe();
      assert.ok(state.has('link/flannel.1') && state.has(keyOf(address())));
      assert.match(state.get('link/flannel.1')?.owner ?? '', /vxlan/);
    });
  });

  describe('routes', () => {
    beforeEach(() => done(create(vxlan(), address())));

    it('refuses one whose device is missing, and one whose device is down', async () => {
      await refused(create(route({ device: 'eth9' })), /eth9/);
      await done([step('replace', { ...vxlan(), up: false }, vxlan())]);
      await refused(create(route()), /not up|down/i);
    });

    it('refuses a gateway that is not on a network of the device, unless the route says onlink', async () => {
      await refused(create(route({ onlink: false })), /gateway/i);
      await done(create(route({ device: 'eth0', via: '10.200.0.2', onlink: false })));
    });

    it('refuses a second one of the same destination and metric, and takes another metric', async () => {
      await done(create(route()));
      await refused(create(route({ device: 'eth0', via: '10.200.0.2', onlink: false })), /exist/);
      await done(create(route({ metric: 100 })));
    });

    it('tells the refused ones of many from those that are done', async () => {
      const there = [1, 2, 700, 1500];
      await done(create(...there.map((metric) => route({ metric }))));
      const all = Array.from({ length: 1500 }, (_, i) => route({ metric: i + 1 }));
      const outcomes = await kernel().apply(create(...all));
      const failed = outcomes.flatMap(({ result }, i) => (result === 'failed' ? [i + 1] : []));
      assert.deepEqual(failed, there);
      assert.equal((await ours(['route'])).length, 1500);
    });

    it('never takes the place of a foreign one', async () => {
      const theirs = { ...route({ device: 'eth0', via: '10.200.0.9', onlink: false }), protocol: 4 };
      await foreign(theirs);
      await refused(create(route()), /exist/);
      const seen = (await observe()).get(keyOf(theirs));
      assert.equal(printObject(seen!.object), printObject(theirs));
      assert.equal(seen?.ours, false);
      await done(remove(route()));
      assert.ok((await observe()).has(keyOf(theirs)));
    });

    it('never removes a foreign one that differs from ours in protocol, gateway or metric only', async () => {
      const eth = { device: 'eth0', via: '10.200.0.2', onlink: false };
      const ours = route(eth);
      for (const theirs of [
        { ...ours, protocol: 4 },
        { ...route({ ...eth, via: '10.200.0.3' }), protocol: OWN.routeProtocol },
        { ...route({ ...eth, metric: 100 }), protocol: 4 },
      ]) {
        await foreign(theirs);
        await done(remove(ours));
        assert.equal(printObject((await observe()).get(keyOf(theirs))!.object), printObject(theirs));
        await removeBehindBack(theirs);
      }
    });

    it('moves one to another gateway or device', async () => {
      const moved = route({ device: 'eth0', via: '10.200.0.2', onlink: false });
      await done(create(route()));
      await done([step('replace', moved, route())]);
      assert.deepEqual(await ours(['route']), [printObject(moved)]);
    });

    it('keeps the old one when the new one is refused', async () => {
      await done(create(route()));
      await refused([step('replace', route({ onlink: false, via: '10.99.0.1' }), route())], /gateway/i);
      assert.deepEqual(await ours(['route']), [printObject(route())]);
    });
  });

  describe('addresses, neighbours, forwarding entries', () => {
    it('are refused without their device', async () => {
      for (const object of [address(), neighbour(), fdb()]) await refused(create(object), /flannel\.1/);
    });

    it('refuses the same address twice', async () => {
      await done(create(vxlan(), address()));
      await refused(create(address()), /exist|assigned/i);
    });

    it('change in place', async () => {
      await done(create(vxlan(), address(), neighbour(), fdb()));
      const mac = { bytes: [2, 7, 7, 7, 7, 7] };
      const dst = { family: 4, value: 0x0ac80009n } as const;
      await done([step('replace', { ...neighbour(), mac }, neighbour()), step('replace', { ...fdb(), dst }, fdb())]);
      assert.deepEqual(
        await ours(['neighbour', 'fdb']),
        [
          { ...neighbour(), mac },
          { ...fdb(), dst },
        ]
          .map(printObject)
          .sort(),
      );
    });
  });
}
