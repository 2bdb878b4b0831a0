import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { nodeEnvironment, onNode, type Ran } from '../../src/lab/index.ts';
import { follow } from '../support/follow.ts';
import { holdsItsSchemas } from '../support/held.ts';
import { useHosts } from '../support/hosts.ts';
import { runOn, TEST_LABS, useLab } from '../support/lab.ts';
import { json, purge, succeeds } from '../support/members.ts';

const ETCD = 'http://198.18.0.1:2379';
const IMAGE = ['--init', 'sysvinit', '--root', 'DIR/image'];

/** What is typed on a node of a lab (DIR: the node's own folder), one after the other. */
const TYPED: readonly string[] = [
  'version',
  'status',
  'routes',
  'leases',
  'plan',
  'wait --for ready --for etcd',
  'top',
  'ping n2 --count 2',
  'trace n2',
  'test connectivity --load-rate 50',
  'config get',
  'config get --origins',
  'config view',
  'config view --origins',
  'etcd status',
  'etcd member list',
  'docker status',
  'docker opts -d DIR/docker_opts.env',
  'docker opts --install DIR/mk-docker-opts.sh',
  'doctor',
  'doctor --list',
  'doctor --fix --dry-run',
  'explain',
  'help status',
  'help exit-codes',
  'lab status --name json-schema',
  'lab exec --name json-schema n2 -- tsflannel routes --json',
  'lab chaos --list',
  `discovery new --discovery-endpoints ${ETCD} --size 3`,
  'gateway enable --dry-run',
  'gateway enable',
  'gateway status',
  'gateway disable',
  ...['install --dry-run', 'install', 'status', 'uninstall --dry-run', 'uninstall', 'status'].map((line) =>
    ['service', line, ...IMAGE].join(' '),
  ),
  'bundle --file DIR/bundle.tar.gz',
  'up --version',
  ...['routes', 'leases', 'explain', 'schema', 'config view', 'docker status'].map((name) => `${name} -o jsonl`),
  ...['etcd get', 'etcd member list', 'doctor --list', 'lab status --name json-schema'].map(
    (name) => `${name} -o jsonl`,
  ),
];

/** On a member with TLS, in this order. */
const SECURED: readonly string[] = [
  'token create',
  'token list',
  'etcd status',
  'etcd member list',
  'etcd member promote n1',
  'etcd member add n2 --peer-url https://10.9.9.9:2380 --dry-run',
  'config set --network 10.5.0.0/16',
  'config validate --network 10.6.0.0/16',
  'leases reserve 10.5.7.0/24 --public-ip 10.9.9.7',
  'etcd get',
  'etcd put /coreos.com/network/config {"Network":"10.6.0.0/16"} --dry-run',
  'etcd del /coreos.com/network/config --dry-run',
  'leases release 10.5.7.0/24 --yes',
  'etcd compact --dry-run',
  'etcd defrag --dry-run',
  'etcd alarm list',
  'etcd alarm disarm',
  'etcd snapshot save --dir DIR/snapshots',
  'etcd snapshot save --dir DIR/snapshots --dry-run',
  'etcd snapshot list --dir DIR/snapshots',
  'etcd snapshot schedule --dry-run',
  'etcd snapshot list --dir DIR/snapshots -o jsonl',
  'token list -o jsonl',
  'etcd stop --dry-run',
  'cloud-init --network 10.5.0.0/16',
  'completion bash',
  'completion --values members',
  'schema',
  'schema status',
];

const FAILING: readonly string[] = [
  'status --no-such-flag=canary',
  'no such command',
  'schema no such command',
  'ping nowhere',
  'config get --etcd-endpoints http://127.0.0.1:1',
  'lab status --name no-such-lab',
];

/** The words of a line; `--json`, unless `-o` is there, comes before a command that stands behind `--`. */
const wordsOf = (line: string, dir: string): string[] => {
  const [own = '', ...other] = line.split(' -- ');
  const behind = other.length > 0 ? ['--', ...other.join(' -- ').split(' ')] : [];
  return [...own.replaceAll('DIR', dir).split(' '), ...(own.includes(' -o ') ? [] : ['--json']), ...behind];
};

describe('what --json prints', function () {
  this.timeout(900_000);
  const test = useLab({ name: 'json-schema', size: 2 });

  /** The runner holds what is printed against the schema; nothing printed is a fault too. */
  async function type(line: string): Promise<Ran> {
    const node = test.node(1);
    const argv = ['env', `TSFLANNEL_LAB_DIR=${TEST_LABS}`, 'tsflannel', ...wordsOf(line, node.dir)];
    const ran = await runOn(test.lab, node, argv);
    assert.notEqual(ran.stdout, '', `${line}: ${ran.stderr}`);
    return ran;
  }

  it('is what the schemas say', async () => {
    for (const name of ['etc/init.d', 'etc/tsflannel'])
      mkdirSync(join(test.node(1).dir, 'image', name), { recursive: true });
    for (const line of TYPED) {
      const { exit, stdout, stderr } = await type(line);
      assert.ok([0, 8, 9].includes(exit), `${line}: ${stdout}${stderr}`);
    }
  });

  it('is a document a line where it follows something', async () => {
    const node = test.node(1);
    for (const line of ['etcd watch', 'routes --watch', 'leases --watch']) {
      const argv = onNode(node, ['tsflannel', ...wordsOf(line, node.dir)]);
      assert.equal(await follow(argv, nodeEnvironment(test.lab, node)).interruptAfter(1), 130, line);
    }
  });

  it('is the error document when a command fails', async () => {
    for (const line of FAILING) assert.ok('error' in json(await type(line)), line);
    assert.match((await type('ping nowhere -o jsonl')).stdout, /^\{.*"error":.*\}$/);
  });

  it('is the same without a daemon, as far as there is something to say', async () => {
    for (const line of ['down', 'status', 'routes', 'leases', 'plan', 'plan -o jsonl', 'docker status', 'doctor'])
      await type(line);
    succeeds(await type('up --detach'));
  });

  it('is so of a lab in a lab', async () => {
    // A run that broke off may have left it.
    succeeds(await type('lab down --name json-schema-2'));
    succeeds(await type('lab up --name json-schema-2 --nodes 1 --bare'));
    succeeds(await type('lab down --name json-schema-2'));
  });
});

describe('what --json prints of a secured cluster', function () {
  this.timeout(300_000);
  const { host } = useHosts('schema-tls', 1);
  const type = (line: string) => host(1).tsflannel(...wordsOf(line, host(1).dir));

  it('is what the schemas say', async () => {
    succeeds(await host(1).tsflannel('init', '--yes', '--name', 'n1', '--size', '2', '--network', '10.5.0.0/16'));
    for (const line of SECURED) {
      const ran = await type(line);
      assert.ok([0, 8].includes(ran.exit) && ran.stdout !== '', `${line}: ${ran.stdout}${ran.stderr}`);
    }
    const { id } = json(await type('token create'));
    succeeds(await type(`token revoke ${id}`));
    rmSync(join(host(1).dir, 'snapshots'), { recursive: true });
    await purge(host(1));
  });

  holdsItsSchemas('schema');
});
