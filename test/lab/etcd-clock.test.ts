import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type Ran, useHosts } from '../support/hosts.ts';
import { json, members, purge, succeeds } from '../support/members.ts';
import { DAY, type ShiftedClock, shiftClock } from '../support/shifted-clock.ts';
import { until } from '../support/until.ts';

/** Days. */
const BEHIND = -2;
const SUPERVISOR = join(import.meta.dirname, '..', '..', 'dist', 'etcd', 'supervisor-entry.js');

describe('a member whose clock is wrong', function () {
  this.timeout(240_000);
  const { host } = useHosts('care-clock', 2);
  let clock: ShiftedClock;
  before(async () => {
    clock = await shiftClock(join(host(1).dir, '..', 'clock'));
  });
  /** An hour more, so that a second makes no other day. */
  const seconds = (days: number) => days * DAY + Math.sign(days) * 3600;
  /** A command on n2 whose clock is so many days ahead. */
  const wrong = (days: number, ...argv: string[]) => host(2).tsflannelWith(clock.env(seconds(days)), ...argv);
  const error = (ran: Ran) => json(ran).error as { code: string; why: string };
  const token = async () => String(json(succeeds(await host(1).tsflannel('token', 'create', '--json'))).token);

  it('is told before it joins, with what both clocks say', async () => {
    succeeds(await host(1).tsflannel('init', '--yes', '--name', 'n1'));
    const join = async (days: number) => error(await wrong(days, 'join', await token(), '--json'));
    const behind = await join(BEHIND);
    assert.equal(behind.code, 'CERT_NOT_YET_VALID');
    assert.match(behind.why, /the CA of the cluster begins at .*; the clock of this host says /);
    assert.match(behind.why, /the clock of https:\/\/10\.78\.0\.1:2381 is 2d ahead of this host's/);
    const ahead = await join(500);
    assert.equal(ahead.code, 'CERT_EXPIRED');
    assert.match(ahead.why, /the clock of https:\/\/10\.78\.0\.1:2381 is 500d behind this host's/);
  });

  it('is warned where its certificates are in force, and named by etcd status on each', async () => {
    const argv = ['--name', 'n2', '--etcd-binary', clock.etcd(host(2), seconds(30))];
    const joined = succeeds(await wrong(30, 'join', await token(), ...argv));
    assert.match(joined.stderr, /warning: the clock of https:\/\/10\.78\.0\.1:2381 is 30d behind this host's/);
    const here = succeeds(await host(1).tsflannel('etcd', 'status'));
    assert.match(here.stdout, /^warning: the clock of n2 is 30d ahead of this host's/m);
    const there = succeeds(await wrong(30, 'etcd', 'status', '--json'));
    const ahead = (json(there).members as { name: string; clockAhead: number }[]).map(({ clockAhead }) => clockAhead);
    assert.deepEqual(
      // A second behind would be day -0.
      ahead.map((one) => Math.round(one / DAY) || 0),
      [-30, 0],
    );
    succeeds(await wrong(30, 'etcd', 'stop'));
  });

  for (const [days, code, why] of [
    [BEHIND, 'CERT_NOT_YET_VALID', /ca\.crt begins at .*; the clock of this host says /],
    [500, 'CERT_EXPIRED', /server\.crt ended at .*; the clock of this host says /],
  ] as const) {
    it(`is not started by init with a clock of ${days} days from now`, async () => {
      const told = error(await wrong(days, 'init', '--json'));
      assert.equal(told.code, code);
      assert.match(told.why, why);
    });
  }

  it('says so itself where it was started at boot', async () => {
    clock.etcd(host(2), seconds(BEHIND));
    const set = Object.entries(clock.env(seconds(BEHIND))).map(([name, value]) => `${name}=${value}`);
    const dirs = ['etcd', 'run'].map((name) => join(host(2).dir, name));
    const booted = host(2).start('env', ...set, process.execPath, SUPERVISOR, ...dirs);
    await until('etcd runs', async () => (await wrong(BEHIND, 'etcd', 'stop', '--dry-run')).exit === 0);
    const told = error(await wrong(BEHIND, 'etcd', 'status', '--json'));
    assert.equal(told.code, 'CERT_NOT_YET_VALID');
    assert.match(told.why, /the clock of this host says /);
    const seen = await host(1).tsflannel('etcd', 'status', '--json');
    assert.deepEqual([seen.exit, members(seen).find(({ name }) => name === 'n2')?.status], [8, 'unreachable']);
    await wrong(BEHIND, 'etcd', 'stop');
    await booted.ended;
  });

  it('is well again when its clock is right', async () => {
    clock.etcd(host(2), 0);
    succeeds(await host(2).tsflannel('init'));
    assert.doesNotMatch(succeeds(await host(1).tsflannel('etcd', 'status')).stdout, /clock/);
    await purge(host(2), host(1));
  });
});
