/** The contract of Kernel, for the real one and the fake one alike. A bench is a host with `eth0` up at 10.200.0.1/24, and nothing of ours. */
import assert from 'node:assert/strict';
import { diff } from '../../../src/kernel/diff.ts';
import { printObject } from '../../../src/kernel/print.ts';
import {
  type Kernel,
  type KernelObject,
  type Kind,
  keyOf,
  OWN,
  type Plan,
  type Step,
  type StepOutcome,
} from '../../../src/kernel/state.ts';
import {
  address,
  chain,
  fdb,
  file,
  host,
  jump,
  neighbour,
  PATHS,
  route,
  SYSCTLS,
  sysctl,
  tun,
  vxlan,
} from './objects.ts';

export interface KernelBench {
  readonly kernel: Kernel;
  /** Another program makes the object. */
  foreign(object: KernelObject): Promise<void>;
  /** Another program takes it away. */
  removeBehindBack(object: KernelObject): Promise<void>;
  close(): Promise<void>;
}

const step = (action: Step['action'], object: KernelObject, previous?: KernelObject): Step => ({
  action,
  object,
  ...(previous && { previous }),
  because: 'the test',
});
const create = (...objects: KernelObject[]): Plan => objects.map((object) => step('create', object));
const remove = (...objects: KernelObject[]): Plan => objects.map((object) => step('remove', object, object));
const results = (outcomes: readonly StepOutcome[]): string[] => outcomes.map(({ result }) => result);

