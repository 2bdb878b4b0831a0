/** The source check as only the real kernel can be asked about it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diff } from '../../../src/kernel/diff.ts';
import { linuxKernel } from '../../../src/kernel/linux/linux.ts';
import type { KernelObject, Kind, Plan, Source } from '../../../src/kernel/state.ts';
import { until } from '../../support/until.ts';
import { type Benches, create, remove, step, wanted } from './bench.ts';
import { floodFrom } from './flood.ts';
import { guard, ip, mac, prefix, source } from './objects.ts';
import { run } from './stranger.ts';

const KINDS: readonly Kind[] = ['guard', 'source'];
const TABLE = 'inet tsflannel-sources';

/** The nth of many peers. */
const nth = (n: number): Source =>
  source({
    subnet: prefix(`172.21.${n >> 4}.${(n & 15) << 4}/28`),
    mac: mac(`02:00:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`),
    outer: ip(`10.201.${n >> 8}.${n & 255}`),
  });

export function linuxSources({ kernel, done, observe, ours }: Benches): void {
  const all: readonly KernelObject[] = [guard(), source(), source({ ...nth(1) }), ...[7, 8].map(direct)];
  function direct(n: number): Source {
    return { kind: 'source', subnet: prefix(`172.20.${n}.0/24`), direct: true };
  }
  const plan = async () => diff(wanted(all), await observe(KINDS));

  describe('the source check', () => {
    it('shows what was written, in every form', async () => {
      const { outer: _, ...anywhere } = source();
      const { tunnel: __, ...plain } = guard().settings!;
      const forms: readonly (readonly KernelObject[])[] = [
        [guard(), source(), direct(7)],
        [guard({ check: 'subnet' }), anywhere],
        [{ kind: 'guard', settings: plain }, direct(7), direct(8)],
      ];
      for (const objects of forms) {
        await done(create(...objects));
        assert.deepEqual([...diff(wanted(objects), await observe(KINDS))], []);
        await done(remove(...objects.slice(0, 1)));
        assert.deepEqual(await ours(KINDS), []);
      }
    });

    it('notices whatever was done to its table, and puts it right', async () => {
      for (const vandal of [
        `delete table ${TABLE}`,
        'flush ruleset',
        `flush set ${TABLE} vteps`,
        `flush set ${TABLE} inner`,
        `flush set ${TABLE} subnets`,
        `delete element ${TABLE} subnets { 172.20.7.0/24 }`,
        `delete element ${TABLE} direct { 172.20.8.0/24 }`,
        `add element ${TABLE} inner { 02:00:00:00:00:09 . 172.20.64.0/24 }`,
        `add element ${TABLE} vteps { 10.200.0.9 . 0x02aabbccddee }`,
        `add element ${TABLE} subnets { 172.20.99.0/24 }`,
        `flush chain ${TABLE} decapsulated`,
        `insert rule ${TABLE} input accept`,
        `add rule ${TABLE} tunnel accept`,
        `add chain ${TABLE} other`,
        `flush chain ${TABLE} prerouting`,
      ]) {
        await done(create(...all));
        assert.deepEqual(await plan(), []);
        await run('nft', vandal);
        assert.notDeepEqual(await plan(), [], vandal);
        await done(await plan());
        assert.deepEqual(await plan(), [], vandal);
        await done(remove(guard()));
      }
    });

    it('changes one peer without touching the others or their counts', async () => {
      await done(create(...all));
      await run('nft', `reset counters table ${TABLE}`);
      const moved = source({ outer: ip('10.200.0.77') });
      const before = await run('nft', '-a', 'list', 'table', ...TABLE.split(' '));
      await done([step('replace', moved, source()), ...remove(direct(7)), ...create(direct(9))]);
      const after = await run('nft', '-a', 'list', 'table', ...TABLE.split(' '));
      const handles = (text: string) => text.match(/handle \d+/g);
      assert.deepEqual(handles(after), handles(before));
      assert.match(after, /10\.200\.0\.77 \. 0x2aabbccddee/);
      assert.doesNotMatch(after, /10\.200\.0\.2 \.|172\.20\.7\.0/);
    });

    it('changes peers without starting a program', async () => {
      await done(create(...all));
      const path = process.env.PATH;
      const both = source({ subnet: prefix('172.20.66.0/24'), mac: mac('02:00:00:00:00:66'), direct: true });
      const moved: Source = { ...nth(2), outer: ip('10.9.9.9') };
      try {
        process.env.PATH = '/nonexistent';
        await done(create(both, nth(2), direct(9)));
        await done([...remove(direct(7), nth(1)), step('replace', moved, nth(2))]);
      } finally {
        process.env.PATH = path;
      }
      const now = [guard(), source(), both, moved, direct(8), direct(9)];
      assert.deepEqual([...diff(wanted(now), await observe(KINDS))], []);
    });

    it('refuses what cannot be written, and only that', async () => {
      await done(create(...all));
      const unfit = source({ ...nth(3), outer: ip('fd00::3') });
      const outcomes = await kernel().apply(create(unfit, direct(9)));
      assert.deepEqual(
        outcomes.map(({ result }) => result),
        ['failed', 'done'],
      );
      const bad = await kernel().apply([step('replace', guard({ underlay: 'a"; drop' }), guard())]);
      assert.equal(bad[0]?.result, 'failed');
      assert.match(bad[0]?.error ?? '', /interface named/);
    });

    it('takes a subnet in the place of those it overlaps, which are to go', async () => {
      const halves = ['172.20.64.0/25', '172.20.64.128/25'].map((text) => source({ subnet: prefix(text) }));
      for (const [before, after] of [
        [[source()], halves],
        [halves, [source()]],
      ] as const) {
        const next = [guard(), ...after, direct(7)];
        await done(create(guard(), ...before, direct(7)));
        const steps = diff(wanted(next), await observe(KINDS));
        assert.deepEqual(
          steps.map(({ action }) => action),
          [...after.map(() => 'create'), ...before.map(() => 'remove')],
        );
        // In a daemon's plan routes and all else stand between what comes and what goes.
        for (const one of steps) await done([one]);
        assert.deepEqual([...diff(wanted(next), await observe(KINDS))], []);
        await done(remove(guard()));
      }
    });

    it('rings when somebody else changes it, not when we do', async () => {
      const heard: Kind[][] = [];
      // Filters of others have a bell of their own.
      const ear = kernel().monitor((kinds) => kinds.has('guard') && heard.push([...kinds]));
      try {
        await done(create(...all));
        await run('nft', 'add table inet another');
        await run('nft', 'delete table inet another');
        assert.equal(heard.length, 0);
        await run('nft', `flush set ${TABLE} inner`);
        await until('the bell', () => heard.length > 0);
        assert.ok(heard.every((kinds) => kinds.join() === KINDS.join()));
      } finally {
        ear.close();
      }
    });

    it('drops none of a flood while it is written anew or gets other settings', async () => {
      const flood = await floodFrom(source());
      let dropped = 0;
      const written = async (plan: Plan) => {
        await done(plan);
        // IPv6 is dropped by right: the peer's kernel says some of itself.
        const { drops = {} } = (await kernel().sourceCounters()) ?? {};
        for (const [reason, packets] of Object.entries(drops)) if (reason !== 'not-ip4') dropped += packets;
      };
      try {
        for (let i = 0; i < 40; i++) {
          await done(remove(guard()));
          await written(create(...all));
        }
        for (let i = 0; i < 20; i++) {
          await written([step('replace', guard({ check: 'subnet' }), guard())]);
          await written([step('replace', guard(), guard({ check: 'subnet' }))]);
        }
        assert.ok((await flood.came()) > 100, 'there is a flood');
        assert.equal(dropped, 0);
      } finally {
        await flood.end();
      }
    });

    it('keeps what was counted when it gets other settings', async () => {
      await done(create(...all));
      const elements = async () => (await run('nft', '-a', 'list', 'set', ...TABLE.split(' '), 'inner')).trim();
      const before = await elements();
      await done([step('replace', guard({ underlay: 'other0' }), guard())]);
      assert.equal(await elements(), before);
      assert.deepEqual([...diff(wanted([guard({ underlay: 'other0' }), ...all.slice(1)]), await observe(KINDS))], []);
    });

    it('holds 5,000 peers, in one transaction', async () => {
      const many = Array.from({ length: 4096 }, (_, n) => nth(n));
      const more = Array.from(
        { length: 904 },
        (_, i): Source => ({
          kind: 'source',
          subnet: prefix(`172.22.${i >> 4}.${(i & 15) << 4}/28`),
          direct: true,
        }),
      );
      const objects = [guard(), ...many, ...more];
      const begun = performance.now();
      await done(create(...objects));
      const written = performance.now();
      assert.equal((await observe(KINDS)).size, 5001);
      const seen = performance.now();
      await done([step('replace', { ...many[9]!, outer: ip('10.9.9.9') }, many[9])]);
      const changed = performance.now();
      const ms = [written - begun, seen - written, changed - seen].map(Math.round);
      console.log(`      5,000 written ${ms[0]} ms, seen ${ms[1]} ms, one of them changed ${ms[2]} ms`);
    });

    it('says why it cannot be, where there is no nft', async () => {
      const path = process.env.PATH;
      const folder = await mkdtemp(join(tmpdir(), 'tsflannel-no-nft-'));
      const bare = linuxKernel();
      try {
        for (const tool of ['iptables', 'iptables-save'])
          await symlink((await run('which', tool)).trim(), join(folder, tool));
        process.env.PATH = folder;
        assert.match((await bare.filterFacts()).noSourceCheck ?? '', /nft is not installed/);
        assert.equal(await bare.sourceCounters(), undefined);
      } finally {
        process.env.PATH = path;
        await bare.close();
        await rm(folder, { recursive: true });
      }
      assert.equal((await kernel().filterFacts()).noSourceCheck, undefined);
    });
  });
}
