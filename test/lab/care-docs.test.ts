import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/root.ts';
import { useHosts } from '../support/hosts.ts';
import { healthy, purge, succeeds } from '../support/members.ts';
import { sections } from '../support/page.ts';
import { until } from '../support/until.ts';

describe('docs/etcd.md: each of its commands', function () {
  this.timeout(240_000);
  const { host } = useHosts('care-docs', 3);
  const page = sections(readFileSync(join(packageRoot(), 'docs', 'etcd.md'), 'utf8'));
  const backups = () => join(host(1).dir, '..', 'backups');
  let token = '';

  async function run(title: string): Promise<void> {
    const lines = page.get(title) ?? [];
    assert.ok(lines.length > 0, `there is no section ${title}`);
    for (const { node, argv } of lines) {
      const real = argv.map((word) => word.replace(/^\/var\/backups/, backups()).replace(/^TOKEN$/, token));
      let ran = await host(node).tsflannel(...real);
      // Who has just joined may be no voter yet.
      if (argv.join(' ') === 'etcd status') {
        await until('all is well', async () => {
          ran = await host(node).tsflannel(...real);
          return ran.exit === 0;
        }).catch(() => {});
      }
      assert.equal(ran.exit, 0, `node-${node}# ${argv.join(' ')}\n${ran.stdout}${ran.stderr}`);
      token = /tsflannel join (\S+)/.exec(ran.stdout)?.[1] ?? token;
    }
  }
  const allHealthy = () => until('all are healthy', () => healthy(host(1)));
  const joinAs = async (number: number) => {
    const { stdout } = succeeds(await host(1).tsflannel('token', 'create'));
    const made = /tsflannel join (\S+)/.exec(stdout)?.[1] ?? '';
    succeeds(await host(number).tsflannel('join', made, '--name', `node-${number}`));
  };

  before(async function () {
    this.timeout(240_000);
    mkdirSync(backups());
    succeeds(await host(1).tsflannel('init', '--yes', '--name', 'node-1'));
    for (const number of [2, 3]) await joinAs(number);
    succeeds(await host(1).tsflannel('config', 'set', '--network', '10.5.0.0/16'));
    await allHealthy();
  });

  it('looks', () => run('Look'));
  it('takes snapshots', () => run('Snapshots'));

  it('replaces a lost member', async () => {
    await purge(host(3));
    await until('node-3 is gone', async () => !(await healthy(host(1))));
    await run('A member is lost');
    await allHealthy();
  });

  it('makes room', () => run('The database is full'));

  it('makes all anew out of a snapshot', async () => {
    succeeds(await host(1).tsflannel('config', 'set', '--network', '10.6.0.0/16', '--force'));
    await run('All is lost, or the majority');
    const { stdout } = succeeds(await host(3).tsflannel('config', 'get'));
    assert.match(stdout, /10\.5\.0\.0\/16/);
    rmSync(backups(), { recursive: true });
    await purge(host(3), host(2));
    succeeds(await host(1).tsflannel('etcd', 'stop', '--purge', '--yes'));
  });
});
