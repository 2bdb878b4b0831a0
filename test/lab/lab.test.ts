import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { labDown, labUp, nodeOf, readLab } from '../../src/lab/index.ts';
import { packageRoot } from '../../src/root.ts';
import { labSpec, runContainer, runOn, showsOf, TEST_LABS, useLab } from '../support/lab.ts';
import { difference } from '../support/leaks.ts';
import { until } from '../support/until.ts';

const PROGRAM = join(packageRoot(), 'bin', 'run.js');

/** The command as a user runs it, on the tests' own folder of labs. */
const tsflannel = (argv: readonly string[]) =>
  execa(process.execPath, [PROGRAM, ...argv], { reject: false, env: { TSFLANNEL_LAB_DIR: TEST_LABS } });

/** What the machine shows without this lab; a run that broke off may have left it. */
const cleanOf = async (name: string) => {
  await labDown(name, TEST_LABS);
  return showsOf(name);
};

describe('lab exec', () => {
  const name = 'lab-exec';
  useLab({ name, size: 1, bare: true });
  const onNode = (...command: string[]) => tsflannel(['lab', 'exec', '--name', name, 'n1', '--', ...command]);

  it('runs on the node, with the output as it is', async () => {
    const { stdout, exitCode } = await onNode('ip', '-o', 'addr', 'show', 'eth0');
    assert.match(stdout, /^\d+: eth0 +inet 198\.18\.0\.1\/16/);
    assert.equal(exitCode, 0);
  });

  it('passes the exit status on, and a signal as 128 + n', async () => {
    assert.equal((await onNode('busybox', 'sh', '-c', 'exit 7')).exitCode, 7);
    assert.equal((await onNode('busybox', 'sh', '-c', 'kill -9 $$')).exitCode, 137);
    assert.equal((await onNode('no-such-program')).exitCode, 127);
  });

  it('keeps words as typed, those that occur twice and flags too', async () => {
    const { stdout } = await onNode('busybox', 'echo', 'n1', '--name', 'n1', '--json', 'n1');
    assert.equal(stdout, 'n1 --name n1 --json n1');
  });

  it('has its output in the document with --json', async () => {
    const { stdout } = await tsflannel(['lab', 'exec', '--name', name, 'n1', '--json', '--', 'busybox', 'echo', 'a b']);
    assert.deepEqual(JSON.parse(stdout), { schemaVersion: 1, exit: 0, stdout: 'a b\n' });
  });

  it('finds tsflannel itself', async () => {
    assert.match((await onNode('tsflannel', 'version')).stdout, /^tsflannel \d/);
  });

  it('says what is wrong: no command, no node, no lab', async () => {
    assert.equal((await onNode()).exitCode, 2);
    const missing = await tsflannel(['lab', 'exec', '--name', name, 'n9', '--', 'true']);
    assert.equal(missing.exitCode, 3);
    assert.match(missing.stderr, /LAB_NODE_MISSING/);
    assert.match((await tsflannel(['lab', 'exec', '--name', 'nolab', 'n1', '--', 'true'])).stderr, /LAB_MISSING/);
  });
});

describe('lab up and down', () => {
  it('refuses a name that is taken, and leaves the lab that has it alone', async () => {
    const name = 'lab-twice';
    const before = await cleanOf(name);
    await labUp(labSpec({ name, size: 1, bare: true }), TEST_LABS);
    await assert.rejects(labUp(labSpec({ name, size: 1, bare: true }), TEST_LABS), { code: 'LAB_EXISTS' });
    const lab = await readLab(name, TEST_LABS);
    assert.equal((await runOn(lab, nodeOf(lab, 'n1'), ['true'])).exit, 0);
    await labDown(name, TEST_LABS);
    assert.equal(difference(before, await showsOf(name)), '');
  });

  it('leaves nothing of a lab that fails half-way', async () => {
    const name = 'lab-half';
    const before = await cleanOf(name);
    const bad = labSpec({ name, network: '10.1.2.3/16', discovery: true });
    await assert.rejects(labUp(bad, TEST_LABS), { code: 'LAB_FAILED' });
    assert.equal(difference(before, await showsOf(name)), '');
  }).timeout(300_000);

  it('takes the lab down when it is interrupted', async () => {
    const name = 'lab-ctrl-c';
    const before = await cleanOf(name);
    const argv = ['lab', 'up', '--name', name, '--nodes', '2', '--discovery'];
    const env = { ...process.env, TSFLANNEL_LAB_DIR: TEST_LABS };
    const child = spawn(process.execPath, [PROGRAM, ...argv], { stdio: 'ignore', env });
    const ended = new Promise((resolve) => child.once('close', resolve));
    await until('the discovery service', () => existsSync(join(TEST_LABS, name, 'discovery.log')));
    child.kill('SIGINT');
    assert.equal(await ended, 130);
    assert.equal(difference(before, await showsOf(name)), '');
  }).timeout(300_000);

  it('finds what a killed lab up left, containers of a killed dockerd too; a second down is fine', async () => {
    const name = 'lab-killed';
    const before = await cleanOf(name);
    const argv = ['lab', 'up', '--name', name, '--nodes', '2', '--docker', '--discovery'];
    const child = spawn(process.execPath, [PROGRAM, ...argv], {
      stdio: 'ignore',
      env: { ...process.env, TSFLANNEL_LAB_DIR: TEST_LABS },
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    await until('a dockerd', () => existsSync(join(TEST_LABS, name, 'n2', 'docker', 'docker.sock')), 120_000);
    child.kill('SIGKILL');
    await ended;
    assert.notEqual(difference(before, await showsOf(name)), '', 'the lab up was killed too late');
    const removed = await labDown(name, TEST_LABS);
    assert.ok(removed.processes > 0);
    assert.equal(difference(before, await showsOf(name)), '');
    assert.deepEqual(await labDown(name, TEST_LABS), { processes: 0, namespaces: 0, mounts: 0, files: false });
  }).timeout(300_000);

  it('removes containers, their mounts and control groups when dockerd was killed before', async () => {
    const name = 'lab-shims';
    const before = await cleanOf(name);
    const lab = await labUp(labSpec({ name, size: 1, bare: true, docker: true }), TEST_LABS);
    const node = nodeOf(lab, 'n1');
    await runContainer(lab, node, 'stays');
    await runOn(lab, node, ['busybox', 'pkill', '-9', '-f', `${node.dir}/docker`]);
    await labDown(name, TEST_LABS);
    assert.equal(difference(before, await showsOf(name)), '');
  }).timeout(300_000);
});
