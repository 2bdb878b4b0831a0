/** Filters as only the real kernel can be asked about them. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { diff } from '../../../src/kernel/diff.ts';
import { linuxKernel } from '../../../src/kernel/linux/linux.ts';
import { printObject } from '../../../src/kernel/print.ts';
import { type FilterFacts, type KernelObject, keyOf } from '../../../src/kernel/state.ts';
import { golden } from '../../support/golden.ts';
import { type Benches, create, remove, wanted } from './bench.ts';
import { chain, host, jump, prefix } from './objects.ts';
import { run, saved } from './stranger.ts';

/** Rules as Docker 20.10 leaves them, and one by an administrator. */
const DOCKER = `*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A DOCKER-USER -s 192.0.2.0/24 -m comment --comment "not \\"these\\" -j ACCEPT" -j DROP
-A DOCKER-USER -j RETURN
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
COMMIT
`;

const userJump = (): KernelObject => ({
  kind: 'jump',
  table: 'filter',
  from: 'DOCKER-USER',
  to: 'TSFLANNEL-FWD',
  first: false,
});
const userChain = (): KernelObject => ({
  kind: 'chain',
  table: 'filter',
  name: 'TSFLANNEL-FWD',
  rules: [{ source: { prefix: prefix('172.20.0.0/16'), not: false }, target: 'ACCEPT' }],
});

/** For a peer whose path is narrow. */
const clamp = (): KernelObject[] => [
  {
    kind: 'chain',
    table: 'mangle',
    name: 'TSFLANNEL-MSS',
    rules: [
      { destination: { prefix: prefix('172.20.9.0/24'), not: false }, target: 'TCPMSS', mss: 1290 },
      { source: { prefix: prefix('172.20.9.0/24'), not: false }, target: 'TCPMSS', mss: 1290 },
    ],
  },
  { kind: 'jump', table: 'mangle', from: 'FORWARD', to: 'TSFLANNEL-MSS', first: false },
];

/** Rules of ours, and the table that is there because of them: a table stays for as long as its namespace. */
const withoutOurs = (text: string): string =>
  text
    .replace(/^\*mangle\n(?:.*\n)*?COMMIT\n?/m, '')
    .split('\n')
    .filter((line) => !line.includes('TSFLANNEL-') && line !== '')
    .join('\n');

/** A legacy table stays for as long as its namespace; empty it is as good as none. */
async function emptied(variant: string): Promise<void> {
  for (const table of ['filter', 'nat', 'mangle']) {
    for (const flag of ['-F', '-X']) await run(variant, '-t', table, flag);
    if (table === 'filter') await run(variant, '-P', 'FORWARD', 'ACCEPT');
  }
}

