/** Dockers that cannot be given a subnet are refused with the reason. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { packageRoot } from '../../../src/root.ts';
import { until } from '../../support/until.ts';

const NAMESPACE = 'dock-foreign';

describe('docker apply: a Docker that is not the host’s own', function () {
  this.timeout(300_000);
  let dir: string;
  let child: ChildProcess | undefined;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), `${NAMESPACE}-`));
    await copyFile((await execa('which', ['sleep'])).stdout, join(dir, 'dockerd'));
    await writeFile(
      join(dir, 'subnet.env'),
      'FLANNEL_NETWORK=172.17.0.0/16\nFLANNEL_SUBNET=172.17.57.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
    );
    await execa('ip', ['netns', 'add', NAMESPACE]);
  });
  afterEach(async () => {
    if (!child?.pid) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
    child = undefined;
  });
  after(async () => {
    await execa('ip', ['netns', 'del', NAMESPACE]);
    await rm(dir, { recursive: true });
  });

  async function refusal(...unshare: string[]) {
    const program = join(dir, 'dockerd');
    const argv = ['netns', 'exec', NAMESPACE, ...(unshare.length > 0 ? ['unshare', ...unshare] : []), program, '1000'];
    const started = spawn('ip', argv, { stdio: 'ignore' });
    child = started;
    const name = async () => (await execa('cat', [`/proc/${started.pid}/comm`], { reject: false })).stdout;
    await until('the program', async () => (await name()) === 'dockerd');
    const flags = ['--subnet-file', join(dir, 'subnet.env'), '--state-dir', join(dir, 'state'), '--yes', '--json'];
    const command = [join(packageRoot(), 'bin/tsflannel'), 'docker', 'apply', ...flags];
    const { stdout, exitCode } = await execa('ip', ['netns', 'exec', NAMESPACE, ...command], { reject: false });
    assert.equal(exitCode, 3, stdout);
    return JSON.parse(stdout).error as { readonly code: string; readonly why: string };
  }

  it('rootless in a network namespace of its own', async () => {
    const { code, why } = await refusal('--user', '--map-root-user', '--net');
    assert.equal(code, 'DOCKER_UNSUPPORTED');
    assert.match(why, /rootless/);
  });

  it('rootless in this one', async () => {
    assert.match((await refusal('--user', '--map-root-user')).why, /rootless/);
  });
});
