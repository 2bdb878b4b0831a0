/** The contract: looking, making and unmaking whole hosts, settings and files. */
import assert from 'node:assert/strict';
import { diff } from '../../../src/kernel/diff.ts';
import { printObject } from '../../../src/kernel/print.ts';
import { keyOf } from '../../../src/kernel/state.ts';
import { type Benches, create, remove, results, step, wanted } from './bench.ts';
import { address, chain, fdb, file, host, jump, neighbour, route, sysctl, tun, vxlan } from './objects.ts';

export function wholeContract({ kernel, observe, ours, done, refused }: Benches): void {
  describe('what is there', () => {
    it('shows links, addresses and routes of others with their owners', async () => {
      const state = await observe();
      const link = state.get('link/eth0');
      assert.equal(link?.ours, false);
      assert.ok(
        link?.object.kind === 'link' && link.object.up && link.object.mtu === 1500 && link.object.link.type === 'other',
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
      const state = await kernel().observe({ paths: [], sysctls: [] });
      assert.deepEqual(
        [...state.values()].filter(({ object }) => object.kind === 'sysctl' || object.kind === 'file'),
        [],
      );
      assert.equal((await observe(['sysctl'])).get('sysctl/net.ipv4.ip_forward')?.object.kind, 'sysctl');
    });
  });

  describe('making and unmaking', () => {
    it('makes a whole vxlan node, and the diff is empty afterwards', async () => {
      const wants = wanted(host());
      await done(diff(wants, await observe()));
      assert.deepEqual(diff(wants, await observe()), []);
      const made = host().filter(({ kind }) => kind !== 'sysctl' && kind !== 'file');
      assert.deepEqual(await ours(), made.map(printObject).sort());
    });

    it('unmakes it again and leaves what is not ours', async () => {
      const before = [...(await observe()).keys()].sort();
      const wants = wanted(host());
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
      const outcomes = await kernel().apply([step('blocked', tun()), ...create(vxlan())]);
      assert.deepEqual(results(outcomes), ['skipped', 'done']);
      assert.deepEqual(await ours(), [printObject(vxlan())]);
    });

    it('skips what hangs on a failed step', async () => {
      const outcomes = await kernel().apply(
        create(vxlan({ device: 'eth9' }), address(), route(), neighbour(), fdb(), tun()),
      );
      assert.deepEqual(results(outcomes), ['failed', 'skipped', 'skipped', 'skipped', 'skipped', 'done']);
      assert.match(outcomes[0]?.error ?? '', /eth9/);
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
}
