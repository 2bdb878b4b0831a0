import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { type TestHost, useHosts } from '../support/hosts.ts';
import { json, pidOf, purge, succeeds } from '../support/members.ts';
import { until } from '../support/until.ts';

const SECRETS = { TSFLANNEL_ETCD_PASSWORD: 'canary-of-nodes', TSFLANNEL_ETCD_ROOT_PASSWORD: 'canary-of-root' };
const NODE = { TSFLANNEL_ETCD_USERNAME: 'flannel', TSFLANNEL_ETCD_PASSWORD: SECRETS.TSFLANNEL_ETCD_PASSWORD };

/** etcdctl as this user, with the client certificate of the host. */
async function etcdctl(host: TestHost, user: string, ...argv: string[]): Promise<string> {
  const pki = join(host.dir, 'etc', 'pki');
  const tls = ['--cacert', `${pki}/ca.crt`, '--cert', `${pki}/client.crt`, '--key', `${pki}/client.key`];
  const call = ['etcdctl', '--endpoints', 'https://127.0.0.1:2379', ...tls, '--user', user, ...argv];
  const env = { ...host.env, ETCDCTL_API: '3' };
  const ran = await execa('nsenter', [`--net=/run/netns/${host.namespace}`, '--', ...call], { env, reject: false });
  return `${ran.stdout}${ran.stderr}`;
}

describe('tsflannel init --auth', function () {
  this.timeout(240_000);
  const { host } = useHosts('join-auth', 2);

  it('asks for the passwords in the environment before it does anything', async () => {
    const ran = await host(1).tsflannel('init', '--yes', '--auth', '--json');
    assert.match(ran.stdout, /MISSING_FLAGS[\s\S]*TSFLANNEL_ETCD_PASSWORD/);
  });

  it('gives nodes the keys of flannel and no others', async () => {
    const argv = ['init', '--yes', '--auth', '--name', 'n1', '--network', '10.5.0.0/16'];
    const ran = succeeds(await host(1).tsflannelWith(SECRETS, ...argv));
    assert.match(ran.stdout, /authentication is on/);
    const node = `flannel:${SECRETS.TSFLANNEL_ETCD_PASSWORD}`;
    assert.match(await etcdctl(host(1), node, 'get', '/coreos.com/network/config'), /10\.5\.0\.0/);
    assert.match(await etcdctl(host(1), node, 'put', '/coreos.com/network/x', 'y'), /OK/);
    for (const key of ['/coreos.com/networks', '/other', '/coreos.com/network'])
      assert.match(await etcdctl(host(1), node, 'put', key, 'y'), /permission denied/, key);
    assert.match(await etcdctl(host(1), node, 'member', 'remove', '1'), /permission denied/);
    assert.match(await etcdctl(host(1), `root:${SECRETS.TSFLANNEL_ETCD_ROOT_PASSWORD}`, 'put', '/other', 'y'), /OK/);
    assert.match(await etcdctl(host(1), 'root:wrong', 'put', '/other', 'y'), /authentication failed/);
  });

  it('refuses a certificate alone: it is nobody that etcd knows', async () => {
    const ran = await host(1).tsflannel('config', 'get', '--json');
    assert.equal(ran.exit, 5, ran.stdout);
    assert.match(ran.stdout, /ETCD_AUTH/);
    succeeds(await host(1).tsflannelWith(NODE, 'config', 'get'));
  });

  it('lets up run a node, and another member join', async () => {
    const env = {
      TSFLANNEL_STATE_DIR: join(host(1).dir, 'state'),
      TSFLANNEL_SUBNET_FILE: join(host(1).dir, 'subnet.env'),
    };
    succeeds(await host(1).tsflannelWith({ ...env, ...NODE }, 'up', '--detach'));
    assert.match(succeeds(await host(1).tsflannelWith({ ...env, ...NODE }, 'routes')).stdout, /this node/);
    succeeds(await host(1).tsflannelWith({ ...env, ...NODE }, 'down'));
    for (const name of ['state', 'subnet.env']) await execa('rm', ['-rf', join(host(1).dir, name)]);
    const { token } = json(succeeds(await host(1).tsflannel('token', 'create', '--json')));
    succeeds(await host(2).tsflannel('join', String(token), '--name', 'n2'));
    succeeds(await host(2).tsflannelWith(NODE, 'config', 'get'));
  });

  it('writes another network later by init, as root by certificate', async () => {
    const ran = succeeds(await host(1).tsflannel('init', '--network', '10.5.0.0/16'));
    assert.match(ran.stdout, /the network config is there already/);
    succeeds(await host(1).tsflannelWith(NODE, 'etcd', 'del', '/coreos.com/network/config', '--yes'));
    assert.match(succeeds(await host(1).tsflannel('init', '--network', '10.6.0.0/16')).stdout, /written: 10\.6\.0\.0/);
    assert.match(succeeds(await host(1).tsflannelWith(NODE, 'config', 'get')).stdout, /10\.6\.0\.0/);
  });

  it('writes it on a host without the CA key as the user in the environment', async () => {
    succeeds(await host(1).tsflannelWith(NODE, 'etcd', 'del', '/coreos.com/network/config', '--yes'));
    const argv = ['init', '--network', '10.7.0.0/16', '--json'];
    assert.match((await host(2).tsflannel(...argv)).stdout, /"ETCD_AUTH"/);
    const wrong = { ...NODE, TSFLANNEL_ETCD_PASSWORD: 'canary-of-nobody' };
    assert.match((await host(2).tsflannelWith(wrong, ...argv)).stdout, /"ETCD_AUTH"/);
    assert.match(succeeds(await host(2).tsflannelWith(NODE, ...argv)).stdout, /written: 10\.7\.0\.0/);
  });

  it('takes snapshots by a schedule where the CA key is, and refuses one where it is not', async () => {
    const schedule = ['etcd', 'snapshot', 'schedule', '--every', '1h', '--dir'];
    const dir = join(host(1).dir, 'backups');
    succeeds(await host(1).tsflannel(...schedule, dir));
    const list = () => host(1).tsflannel('etcd', 'snapshot', 'list', '--verify', '--json');
    const taken = async () => (json(await list()).snapshots as { whole: boolean }[] | undefined) ?? [];
    await until('there is a snapshot', async () => (await taken()).some(({ whole }) => whole));
    succeeds(await host(1).tsflannel('etcd', 'snapshot', 'schedule', '--off'));
    await execa('rm', ['-rf', dir]);
    const refused = await host(2).tsflannel(...schedule, join(host(2).dir, 'backups'), '--json');
    assert.match(refused.stdout, /"ETCD_AUTH"[\s\S]*schedule them on a host that has the CA key/);
  });

  it('goes on after a stop and a start', async () => {
    succeeds(await host(1).tsflannel('etcd', 'stop'));
    succeeds(await host(1).tsflannel('init'));
  });

  it('writes the passwords nowhere', () => {
    for (const one of [host(1), host(2)]) {
      const files = readdirSync(one.dir, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
      // etcd 3.4 itself has the passwords of requests in its log, which root alone can read.
      const ours = files
        .map((each) => join(each.parentPath, each.name))
        .filter((path) => !/\/etcd\/member\//.test(path));
      const ids = [pidOf(one, 'etcd'), pidOf(one, 'supervisor')];
      const memory = ids.flatMap((pid) => ['cmdline', 'environ'].map((name) => `/proc/${pid}/${name}`));
      const found = [...memory, ...ours].filter((path) => /canary-of/.test(readFileSync(path, 'latin1')));
      assert.deepEqual(found, []);
    }
  });

  it('is gone with all its files', () => purge(host(2), host(1)));
});
