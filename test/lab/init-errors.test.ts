import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { argvOf } from '../../src/etcd/proc.ts';
import { packageRoot } from '../../src/root.ts';
import { type Discovery, type Ran, startDiscovery, type TestHost, useHosts } from '../support/hosts.ts';
import { json, pidOf, purge, succeeds } from '../support/members.ts';
import { until } from '../support/until.ts';

const errorOf = (ran: Ran) => json(ran).error as { code: string; what: string; why: string; exit: number };

const files = (host: TestHost): string[] =>
  existsSync(host.dir) ? (readdirSync(host.dir, { recursive: true }) as string[]).sort() : [];

/** A program named etcd, found before the real one, that does what the script says. */
function standIn(host: TestHost, script: string): NodeJS.ProcessEnv {
  const bin = join(host.dir, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'etcd'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, 'etcd'), 0o755);
  return { PATH: `${bin}:${host.env.PATH}` };
}

describe('tsflannel init: what goes wrong', function () {
  this.timeout(240_000);
  const { host, hub } = useHosts('boot-err', 1);
  let discovery: Discovery;
  before(async () => {
    discovery = await startDiscovery(hub());
  });
  afterEach(() => {
    assert.deepEqual(
      files(host(1)).filter((name) => name !== 'etc' && name !== 'run'),
      [],
      'the failed call left something',
    );
  });

  async function fails(code: string, exit: number, ...argv: string[]) {
    const ran = await host(1).tsflannel('init', ...argv, '--json');
    assert.equal(errorOf(ran).code, code, ran.stdout);
    assert.equal(ran.exit, exit);
    assert.equal(errorOf(ran).exit, exit);
    return errorOf(ran);
  }

  it('names every missing flag at once where nobody can be asked', async () => {
    const { what } = await fails('MISSING_FLAGS', 2);
    for (const flag of ['--discovery', '--new-discovery', '--initial-cluster', '--yes'])
      assert.ok(what.includes(flag), what);
    await execa('ip', ['-n', host(1).namespace, 'route', 'delete', 'default']);
    await execa('ip', ['-n', host(1).namespace, 'link', 'add', 'eth1', 'up', 'type', 'veth', 'peer', 'name', 'eth2']);
    await execa('ip', ['-n', host(1).namespace, 'link', 'set', 'eth2', 'up']);
    await execa('ip', ['-n', host(1).namespace, 'address', 'add', '10.79.0.1/24', 'dev', 'eth1']);
    try {
      const both = (await fails('MISSING_FLAGS', 2)).what;
      assert.match(both, /--yes.*; --advertise-ip \(.*10\.78\.0\.1 \(eth0\), 10\.79\.0\.1 \(eth1\)/);
      assert.match((await fails('ADVERTISE_IP', 2, '--yes')).why, /10\.78\.0\.1 \(eth0\), 10\.79\.0\.1 \(eth1\)/);
    } finally {
      await execa('ip', ['-n', host(1).namespace, 'link', 'delete', 'eth1']);
      await execa('ip', ['-n', host(1).namespace, 'route', 'add', 'default', 'via', '10.78.0.254']);
    }
  });

  it('reads nothing from a stdin that is no terminal: it asks nobody, and waits for nobody', async () => {
    const { namespace, env } = host(1);
    const program = join(packageRoot(), 'bin', 'tsflannel');
    const inside = [`--net=/run/netns/${namespace}`, '--', program, 'init', '--json'];
    const child = execa('nsenter', inside, { env, extendEnv: false, reject: false, stdin: 'pipe', timeout: 120_000 });
    // It is open until the end, and nothing comes.
    const { exitCode, stdout, timedOut } = await child;
    child.stdin.end();
    assert.equal(timedOut, false);
    assert.equal(exitCode, 2);
    assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'MISSING_FLAGS');
  });

  it('names the process that has the port', async () => {
    const listener = host(1).start(
      ...[process.execPath, '--eval', 'require("net").createServer().listen(2379, "127.0.0.1")'],
    );
    await until('the port is taken', async () =>
      /ETCD_PORT_TAKEN/.test((await host(1).tsflannel('init', '--yes', '--dry-run', '--json')).stdout),
    );
    const { what, why } = await fails('ETCD_PORT_TAKEN', 6, '--yes');
    assert.match(what, /port 2379 on 127\.0\.0\.1/);
    assert.match(why, /process \d+ \(.+\)/);
    await listener.kill();
  });

  it('leaves the data of others alone', async () => {
    mkdirSync(join(host(1).dir, 'etcd', 'member'), { recursive: true });
    assert.match((await fails('ETCD_DATA_DIR', 6, '--yes')).why, /holds member and was not made by/);
    const stop = await host(1).tsflannel('etcd', 'stop', '--purge', '--yes', '--json');
    assert.equal(errorOf(stop).code, 'ETCD_DATA_DIR');
    assert.ok(existsSync(join(host(1).dir, 'etcd', 'member')));
    rmSync(host(1).dir, { recursive: true });
  });

  it('does not begin anew where the data of a member is gone', async () => {
    succeeds(await host(1).tsflannel('init', '--yes'));
    succeeds(await host(1).tsflannel('etcd', 'stop'));
    rmSync(join(host(1).dir, 'etcd'), { recursive: true });
    await fails('ETCD_DATA_LOST', 6, '--yes');
    await purge(host(1));
  });

  it('tells discovery that does not answer from a URL that is none', async () => {
    const why = async (code: string, exit: number, url: string) =>
      (await fails(code, exit, '--yes', '--insecure', '--discovery', url)).why;
    assert.match(await why('DISCOVERY_UNREACHABLE', 69, 'http://10.78.0.254:8099/abcdef'), /ECONNREFUSED/);
    assert.match(await why('DISCOVERY_INVALID', 2, `${discovery.base}/${'0'.repeat(32)}`), /does not know this token/);
    assert.match(await why('DISCOVERY_INVALID', 2, `${discovery.base}/nope`), /./);
    assert.match(await why('DISCOVERY_INVALID', 2, discovery.base), /no token/);
    assert.match(await why('DISCOVERY_INVALID', 2, 'ftp://x/abcdef'), /http/);
    await fails('DISCOVERY_UNREACHABLE', 69, '--yes', '--insecure', '--new-discovery', 'http://10.78.0.254:8099');
  });

  it('shows what etcd said when it ends, and takes back what it made', async () => {
    const script =
      'case "$1" in --version) echo "etcd Version: 3.4.0";; *) echo "fatal: no luck today" >&2; exit 1;; esac';
    const env = standIn(host(1), script);
    const ran = await host(1).tsflannelWith(env, 'init', '--yes', '--json');
    assert.equal(errorOf(ran).code, 'ETCD_START');
    assert.match(errorOf(ran).why, /no luck today/);
    assert.deepEqual(files(host(1)), ['bin', 'bin/etcd', 'etc', 'etcd.log', 'run']);
    rmSync(host(1).dir, { recursive: true });
  });

  it('refuses an etcd that is too old', async () => {
    const ran = await host(1).tsflannelWith(standIn(host(1), 'echo "etcd Version: 3.3.9"'), 'init', '--yes', '--json');
    assert.equal(errorOf(ran).code, 'ETCD_VERSION');
    rmSync(host(1).dir, { recursive: true });
  });

  it('changes nothing in a dry run', async () => {
    const ran = succeeds(await host(1).tsflannel('init', '--yes', '--dry-run'));
    assert.match(
      ran.stdout,
      /nothing was changed[\s\S]*--listen-client-urls=https:\/\/10\.78\.0\.1:2379,https:\/\/127\.0\.0\.1:2379/,
    );
  });

  it('keeps the discovery URL out of the argument lists', async () => {
    const url = await discovery.newUrl(1);
    succeeds(await host(1).tsflannel('init', '--yes', '--insecure', '--discovery', url));
    for (const key of ['etcd', 'supervisor'] as const) {
      const argv = argvOf(pidOf(host(1), key)).join(' ');
      assert.ok(argv.includes(host(1).dir) && !argv.includes(url.slice(-32)), argv);
    }
    assert.ok(readFileSync(join(host(1).dir, 'etcd.member.json'), 'utf8').includes(url));
    await purge(host(1));
  });
});
