/** flanneld's command line and environment, as its units and start scripts write them, taken by `up` and under flanneld's own name. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { FLANNELD_FLAGS } from '../../src/model/flanneld.ts';
import { packageRoot } from '../../src/root.ts';

type Flag = keyof typeof FLANNELD_FLAGS;

/** A value each could have in a unit, beside its default. */
const VALUES: Readonly<Record<Flag, string>> = {
  'etcd-endpoints': 'http://127.0.0.1:1,http://127.0.0.1:2',
  'etcd-prefix': '/other/network',
  'etcd-keyfile': '',
  'etcd-certfile': '',
  'etcd-cafile': '',
  'etcd-username': 'flannel',
  'etcd-password': '-secret=true',
  iface: 'lo',
  'iface-regex': '^lo$',
  'iface-can-reach': '192.0.2.1',
  'subnet-file': '',
  'public-ip': '192.0.2.7',
  'public-ipv6': '2001:db8::7',
  'subnet-lease-renew-margin': '120',
  'ip-masq': 'true',
  'ip-masq-fully-random-disable': 'T',
  'kube-subnet-mgr': 'false',
  'kube-api-url': '',
  'kube-annotation-prefix': 'flannel.alpha.coreos.com',
  'kubeconfig-file': '',
  version: 'false',
  'healthz-ip': '127.0.0.1',
  'healthz-port': '0',
  'iptables-resync': '30',
  'iptables-forward-rules': 'FALSE',
  'ip-blackhole-route': 'true',
  'net-config-path': '/etc/kube-flannel/net-conf.json',
  'set-node-network-unavailable': '1',
  v: '4',
  vmodule: 'main=2',
  log_backtrace_at: 'main.go:1',
};

const KUBE: Partial<Record<Flag, string>> = {
  'kube-subnet-mgr': 'true',
  'kube-api-url': 'https://192.0.2.1',
  'kube-annotation-prefix': 'example.org',
  'kubeconfig-file': '/etc/kubeconfig',
  'net-config-path': '/etc/net.json',
  'set-node-network-unavailable': 'false',
};

const FLAGS = Object.keys(FLANNELD_FLAGS) as Flag[];
const isBoolean = (flag: Flag): boolean => FLANNELD_FLAGS[flag] === 'boolean';

describe('flanneld’s command line', () => {
  let dir = '';
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'flanneld-flags-'));
    symlinkSync(join(packageRoot(), 'bin', 'tsflannel'), join(dir, 'flanneld'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  /** Runs with folders of its own and an etcd that is not there; what is typed comes before that. */
  async function type(program: string, argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const own = {
      TSFLANNEL_ETCD_ENDPOINTS: 'http://127.0.0.1:1',
      ...{ TSFLANNEL_CONFIG_DIR: dir, TSFLANNEL_STATE_DIR: join(dir, 'state'), TSFLANNEL_RUN_DIR: join(dir, 'run') },
      TSFLANNEL_SUBNET_FILE: join(dir, 'run', 'subnet.env'),
    };
    const options = { env: { PATH: process.env.PATH ?? '', ...own, ...env }, extendEnv: false, reject: false } as const;
    const { stdout, stderr } = await execa(program, argv, { ...options, stdin: 'ignore', timeout: 60_000 });
    return { stdout, stderr };
  }

  /** Code of the error that `up` ends with; a flag it does not take is USAGE. */
  async function codeOf(argv: readonly string[], env?: Readonly<Record<string, string>>): Promise<unknown> {
    const program = join(packageRoot(), 'bin', 'tsflannel');
    const { stdout } = await type(program, ['up', '--json', '--no-wait', '--iface', 'lo', ...argv], env);
    return (JSON.parse(stdout) as { error: { code: string } }).error.code;
  }

  /** Everything was taken: then there is no interface that fits `lo`, or no etcd. */
  const TAKEN = /^(?:IFACE_NOT_FOUND|ETCD_UNREACHABLE|ETCD_TIMEOUT)$/;

  it('is taken flag by flag, with one dash and two', async () => {
    const all = (dash: string) => FLAGS.map((flag) => `${dash}${flag}=${VALUES[flag]}`);
    for (const dash of ['-', '--']) assert.match(String(await codeOf(all(dash))), TAKEN, dash);
    const apart = FLAGS.flatMap((flag) => (isBoolean(flag) ? [] : [`-${flag}`, VALUES[flag]]));
    assert.match(String(await codeOf(apart)), TAKEN, 'values behind their flags');
    assert.equal(await codeOf(['-no-such-flag=1']), 'USAGE');
  });

  it('is taken from the environment, where an empty variable counts as none', async () => {
    const name = (flag: string) => `FLANNELD_${flag.toUpperCase().replaceAll('-', '_')}`;
    const env = Object.fromEntries(FLAGS.map((flag) => [name(flag), VALUES[flag]]));
    assert.match(String(await codeOf([], env)), TAKEN);
    assert.match(String(await codeOf([], Object.fromEntries(FLAGS.map((flag) => [name(flag), ''])))), TAKEN);
    assert.equal(await codeOf([], { FLANNELD_KUBE_SUBNET_MGR: 't' }), 'KUBE_NOT_YET');
  });

  for (const [flag, value] of Object.entries(KUBE))
    it(`says of --${flag}: not yet`, async () => assert.equal(await codeOf([`-${flag}=${value}`]), 'KUBE_NOT_YET'));

  it('works under flanneld’s name: its version, its help, and waiting for etcd', async () => {
    const program = join(dir, 'flanneld');
    assert.match((await type(program, ['-version'])).stdout, /^\d+\.\d+\.\d+/);
    assert.match((await type(program, ['--help'])).stdout, /-etcd-endpoints/);
    assert.match((await type(program, ['-kube-subnet-mgr'])).stderr, /KUBE_NOT_YET/);
  });
});
