/**
 * The user-data, judged and carried out by the real cloud-init in a root of its own. What would change a machine is a program there that writes
 * down how it was called.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { execa } from 'execa';
import { newId, newSecret, printToken } from '../../src/etcd/join-token.ts';
import { parseIp } from '../../src/model/address.ts';
import { packageRoot } from '../../src/root.ts';
import { type DebianRoot, openDebianRoot } from '../support/debian-root.ts';

const SEED = '/var/lib/cloud/seed/nocloud';
/** The modules that the user-data is about, and no others: they would set up keys, users and disks. */
const CONFIG = `
datasource_list: [NoCloud, None]
cloud_init_modules: [write-files]
cloud_final_modules: [package-update-upgrade-install, runcmd, scripts-user]
system_info: {distro: debian, network: {renderers: [eni]}}
network: {config: disabled}
`;
const CALLED = '#!/bin/sh\necho "$(basename "$0") $*" >>/called\n[ "$1" != join ] || cat >>/called\n';

const ip = parseIp('10.0.0.1');
assert.ok(ip);
const TOKEN = printToken({
  ...{ purpose: 'member', ip, port: 2381, caHash: randomBytes(32) },
  ...{ id: newId(), secret: newSecret() },
});

describe('cloud-init itself', function () {
  this.timeout(240_000);
  let root: DebianRoot;
  const run = async (...argv: string[]) => {
    const [program = '', ...args] = [...root.enter, 'unshare', '--net', ...argv];
    return execa(program, args, {
      reject: false,
      all: true,
      stdin: 'ignore',
      env: { PATH: '/usr/local/bin:/usr/sbin:/usr/bin' },
      extendEnv: false,
    });
  };
  const userData = async (input: string, ...argv: string[]): Promise<string> =>
    (await execa(join(packageRoot(), 'bin', 'tsflannel'), ['cloud-init', ...argv], { input })).stdout;

  before(async () => {
    const first = await userData('', '--network', '172.17.0.0/16', '--', '--ip-masq', '--iface-regex', "it's: #1");
    const joins = await userData(TOKEN, '--token', '-', '--', '--ip-masq');
    const programs = ['tsflannel', 'npm', 'apt-get'].map((name) => ({
      ...{ path: `/usr/local/bin/${name}`, content: CALLED, mode: 0o755 },
    }));
    root = await openDebianRoot('cloud-init', {
      folders: ['/etc/cloud', '/var/lib/cloud'],
      files: [
        ...programs,
        { path: '/etc/cloud/cloud.cfg', content: CONFIG },
        { path: '/first', content: first },
        { path: '/wrong', content: first.replace('runcmd:', 'runcmd: 1\nno-such-module:') },
        { path: `${SEED}/user-data`, content: joins },
        { path: `${SEED}/meta-data`, content: 'instance-id: one\n' },
      ],
    });
  });
  after(() => root?.close());

  it('finds no fault with the user-data of a first node and of one that joins', async () => {
    for (const file of ['/first', `${SEED}/user-data`]) {
      const { exitCode, all } = await run('cloud-init', 'schema', '--config-file', file);
      assert.equal(exitCode, 0, all);
    }
    assert.notEqual((await run('cloud-init', 'schema', '--config-file', '/wrong')).exitCode, 0);
  });

  it('brings the packages and the program, joins by the token on stdin, and starts the service', async () => {
    for (const stage of [['init'], ['modules', '--mode=final']]) {
      const { exitCode, all } = await run('cloud-init', ...stage);
      assert.equal(exitCode, 0, all);
    }
    const { stdout } = await run('cat', '/called');
    assert.match(stdout, /^apt-get .*install .*docker\.io etcd-server iptables nodejs npm$/m);
    const [, ours] = stdout.split(/^(?=npm )/m);
    assert.deepEqual(ours?.trimEnd().split('\n'), [
      'npm install --global tsflannel',
      'tsflannel join --systemd -',
      TOKEN,
      'tsflannel service install -- --ip-masq',
      'tsflannel docker apply --yes',
    ]);
    assert.notEqual((await run('ls', '/etc/tsflannel/join-token')).exitCode, 0);
  });
});