export function kernelContract(name: string, open: () => Promise<KernelBench>): void {
  describe(`kernel contract: ${name}`, () => {
    let bench: KernelBench;
    beforeEach(async () => {
      bench = await open();
    });
    afterEach(() => bench.close());

    const observe = (kinds?: readonly Kind[]) =>
      bench.kernel.observe({ paths: PATHS, sysctls: SYSCTLS, ...(kinds && { kinds: new Set(kinds) }) });
    /** What is ours, as text, in a fixed order. */
    const ours = async (kinds?: readonly Kind[]): Promise<string[]> =>
      [...(await observe(kinds)).values()]
        .filter((one) => one.ours)
        .map((one) => printObject(one.object))
        .sort();
    const done = async (plan: Plan): Promise<void> => {
      const outcomes = await bench.kernel.apply(plan);
      assert.deepEqual(
        outcomes
          .filter((one) => one.result !== 'done')
          .map(({ step, result, error }) => [printObject(step.object), result, error]),
        [],
      );
    };
    const refused = async (plan: Plan, reason: RegExp): Promise<void> => {
      const outcomes = await bench.kernel.apply(plan);
      const last = outcomes.at(-1);
      assert.equal(last?.result, 'failed', printObject(last!.step.object));
      assert.match(last.error ?? '', reason);
    };

    describe('what is there', () => {
      it('shows links, addresses and routes of others with their owners', async () => {
        const state = await observe();
        const link = state.get('link/eth0');
        assert.equal(link?.ours, false);
        assert.ok(
          link?.object.kind === 'link' &&
            link.object.up &&
            link.object.mtu === 1500 &&
            link.object.link.type === 'other',
        );
        assert.equal(state.get('address/eth0/10.200.0.1/24')?.ours, false);
        const connected = state.get('route/10.200.0.0/24/0');
        assert.equal(connected?.ours, false);
        assert.equal(printObject(connected!.object), 'route 10.200.0.0/24 dev eth0 proto 2');
        assert.match(connected!.owner, /eth0/);
        assert.deepEqual(await ours(), []);
      });

      it('shows only the kinds asked for', async () => {
        await done(create(vxlan(), address()));
        const kinds = new Set([...(await observe(['address', 'fdb'])).values()].map(({ object }) => object.kind));
        assert.deepEqual([...kinds], ['address']);
      });

      it('shows only the sysctls and files named', async () => {
        const state = await bench.kernel.observe({ paths: [], sysctls: [] });
        assert.deepEqual(
          [...state.values()].filter(({ object }) => object.kind === 'sysctl' || object.kind === 'file'),
          [],
        );
        assert.equal((await observe(['sysctl'])).get('sysctl/net.ipv4.ip_forward')?.object.kind, 'sysctl');
      });
    });

    describe('making and unmaking', () => {
      it('makes a whole vxlan node, and the diff is empty afterwards', async () => {
        const wants = host().map((object) => ({ object, because: 'the test' }));
        await done(diff(wants, await observe()));
        assert.deepEqual(diff(wants, await observe()), []);
        const made = host().filter(({ kind }) => kind !== 'sysctl' && kind !== 'file');
        assert.deepEqual(await ours(), made.map(printObject).sort());
      });

      it('unmakes it again and leaves what is not ours', async () => {
        const before = [...(await observe()).keys()].sort();
        const wants = host().map((object) => ({ object, because: 'the test' }));
        await done(diff(wants, await observe()));
        await done(diff([], await observe()));
        await done(remove(file()));
        assert.deepEqual([...(await observe()).keys()].sort(), before);
      });

      it('makes a tun device', async () => {
        await done(create(tun()));
        assert.deepEqual(await ours(), [printObject(tun())]);
      });

      it('takes it for done when what is to be removed has gone', async () => {
        await done(remove(jump(), chain(), fdb(), neighbour(), route(), address(), vxlan(), file()));
        await done(create(vxlan()));
        await done(remove(fdb(), neighbour(), route(), address()));
      });

      it('skips blocked steps and does the rest', async () => {
        const outcomes = await bench.kernel.apply([step('blocked', tun()), ...create(vxlan())]);
        assert.deepEqual(results(outcomes), ['skipped', 'done']);
        assert.deepEqual(await ours(), [printObject(vxlan())]);
      });

      it('skips what hangs on a failed step', async () => {
        const outcomes = await bench.kernel.apply(
          create(vxlan({ device: 'eth9' }), address(), route(), neighbour(), fdb(), tun()),
        );
        assert.deepEqual(results(outcomes), ['failed', 'skipped', 'skipped', 'skipped', 'skipped', 'done']);
        assert.match(outcomes[0]?.error ?? '', /eth9/);
      });
    });

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
        await bench.foreign({ ...vxlan(), alias: undefined });
        await refused(create(vxlan()), /exist/);
        await refused(create({ ...tun(), name: 'flannel.1' }), /exist/);
        assert.deepEqual(await ours(), []);
      });

      it('does not know a device without our alias as ours, nor what is on it', async () => {
        await bench.foreign({ ...vxlan(), alias: undefined });
        await bench.foreign(address());
        await bench.foreign(neighbour());
        await bench.foreign(fdb());
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

      it('never takes the place of a foreign one', async () => {
        const theirs = { ...route({ device: 'eth0', via: '10.200.0.9', onlink: false }), protocol: 4 };
        await bench.foreign(theirs);
        await refused(create(route()), /exist/);
        const seen = (await observe()).get(keyOf(theirs));
        assert.equal(printObject(seen!.object), printObject(theirs));
        assert.equal(seen?.ours, false);
        await done(remove(route()));
        assert.ok((await observe()).has(keyOf(theirs)));
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
        const outcomes = await bench.kernel.apply(create(bad, jump()));
        assert.equal(outcomes[0]?.result, 'failed');
        assert.notEqual(outcomes[1]?.result, 'done');
        assert.deepEqual(await ours(), []);
      });

      it('keeps a chain that is jumped to', async () => {
        await done(create(chain(), jump()));
        await refused(remove(chain()), /./);
        assert.ok((await ours()).some((text) => text.startsWith('chain')));
      });

      it('tells whether Docker has its chain for the administrator', async () => {
        assert.equal((await bench.kernel.filterFacts()).dockerUser, false);
        await bench.foreign({ kind: 'chain', table: 'filter', name: 'DOCKER-USER', rules: [] });
        assert.equal((await bench.kernel.filterFacts()).dockerUser, true);
      });
    });

    describe('sysctls and files', () => {
      it('writes a setting, and leaves it when told to remove it', async () => {
        await done([step('replace', sysctl('1'), sysctl('0'))]);
        await done(remove(sysctl('1')));
        const seen = (await observe(['sysctl'])).get(keyOf(sysctl('1')));
        assert.ok(seen?.object.kind === 'sysctl' && seen.object.value === '1');
      });

      it('refuses a setting this kernel does not have', async () => {
        await refused(create({ ...sysctl('1'), name: 'net.ipv4.no_such_thing' }), /ENOENT|no such/);
      });

      it('writes a file with its folder and mode, writes it over and removes it', async () => {
        await done(create(file()));
        const seen = (await observe(['file'])).get(keyOf(file()))?.object;
        assert.deepEqual(seen, file());
        await done([step('replace', file('other\n'), file())]);
        const after = (await observe(['file'])).get(keyOf(file()))?.object;
        assert.ok(after?.kind === 'file' && after.content === 'other\n');
        await done(remove(file()));
        assert.equal((await observe(['file'])).size, 0);
      });
    });

    describe('the bell', () => {
      const heard: Set<Kind> = new Set();
      let ear: { close(): void };
      let wake: () => void = () => undefined;
      beforeEach(async () => {
        await done(create(vxlan(), address(), neighbour(), fdb(), route()));
        heard.clear();
        ear = bench.kernel.monitor((kinds) => {
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
          await bench.removeBehindBack(object);
          await rings(object.kind);
        }
        heard.clear();
        await bench.foreign({ ...route({ device: 'eth0', via: '10.200.0.7', onlink: false }), protocol: 4 });
        await rings('route');
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
        await bench.foreign({ ...route({ device: 'eth0', via: '10.200.0.7', onlink: false }), protocol: 4 });
        await rings('route');
        assert.deepEqual([...heard], ['route']);
      });
    });
  });
}
