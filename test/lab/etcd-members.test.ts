import assert from 'node:assert/strict';
import { MADE } from '../../src/etcd/change.ts';
import { openGrpcAdmin } from '../../src/store/etcd/admin.ts';
import { openTypist, type Typed, type Typist } from '../support/cli.ts';
import { freePort, startEtcd, type TestEtcd } from '../support/etcd.ts';
import { holdsItsSchemas } from '../support/held.ts';
import { until } from '../support/until.ts';

interface Row {
  readonly name: string;
  readonly id: string;
  readonly status: string;
  readonly isLeader: boolean;
}

describe('tsflannel etcd member: one at a time, and never without a majority', function () {
  this.timeout(240_000);
  const running = new Map<string, TestEtcd>();
  const peers = new Map<string, number>();
  let typist: Typist;

  const cluster = () => [...peers].map(([name, port]) => `${name}=http://127.0.0.1:${port}`).join(',');
  const start = async (name: string, list: string, state: 'new' | 'existing') => {
    const member = { name, peerPort: peers.get(name) as number, cluster: list };
    running.set(name, await startEtcd({ member, args: ['--initial-cluster-state', state] }));
  };
  before(async () => {
    for (const name of ['m1', 'm2', 'm3']) peers.set(name, await freePort());
    const list = cluster();
    await Promise.all([...peers.keys()].map((name) => start(name, list, 'new')));
    typist = openTypist([...running.values()].map(({ endpoint }) => endpoint).join(','), 'care-members-');
  });
  after(async () => {
    for (const etcd of running.values()) await etcd.close();
    typist.close();
  });

  const member = (...argv: string[]): Promise<Typed> => typist.type('etcd', 'member', ...argv, '--json');
  const rows = async () => ((await member('list')).json().members ?? []) as Row[];
  const shown = async () => (await rows()).map(({ name, status }) => `${name} ${status}`).sort();
  const ok = (ran: Typed): Record<string, unknown> => {
    assert.equal(ran.exit, 0, ran.stdout + ran.stderr);
    return ran.json();
  };
  const refused = (ran: Typed, code: string, why: RegExp): void => {
    assert.equal(ran.code(), code, ran.stdout);
    assert.match(ran.stdout, why);
  };
  const healthy = (count: number) =>
    until(`${count} members are healthy`, async () => {
      const { exit, stdout } = await typist.type('etcd', 'status', '--json');
      return exit === 0 && (JSON.parse(stdout).members as Row[]).length === count;
    });
  /** A member that is busy may be late once. */
  const shows = (...lines: readonly string[]) =>
    until(lines.join(), async () => (await shown()).join() === lines.join());

  /** While there is no leader it says that the cluster would be in danger, and does nothing. */
  async function unlessUnsafe(...argv: string[]): Promise<Typed> {
    let ran = await member(...argv);
    await until('there is a leader', async () => {
      if (ran.exit === 0 || ran.code() !== 'ETCD_UNSAFE') return true;
      ran = await member(...argv);
      return false;
    });
    return ran;
  }
  const isGone = (name: string) =>
    until(`${name} is seen to be gone`, async () => (await shown()).includes(`${name} unreachable`));

  /** Starts a member that was added as a learner, and promotes it. */
  async function comesToVote(name: string, list: string): Promise<void> {
    await start(name, list, 'existing');
    await until(`${name} is a learner`, async () => (await shown()).includes(`${name} learner`));
    await until(
      `${name} may be promoted`,
      async () => (await member('promote', name, '--dry-run')).json().changed === true,
    );
    assert.ok(!(await shown()).includes(`${name} healthy`));
    await until(`${name} has caught up`, async () => (await member('promote', name)).exit === 0);
  }

  it('replaces no member that is well, and removes none without a yes', async () => {
    await healthy(3);
    refused(await member('replace', 'm3', '--peer-url', 'http://127.0.0.1:9', '--yes'), 'ETCD_UNSAFE', /m3 is healthy/);
    refused(await member('remove', 'm3'), 'NEEDS_CONFIRMATION', /m3 .* is removed from the cluster for good/);
    assert.equal(ok(await member('remove', 'm9', '--yes')).changed, false);
    assert.equal((await rows()).length, 3);
  });

  it('says of a change that is made already what commands take for that', async () => {
    const admin = openGrpcAdmin({ endpoints: [...running.values()].map(({ endpoint }) => endpoint), timeoutMs: 5000 });
    const id = BigInt(`0x${(await rows()).find(({ name }) => name === 'm2')?.id}`);
    const url = `http://127.0.0.1:${peers.get('m2')}`;
    // At first it says that its members know each other too short a time.
    const says = (what: RegExp, change: () => Promise<unknown>) =>
      until(`etcd says ${what}`, () =>
        change().then(
          () => false,
          ({ code, why }) => code === 'ETCD_FAILED' && what.test(why),
        ),
      );
    await says(MADE.added, () => admin.addMember([url], { learner: true }));
    await says(MADE.removed, () => admin.removeMember(12345n));
    await says(MADE.promoted, () => admin.promoteMember(id));
    admin.close();
  });

  it('changes nothing in a dry run', async () => {
    const dry = ok(await member('add', 'm4', '--peer-url', 'http://127.0.0.1:9', '--dry-run'));
    assert.deepEqual([dry.changed, dry.dryRun, dry.id], [true, true, null]);
    assert.match(String(dry.initialCluster), /m4=http:\/\/127\.0\.0\.1:9/);
    assert.equal(ok(await member('remove', 'm3', '--dry-run')).dryRun, true);
    assert.equal(ok(await member('promote', 'm3', '--dry-run')).changed, false);
    await shows('m1 healthy', 'm2 healthy', 'm3 healthy');
  });

  it('adds nobody while a member is down, and lets no living one go', async () => {
    await running.get('m3')?.close();
    running.delete('m3');
    await isGone('m3');
    await until('the others have a leader', async () => (await rows()).some(({ isLeader }) => isLeader));
    refused(await member('add', 'm4', '--peer-url', 'http://127.0.0.1:9'), 'ETCD_UNSAFE', /m3 is unreachable/);
    refused(await member('remove', 'm1', '--yes'), 'ETCD_UNSAFE', /1 of 2 voting members would be up, 2 are needed/);
  });

  it('replaces the lost member by a learner, which votes once it is promoted', async () => {
    peers.delete('m3');
    peers.set('m4', await freePort());
    const url = `http://127.0.0.1:${peers.get('m4')}`;
    const replace = ['replace', 'm3', '--name', 'm4', '--peer-url', url];
    assert.equal(ok(await unlessUnsafe(...replace, '--dry-run')).dryRun, true);
    await shows('m1 healthy', 'm2 healthy', 'm3 unreachable');
    const done = ok(await unlessUnsafe(...replace, '--yes'));
    const list = String(done.initialCluster);
    assert.deepEqual(list.split(',').sort(), cluster().split(',').sort());
    assert.match((done.next as string[]).join('\n'), /--initial-cluster-state existing[\s\S]*etcd member promote m4/);
    await shows(' not started', 'm1 healthy', 'm2 healthy');
    refused(await member('add', 'm5', '--peer-url', 'http://127.0.0.1:9'), 'ETCD_UNSAFE', /has not started yet/);
    assert.equal(ok(await member('add', 'm4', '--peer-url', url)).changed, false);
    await comesToVote('m4', list);
    await healthy(3);
    assert.equal(ok(await member('promote', 'm4')).changed, false);
  });

  it('removes a leader that has just died, though what is asked of the others while they choose another one is lost', async () => {
    const id = (await rows()).find(({ name }) => name === 'm4')?.id ?? '';
    await until('m4 leads', async () => {
      for (const { ctl } of running.values()) await ctl('move-leader', id).catch(() => undefined);
      return (await rows()).some((row) => row.id === id && row.isLeader);
    });
    await running.get('m4')?.close();
    running.delete('m4');
    await isGone('m4');
    assert.equal(ok(await unlessUnsafe('remove', 'm4', '--yes')).id, id);
    await healthy(2);
    assert.ok(!(await rows()).some((row) => row.id === id));
  });

  it('removes a member, and keeps the majority of those that stay', async () => {
    peers.delete('m4');
    peers.set('m5', await freePort());
    const added = ok(await member('add', 'm5', '--peer-url', `http://127.0.0.1:${peers.get('m5')}`));
    await comesToVote('m5', String(added.initialCluster));
    await healthy(3);
    const { id } = ok(await member('remove', 'm5', '--yes'));
    assert.ok(!(await rows()).some((row) => row.id === id));
    await running.get('m5')?.close();
    running.delete('m5');
    await healthy(2);
  });

  holdsItsSchemas('etcd-members');
});
