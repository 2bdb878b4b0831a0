import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { isDue, readSchedule, type Schedule, scheduleFile } from '../../../src/etcd/schedule.ts';
import { listSnapshots, snapshotName, timeOfName } from '../../../src/etcd/snapshots.ts';
import { timerUnits } from '../../../src/etcd/timer.ts';

const NOW = Date.parse('2026-03-01T00:00:05Z');
const HOUR = 3_600_000;
const schedule: Schedule = { runner: 'supervisor', dir: '/x', everySeconds: 3600, keep: 3 };
const taken = (...ages: number[]) => ages.map((age) => ({ file: '/x/y', at: NOW - age, bytes: 1 }));

describe('etcd/snapshots', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tsflannel-snapshots-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('has the time in the name, in UTC, and knows no other names', () => {
    assert.equal(snapshotName(NOW + 7), 'etcd-20260301T000005Z.db');
    assert.equal(timeOfName(snapshotName(NOW)), NOW);
    for (const name of ['etcd.db', 'etcd-20260301T000005Z.db.part-01234567', 'etcd-20261301T000005Z.db', 'x', ''])
      assert.equal(timeOfName(name), undefined, name);
  });

  it('lists what is ours, the newest first, and nothing where there is no folder', async () => {
    for (const name of [snapshotName(NOW - HOUR), snapshotName(NOW), 'mine.db']) writeFileSync(join(dir, name), 'abc');
    assert.deepEqual(
      (await listSnapshots(dir)).map(({ at, bytes }) => [at, bytes]),
      [
        [NOW, 3],
        [NOW - HOUR, 3],
      ],
    );
    assert.deepEqual(await listSnapshots(join(dir, 'none')), []);
  });

  it('takes one when none is younger than the time between two', () => {
    assert.equal(isDue(schedule, [], NOW), true);
    assert.equal(isDue(schedule, taken(HOUR - 1, 2 * HOUR), NOW), false);
    assert.equal(isDue(schedule, taken(HOUR, 2 * HOUR), NOW), true);
  });

  it('does not wait for a clock that was ahead', () => {
    assert.equal(isDue(schedule, taken(-5 * HOUR), NOW), true);
    assert.equal(isDue(schedule, taken(-5 * HOUR, 0), NOW), false);
  });

  it('reads no schedule that somebody bent', async () => {
    const file = scheduleFile(join(dir, 'etcd'));
    const good = { ...schedule, version: 1 };
    const read = (json: unknown) => {
      writeFileSync(file, typeof json === 'string' ? json : JSON.stringify(json));
      return readSchedule(join(dir, 'etcd'));
    };
    assert.deepEqual(await read(good), schedule);
    for (const bad of [{ dir: 'x' }, { dir: '/\0' }, { keep: 0 }, { everySeconds: 59 }, { runner: 'cron' }])
      await assert.rejects(read({ ...good, ...bad }), { code: 'MEMBER_FILE_INVALID' });
    await assert.rejects(read('{'), { code: 'MEMBER_FILE_INVALID' });
  });

  it('is a timer as systemd-analyze wants it', async () => {
    const units = await timerUnits(['/bin/true', '--dir', '/var/b c/$x%'], 21_600);
    for (const [name, text] of units) {
      assert.match(text, /^# Written by tsflannel/);
      assert.doesNotMatch(text, /\{\w+\}/);
      writeFileSync(join(dir, name), text);
    }
    const files = [...units.keys()].map((name) => join(dir, name));
    const { exitCode, stderr } = await execa('systemd-analyze', ['verify', ...files], { reject: false });
    assert.deepEqual([exitCode, stderr.split('\n').filter((line) => line.includes('snapshot'))], [0, []]);
    assert.match(units.get('tsflannel-etcd-snapshot.timer') ?? '', /OnUnitActiveSec=21600s/);
    await assert.rejects(timerUnits(['/bin/true', 'a\nExecStartPre=/bin/false'], 60), { code: 'SYSTEMD' });
  });
});
