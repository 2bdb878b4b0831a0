import assert from 'node:assert/strict';
import { join } from 'node:path';
import { age } from '../support/certs.ts';
import { type Ran, useHosts } from '../support/hosts.ts';
import { json, pidOf, purge, succeeds } from '../support/members.ts';
import { until } from '../support/until.ts';

interface Row {
  readonly name: string;
  readonly status: string;
  readonly certificate: { readonly notAfter: string } | null;
  readonly signs: boolean | null;
  readonly trouble?: string;
}

const DAYS = (row: Row | undefined): number =>
  Math.round((Date.parse(row?.certificate?.notAfter ?? '') - Date.now()) / 86_400_000);

describe('certificates and clocks, as the care commands see them', function () {
  this.timeout(240_000);
  const { host } = useHosts('care-certs', 2);
  const second = () => ({ ca: host(1), host: host(2), name: 'n2' });
  const status = (number: number) => host(number).tsflannel('etcd', 'status', '--json');
  const rows = (ran: Ran) => new Map((json(ran).members as Row[]).map((row) => [row.name, row]));
  const error = (ran: Ran) => json(ran).error as { code: string; why: string; exit: number };

  it('shows when each ends, and which member may sign', async () => {
    succeeds(await host(1).tsflannel('init', '--yes', '--name', 'n1'));
    const { token } = json(succeeds(await host(1).tsflannel('token', 'create', '--json')));
    succeeds(await host(2).tsflannel('join', String(token), '--name', 'n2'));
    const [one, two] = [rows(succeeds(await status(1))), rows(succeeds(await status(2)))];
    for (const seen of [one, two]) for (const name of ['n1', 'n2']) assert.equal(DAYS(seen.get(name)), 365);
    assert.deepEqual([one.get('n1')?.signs, one.get('n2')?.signs], [true, null]);
    assert.deepEqual([two.get('n1')?.signs, two.get('n2')?.signs], [true, false]);
    const { stdout } = succeeds(await host(2).tsflannel('etcd', 'status'));
    assert.match(stdout, /BEHIND +CERTIFICATE +SIGNS\nn1 .* 36[45]d +yes\nn2 .* 36[45]d +no\n/);
    assert.match(stdout, /certificates of this host: server 36\dd, peer 36\dd, client 36\dd, CA 36\d\dd$/);
  });

  it('warns when a renewal is overdue', async () => {
    await age(second(), 'server', 300);
    const { stdout } = succeeds(await host(1).tsflannel('etcd', 'status'));
    assert.match(stdout, /warning: certificate of n2: 6[45]d; its renewal is overdue/);
  });

  for (const [days, says, why] of [
    [400, /^expired 3[45]d ago$/, /has expired/],
    [-40, /^not valid for (39|40)d yet$/, /not yet valid/],
  ] as const) {
    it(`names the member whose certificate is of ${days} days ago`, async () => {
      await age(second(), 'server', days);
      const ran = await status(1);
      assert.equal(ran.exit, 8, ran.stdout);
      const row = rows(ran).get('n2');
      assert.equal(row?.status, 'unreachable');
      assert.match(row?.trouble ?? '', why);
      const { stdout } = await host(1).tsflannel('etcd', 'status');
      assert.match(/^n2 .*?((?:expired|not valid).*?) {2,}-$/m.exec(stdout)?.[1] ?? stdout, says);
    });
  }

  for (const [days, code, why] of [
    [400, 'CERT_EXPIRED', /this host's client certificate ended at .*the clock of this host says/],
    [-40, 'CERT_NOT_YET_VALID', /this host's client certificate begins at .*the clock of this host says/],
  ] as const) {
    it(`says ${code} for a client certificate of ${days} days ago, whatever the command`, async () => {
      await age(second(), 'client', days);
      const file = join(host(2).dir, 'x.db');
      const care = [
        ['status'],
        ['member', 'list'],
        ['compact'],
        ['defrag'],
        ['alarm', 'list'],
        ['snapshot', 'save', file],
      ];
      for (const argv of care) {
        const told = error(await host(2).tsflannel('etcd', ...argv, '--json'));
        assert.deepEqual([told.code, told.exit], [code, 5], argv.join(' '));
        assert.match(told.why, why);
      }
    });
  }

  it('is well again once it is renewed', async () => {
    for (const kind of ['server', 'client'] as const) await age(second(), kind, 250);
    process.kill(pidOf(host(2), 'supervisor'), 'SIGHUP');
    await until('n2 is well', async () => (await status(2)).exit === 0);
    await purge(host(2), host(1));
  });
});
