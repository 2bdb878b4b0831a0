import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { snapshotName, timeOfName } from '../../src/etcd/snapshots.ts';
import { useHosts } from '../support/hosts.ts';
import { json, pidOf, purge, succeeds } from '../support/members.ts';
import { until } from '../support/until.ts';

const HOUR = 3_600_000;

describe('tsflannel etcd snapshot schedule: by the supervisor', function () {
  this.timeout(240_000);
  const { host } = useHosts('care-sched', 1);
  const dir = () => join(host(1).dir, '..', 'backups');
  const snapshot = (...argv: string[]) => host(1).tsflannel('etcd', 'snapshot', ...argv, '--json');
  const code = (stdout: string) => (JSON.parse(stdout).error as { code: string }).code;
  const names = () => (existsSync(dir()) ? readdirSync(dir()).filter((name) => timeOfName(name) !== undefined) : []);
  /** As if all had been taken so long before. */
  const age = (ms: number) => {
    for (const name of names()) renameSync(join(dir(), name), join(dir(), snapshotName((timeOfName(name) ?? 0) - ms)));
  };
  const look = () => process.kill(pidOf(host(1), 'supervisor'), 'SIGHUP');
  const schedule = ['schedule', '--every', '1h', '--keep', '3'];

  it('needs somebody to take them', async () => {
    assert.equal(code((await snapshot(...schedule, '--dir', dir())).stdout), 'SCHEDULE_NOWHERE');
    assert.equal(code((await snapshot('schedule', '--every', '5s')).stdout), 'USAGE');
    assert.equal(json(await snapshot('schedule', '--off')).changed, false);
  });

  it('takes the first at once', async () => {
    succeeds(await host(1).tsflannel('init', '--yes', '--name', 'a'));
    const dry = json(succeeds(await snapshot(...schedule, '--dir', dir(), '--dry-run')));
    assert.deepEqual([dry.changed, (dry.schedule as { runner: string }).runner], [true, 'supervisor']);
    assert.equal(json(await snapshot('list')).schedule, null);
    assert.equal(json(succeeds(await snapshot(...schedule, '--dir', dir()))).changed, true);
    await until('there is one', () => names().length === 1);
    assert.equal(json(succeeds(await snapshot(...schedule, '--dir', dir()))).changed, false);
    const { stdout } = succeeds(await host(1).tsflannel('etcd', 'snapshot', 'list', '--verify'));
    assert.match(
      stdout,
      /etcd-\d{8}T\d{6}Z\.db +\d{4}-\S+Z +\d+[sm] +\d.* kB +yes\nschedule: every 1h into .*newest 3 are kept/,
    );
  });

  it('takes another when the time is over', async () => {
    age(HOUR);
    look();
    await until('there is another', () => names().length === 2);
  });

  it('keeps the newest, and what is not a snapshot', async () => {
    writeFileSync(join(dir(), 'notes.txt'), 'mine');
    for (let more = 0; more < 3; more++) {
      age(HOUR);
      const before = names();
      look();
      // What is renamed next must not be what is removed now.
      await until('another, and three', () => names().length === 3 && names().some((name) => !before.includes(name)));
    }
    assert.equal(readFileSync(join(dir(), 'notes.txt'), 'utf8'), 'mine');
    const log = () => readFileSync(join(host(1).dir, 'etcd.log'), 'utf8');
    await until('the log tells', () => /snapshot: .*Z\.db, \d+ bytes, revision \d+; 1 old ones removed/.test(log()));
  });

  it('says when one is overdue or damaged', async () => {
    // It looks each minute by itself: not now.
    const supervisor = pidOf(host(1), 'supervisor');
    process.kill(supervisor, 'SIGSTOP');
    age(3 * HOUR);
    const late = await snapshot('list');
    process.kill(supervisor, 'SIGCONT');
    assert.deepEqual([late.exit, json(late).overdue], [8, true]);
    look();
    await until('it is taken', () => names().some((name) => Date.now() - (timeOfName(name) ?? 0) < HOUR));
    succeeds(await snapshot('list'));
    const [newest = ''] = names().sort().reverse();
    const bytes = readFileSync(join(dir(), newest));
    bytes[9000] = (bytes[9000] ?? 0) ^ 1;
    writeFileSync(join(dir(), newest), bytes);
    succeeds(await snapshot('list'));
    const seen = await snapshot('list', '--verify');
    const whole = (json(seen).snapshots as { whole: boolean }[]).map((one) => one.whole);
    assert.deepEqual([seen.exit, whole], [8, [false, true, true]]);
  });

  it('is what a timer runs by hand too, and is restored from', async () => {
    const { file, removed } = json(succeeds(await snapshot('save', '--dir', dir(), '--keep', '2'))) as {
      file: string;
      removed: string[];
    };
    assert.deepEqual([names().length, removed.length], [2, 2]);
    assert.equal(json(succeeds(await snapshot('save', '--dir', dir(), '--dry-run'))).dryRun, true);
    assert.equal(code((await snapshot('save')).stdout), 'USAGE');
    assert.equal(names().length, 2);
    succeeds(await host(1).tsflannel('etcd', 'stop'));
    succeeds(await snapshot('restore', file, '--yes'));
    succeeds(await host(1).tsflannel('init'));
  });

  it('ends, and the snapshots stay', async () => {
    assert.equal(json(succeeds(await snapshot('schedule', '--off', '--dry-run'))).changed, true);
    assert.equal(json(succeeds(await snapshot('schedule', '--off'))).changed, true);
    assert.equal(json(await snapshot('list', '--dir', dir())).schedule, null);
    assert.equal(names().length, 2);
    succeeds(await snapshot(...schedule, '--dir', dir()));
    for (const name of readdirSync(host(1).dir).filter((one) => one.includes('before-')))
      renameSync(join(host(1).dir, name), join(dir(), name));
    await purge(host(1));
  });
});
