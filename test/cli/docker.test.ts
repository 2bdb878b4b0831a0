/** docker opts as it is typed: mk-docker-opts.sh's ways of writing flags, and what happens without a usable subnet.env. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { packageRoot } from '../../src/root.ts';

const SUBNET_ENV = 'FLANNEL_NETWORK=10.1.0.0/16\nFLANNEL_SUBNET=10.1.74.1/24\nFLANNEL_MTU=1472\nFLANNEL_IPMASQ=false\n';
const BIP = 'DOCKER_OPT_BIP="--bip=10.1.74.1/24"\n';
const MASQ = 'DOCKER_OPT_IPMASQ="--ip-masq=true"\n';
const MTU = 'DOCKER_OPT_MTU="--mtu=1472"\n';

describe('docker opts', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tsflannel-opts-'));
    await writeFile(join(dir, 'subnet.env'), SUBNET_ENV);
  });
  afterEach(() => rm(dir, { recursive: true }));

  const run = (args: readonly string[], env: Record<string, string> = {}) =>
    execa(join(packageRoot(), 'bin/tsflannel'), ['docker', 'opts', ...args], { cwd: dir, env, reject: false });
  const written = () => readFile(join(dir, 'out'), 'utf8');

  for (const [args, output] of [
    [
      ['-f', 'subnet.env', '-d', 'out'],
      `${BIP}${MASQ}${MTU}DOCKER_OPTS=" --bip=10.1.74.1/24 --ip-masq=true --mtu=1472"\n`,
    ],
    [['-imfsubnet.env', '-dout'], `${BIP}${MTU}`],
    [['-cikFOO', '-m', '-f', './subnet.env', '-d', 'out'], `${BIP}${MTU}FOO=" --bip=10.1.74.1/24 --mtu=1472"\n`],
    [
      ['--combined', '--combined-key=FOO', '--subnet-file', 'subnet.env', '--docker-env-file=out'],
      'FOO=" --bip=10.1.74.1/24 --ip-masq=true --mtu=1472"\n',
    ],
  ] as const)
    it(args.join(' '), async () => {
      const { exitCode, stdout, stderr } = await run(args);
      assert.deepEqual({ exitCode, stdout, stderr }, { exitCode: 0, stdout: '', stderr: '' });
      assert.equal(await written(), output);
    });

  it('takes its files from the environment and what is exported into the file', async () => {
    const env = {
      TSFLANNEL_SUBNET_FILE: 'subnet.env',
      TSFLANNEL_DOCKER_ENV_FILE: 'out',
      DOCKER_OPT_X: '--x',
      OPTS: '--y',
    };
    assert.equal((await run(['-ckOPTS'], env)).exitCode, 0);
    assert.equal(await written(), 'OPTS="--y  --bip=10.1.74.1/24 --ip-masq=true --mtu=1472 --x"\n');
  });

  for (const [name, text, code, exit] of [
    ['no', undefined, 'SUBNET_ENV_MISSING', 3],
    ['an empty', '', 'SUBNET_ENV_INVALID', 1],
    ['a hostile', SUBNET_ENV.replace('1472', '$(touch$IFS/tmp/x)'), 'SUBNET_ENV_INVALID', 1],
  ] as const)
    it(`leaves the former file with ${name} subnet.env`, async () => {
      await writeFile(join(dir, 'out'), 'former');
      if (text === undefined) await rm(join(dir, 'subnet.env'));
      else await writeFile(join(dir, 'subnet.env'), text);
      const { exitCode, stdout } = await run(['-f', 'subnet.env', '-d', 'out', '--json']);
      assert.equal(exitCode, exit);
      assert.equal(JSON.parse(stdout).error.code, code);
      assert.equal(await written(), 'former');
      assert.deepEqual(
        (await readdir(dir)).filter((file) => file.startsWith('.')),
        [],
      );
    });

  it('tells dockerd of a leased IPv6 subnet, in the way that is asked for', async () => {
    await writeFile(
      join(dir, 'subnet.env'),
      `${SUBNET_ENV}FLANNEL_IPV6_NETWORK=fd00::/48\nFLANNEL_IPV6_SUBNET=fd00:0:0:7::1/64\n`,
    );
    const V6 = 'DOCKER_OPT_IPV6="--ipv6=true"\n';
    for (const [args, output] of [
      [['-i'], `${BIP}DOCKER_OPT_FIXED_CIDR_V6="--fixed-cidr-v6=fd00:0:0:7::/64"\n${MASQ}${V6}${MTU}`],
      [['-i', '--ipv6', 'bip6'], `${BIP}DOCKER_OPT_BIP6="--bip6=fd00:0:0:7::1/64"\n${MASQ}${V6}${MTU}`],
      [['-i', '--ipv6', 'none'], `${BIP}${MASQ}${MTU}`],
    ] as const) {
      assert.equal((await run(['-f', 'subnet.env', '-d', 'out', ...args])).exitCode, 0);
      assert.equal(await written(), output);
    }
    await writeFile(join(dir, 'subnet.env'), `${SUBNET_ENV}FLANNEL_IPV6_SUBNET=fd00::$(x)/64\n`);
    assert.equal((await run(['-f', 'subnet.env', '-d', 'out'])).exitCode, 1);
  });

  it('is installed as mk-docker-opts.sh where it is asked to, over nothing but itself', async () => {
    const script = join(dir, "it's here.sh");
    for (const _ of ['first', 'again']) assert.equal((await run(['--install', script])).exitCode, 0);
    const { exitCode, stderr } = await execa(script, ['-mif', './subnet.env', '-dout'], { cwd: dir, reject: false });
    assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: '' });
    assert.equal(await written(), `${BIP}${MTU}`);
    await writeFile(script, '#!/bin/sh\n');
    const refused = await run(['--install', script, '--json']);
    assert.equal(refused.exitCode, 6);
    assert.equal(JSON.parse(refused.stdout).error.code, 'FILE_TAKEN');
  });

  it('--json shows what was written', async () => {
    const { stdout } = await run(['-if', 'subnet.env', '-d', 'out', '--json']);
    assert.deepEqual(JSON.parse(stdout), { schemaVersion: 1, file: 'out', content: `${BIP}${MASQ}${MTU}` });
  });
});

describe('docker apply and revert', () => {
  for (const name of ['apply', 'revert', 'opts'])
    it(`${name} --help has examples`, async () => {
      const { stdout } = await execa(join(packageRoot(), 'bin/tsflannel'), ['docker', name, '--help']);
      assert.match(stdout, /EXAMPLES/);
      assert.match(stdout, new RegExp(`tsflannel docker ${name}`));
    });

  it('say what is missing before they look for Docker', async () => {
    const args = ['docker', 'apply', '--subnet-file', '/nowhere/subnet.env', '--json'];
    const { exitCode, stdout } = await execa(join(packageRoot(), 'bin/tsflannel'), args, { reject: false });
    assert.equal(exitCode, process.getuid?.() === 0 ? 3 : 4);
    assert.match(JSON.parse(stdout).error.code, /SUBNET_ENV_MISSING|NOT_ROOT/);
  });
});