export function linuxFilters({ kernel, done, observe, ours }: Benches): void {
  for (const variant of ['iptables-nft', 'iptables-legacy'] as const satisfies FilterFacts['variant'][]) {
    it(`puts rules where Docker's are (${variant}) and leaves Docker's as they were`, async () => {
      await execa(`${variant}-restore`, { input: DOCKER });
      try {
        const before = await saved(variant);
        assert.deepEqual(await kernel().filterFacts(), { variant, dockerUser: true });
        const objects = [userChain(), userJump(), chain(), jump(), ...clamp()];
        await done(create(...objects));
        const after = await saved(variant);
        assert.equal(withoutOurs(after), withoutOurs(before));
        const first = after.split('\n').find((line) => line.startsWith('-A DOCKER-USER'));
        assert.equal(first, '-A DOCKER-USER -m comment --comment tsflannel -j TSFLANNEL-FWD');
        const wants = wanted(objects);
        assert.deepEqual(diff(wants, await observe(['chain', 'jump'])), []);
        await done(remove(userJump(), jump(), ...clamp().reverse(), userChain(), chain()));
        assert.equal(withoutOurs(await saved(variant)), withoutOurs(before));
      } finally {
        await emptied(variant);
      }
    });
  }

  it('comes first again after Docker has put its masquerading above', async () => {
    await done(create(chain(), jump()));
    await run('iptables', '-t', 'nat', '-I', 'POSTROUTING', '-s', '172.17.0.0/16', '-j', 'MASQUERADE');
    const plan = diff(wanted([chain(), jump()]), await observe(['chain', 'jump']));
    assert.deepEqual(
      plan.map(({ action, object }) => [action, object.kind]),
      [['replace', 'jump']],
    );
    await done(plan);
    const rules = (await run('iptables', '-t', 'nat', '-S', 'POSTROUTING')).trim().split('\n').slice(1);
    assert.deepEqual(rules, [
      `-A POSTROUTING -m comment --comment tsflannel -j ${chain().name}`,
      '-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE',
    ]);
    await done(remove(jump(), chain()));
    await run('iptables', '-t', 'nat', '-F', 'POSTROUTING');
  });

  it('does not trust DOCKER-USER once iptables -F took the jump to it, nor behind a rule that takes everything', async () => {
    await execa('iptables-restore', { input: DOCKER });
    await run('iptables', '-I', 'FORWARD', '-j', 'REJECT');
    assert.equal((await kernel().filterFacts()).dockerUser, false);
    await run('iptables', '-D', 'FORWARD', '-j', 'REJECT');
    assert.equal((await kernel().filterFacts()).dockerUser, true);
    await run('iptables', '-F');
    assert.equal((await kernel().filterFacts()).dockerUser, false);
  });

  it('leaves one jump where there were several', async () => {
    const words = ['-m', 'comment', '--comment', 'tsflannel', '-j', chain().name];
    await done(create(chain(), jump()));
    for (let i = 0; i < 2; i++) await run('iptables', '-t', 'nat', '-A', 'POSTROUTING', ...words);
    const wants = wanted([chain(), jump()]);
    const plan = diff(wants, await observe(['chain', 'jump']));
    assert.deepEqual(
      plan.map(({ action, previous }) => [action, previous && printObject(previous)]),
      [['replace', `jump nat POSTROUTING -> ${chain().name} first 3 times`]],
    );
    await done(plan);
    assert.deepEqual((await run('iptables', '-t', 'nat', '-S', 'POSTROUTING')).split('\n').slice(1), [
      `-A POSTROUTING ${words.join(' ')}`,
    ]);
  });

  it('takes its rules along when Docker goes over to the other tool', async () => {
    const wants = wanted([chain(), jump()]);
    await done(diff(wants, await observe(['chain', 'jump'])));
    assert.match(await saved('iptables-nft'), /TSFLANNEL-/);
    await execa('iptables-legacy-restore', { input: DOCKER });
    try {
      const plan = diff(wants, await observe(['chain', 'jump']));
      assert.deepEqual(plan.map(({ action }) => action).sort(), ['create', 'create', 'remove', 'remove']);
      await done(plan);
      assert.deepEqual(diff(wants, await observe(['chain', 'jump'])), []);
      assert.doesNotMatch(await saved('iptables-nft'), /TSFLANNEL-/);
      assert.match(await saved('iptables-legacy'), /TSFLANNEL-/);
    } finally {
      await emptied('iptables-legacy');
    }
  });

  it('uses a table of its own where there is no iptables', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kern-path-'));
    const path = process.env.PATH;
    await symlink((await run('which', 'nft')).trim(), join(folder, 'nft'));
    process.env.PATH = folder;
    const bare = linuxKernel();
    try {
      assert.deepEqual(await bare.filterFacts(), { variant: 'nft', dockerUser: false });
      const objects = [...host().filter(({ kind }) => kind === 'chain' || kind === 'jump'), ...clamp()];
      const wants = wanted(objects);
      await bare.apply(diff(wants, await bare.observe({ paths: [], sysctls: [] })));
      assert.deepEqual(diff(wants, await bare.observe({ paths: [], sysctls: [] })), []);
      const outcomes = await bare.apply(create(userJump()));
      assert.match(outcomes[0]?.error ?? '', /without iptables/);
      await golden('kernel/nft-table.txt', `${await run('nft', '-s', 'list', 'ruleset')}\n`);
      // With iptables again, the table is what an earlier look left.
      process.env.PATH = path;
      await done(diff(wants, await observe(['chain', 'jump'])));
      assert.doesNotMatch(await run('nft', 'list', 'tables'), /tsflannel/);
      await done(diff([], await observe(['chain', 'jump'])));
      await run('nft', 'flush', 'ruleset');
      assert.equal(await run('nft', 'list', 'ruleset'), '');
    } finally {
      process.env.PATH = path;
      await bare.close();
      await rm(folder, { recursive: true });
    }
  });

  it('sees what a stranger put into our chain, and writes the chain anew', async () => {
    await done(create(chain(), jump()));
    await run('iptables', '-t', 'nat', '-I', chain().name, '1', '-p', 'tcp', '--dport', '80', '-j', 'ACCEPT');
    const wants = wanted([chain(), jump()]);
    const plan = diff(wants, await observe(['chain', 'jump']));
    assert.deepEqual(
      plan.map(({ action, object }) => [action, keyOf(object)]),
      [['replace', keyOf(chain())]],
    );
    await done(plan);
    assert.deepEqual(diff(wants, await observe(['chain', 'jump'])), []);
  });

  it('takes its chain away whatever a stranger put into it', async () => {
    await done(create(chain(), jump()));
    await run('iptables', '-t', 'nat', '-A', chain().name, '-p', 'tcp', '-j', 'ACCEPT');
    await done(diff([], await observe(['chain', 'jump'])));
    assert.deepEqual(await ours(['chain', 'jump']), []);
  });
}
