/**
 * Other programs flush, reload and insert packet filters while a node runs: its own are back, once and in their place. By nf_tables the
 * kernel tells of it; iptables-legacy tells nobody.
 */
import assert from 'node:assert/strict';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { packageRoot } from '../../src/root.ts';
import { type Ground, type Host, makeGround, type Running } from '../support/ground.ts';
import { slowAfter, slowBefore } from '../support/hooks.ts';
import { difference, snapshot } from '../support/leaks.ts';
import { until } from '../support/until.ts';

/** Namespaces and an etcd take a while on a busy machine. */
const HOOK_MS = 300_000;

const NAME = 'tsrl';
const MINE = { mine: new RegExp(`\\b${NAME}(u|\\d|-)`) };
type Variant = 'nft' | 'legacy';

/** PATH in which plain `iptables` is this variant, as update-alternatives would have it. */
async function switchTo(folder: string, variant: Variant): Promise<void> {
  await mkdir(folder, { recursive: true });
  const multi = (await execa('which', [`xtables-${variant}-multi`])).stdout.trim();
  for (const name of ['iptables', 'iptables-save', 'iptables-restore']) {
    await rm(join(folder, name), { force: true });
    await symlink(multi, join(folder, name));
  }
}

/** Rules of the variant in a host, without counters. */
const rulesOf = async (host: Host, variant: Variant): Promise<string[]> =>
  (await host.run(`iptables-${variant}-save`)).split('\n').filter((line) => line.startsWith('-A'));

const FORWARD = '-A FORWARD -m comment --comment tsflannel -j TSFLANNEL-FWD';
const POSTROUTING = '-A POSTROUTING -m comment --comment tsflannel -j TSFLANNEL-POSTRTG';

/** Both jumps once and first, both chains whole (flannel's two and six rules). */
async function isWhole(host: Host, variant: Variant): Promise<boolean> {
  const rules = await rulesOf(host, variant);
  const inChain = (chain: string) => rules.filter((rule) => rule.startsWith(`-A ${chain} `));
  return (
    inChain('FORWARD')[0] === FORWARD &&
    inChain('POSTROUTING')[0] === POSTROUTING &&
    rules.filter((rule) => rule === FORWARD || rule === POSTROUTING).length === 2 &&
    inChain('TSFLANNEL-FWD').length === 2 &&
    inChain('TSFLANNEL-POSTRTG').length === 6
  );
}

for (const variant of ['nft', 'legacy'] as const)
  describe(`rules are healed: iptables-${variant}`, () => {
    let ground: Ground;
    let host: Host;
    let daemon: Running;
    let folder = '';
    let before: Awaited<ReturnType<typeof snapshot>>;

    slowBefore(HOOK_MS, async () => {
      before = await snapshot(MINE);
      ground = await makeGround(NAME, 1);
      host = ground.hosts[0] as Host;
      folder = join(host.dir, 'alternatives');
      await switchTo(folder, variant);
      await host.tsflannel('config', 'set', '--network', '172.20.0.0/16', '--backend', 'vxlan');
      const path = `PATH=${folder}:${process.env.PATH}`;
      daemon = host.start(['env', path, join(packageRoot(), 'bin', 'tsflannel'), 'up', '--ip-masq']);
      await until('the rules', () => {
        assert.equal(daemon.exit(), undefined, daemon.said());
        return isWhole(host, variant);
      });
    });
    slowAfter(HOOK_MS, async () => {
      await ground?.close();
      assert.equal(difference(before, await snapshot(MINE)), '');
    });

    /** What other programs do; the time is printed. */
    async function healed(what: string, ...argv: string[]): Promise<void> {
      await host.run(...argv);
      const begun = performance.now();
      await until(`the rules after ${what}`, () => isWhole(host, variant));
      console.log(`      ${what}: healed after ${Math.round(performance.now() - begun)} ms`);
    }

    // Waiting for the lock of iptables-legacy, which is one for the whole machine.
    const iptables = [`iptables-${variant}`, '-w'];
    if (variant === 'nft') it('nft flush ruleset', () => healed('nft flush ruleset', 'nft', 'flush', 'ruleset'));
    it('a flushed FORWARD', () => healed('iptables -F', ...iptables, '-F'));
    it('a masquerading put above ours, as Docker does', () =>
      healed('iptables -I', ...iptables, '-t', 'nat', '-I', 'POSTROUTING', '-s', '172.17.0.0/16', '-j', 'MASQUERADE'));
    it('a REJECT put above ours', () => healed('-j REJECT', ...iptables, '-I', 'FORWARD', '-j', 'REJECT'));
    it('the alternative is switched: nothing stays in the old tool', async () => {
      const other = variant === 'nft' ? 'legacy' : 'nft';
      await switchTo(folder, other);
      await until(
        'the rules in the other tool',
        async () =>
          (await isWhole(host, other)) && !(await rulesOf(host, variant)).some((rule) => rule.includes('TSFLANNEL-')),
      );
    });
  });
