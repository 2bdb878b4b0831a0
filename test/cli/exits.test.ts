/** Each exit status of the table is what some command really ends with. 4 and 7 need root: test/lab/changes.test.ts. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { EXITS } from '../../src/model/exits.ts';
import { packageRoot } from '../../src/root.ts';
import { follow } from '../support/follow.ts';

const PROGRAM = join(packageRoot(), 'bin', 'tsflannel');
const WITH_ROOT = [4, 7];

describe('the exit status', function () {
  this.timeout(240_000);
  let dir = '';
  let server: Server;
  let port = 0;
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'tsflannel-exits-'));
    mkdirSync(join(dir, 'empty'));
    mkdirSync(join(dir, 'changed/etc/init.d'), { recursive: true });
    writeFileSync(join(dir, 'subnet.env'), 'FLANNEL_SUBNET=nonsense\n');
    server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as { port: number }).port;
  });
  after(() => {
    server.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const env = () => ({
    ...{ PATH: process.env.PATH, HOME: dir, TSFLANNEL_CONFIG_DIR: join(dir, 'etc') },
    ...{ TSFLANNEL_STATE_DIR: join(dir, 'state'), TSFLANNEL_RUN_DIR: join(dir, 'run') },
    TSFLANNEL_ETCD_ENDPOINTS: 'http://127.0.0.1:1',
  });
  const type = (program: string, argv: readonly string[]) =>
    execa(program, argv, { env: env(), extendEnv: false, reject: false, stdin: 'ignore' });

  /** What is typed for each; DIR and PORT (which is taken) are filled in. */
  const TYPED: Readonly<Record<number, string>> = {
    0: 'version',
    1: 'docker opts --subnet-file DIR/subnet.env',
    2: 'routes --no-such-flag',
    3: 'explain NO_SUCH_CODE',
    5: 'config get --etcd-cafile /nonexistent',
    6: 'discovery serve --listen 127.0.0.1:PORT --data-dir DIR/discovery',
    8: 'service status --init sysvinit --root DIR/changed',
    9: 'service status --init sysvinit --root DIR/empty',
    69: 'config get',
    75: 'wait --for ready --timeout 1s',
  };
  const argvOf = (line: string) => line.replaceAll('DIR', dir).replaceAll('PORT', String(port)).split(' ');

  for (const [exit, line] of Object.entries(TYPED))
    it(`${exit}: tsflannel ${line}`, async () => {
      if (exit === '8') {
        await type(PROGRAM, argvOf('service install --init sysvinit --root DIR/changed'));
        writeFileSync(join(dir, 'changed/etc/init.d/tsflannel'), '#!/bin/sh\n');
      }
      const { exitCode, stdout, stderr } = await type(PROGRAM, argvOf(line));
      assert.equal(exitCode, Number(exit), stdout + stderr);
    });

  it('130: Ctrl-C', async () => {
    assert.equal(await follow([PROGRAM, 'routes', '--watch'], env()).interruptAfter(1), 130);
  });

  it('141: nobody reads its output', async () => {
    const child = type(PROGRAM, ['explain', '--json']);
    child.stdout.destroy();
    assert.equal((await child).exitCode, 141);
  });

  it('143: SIGTERM', async () => {
    const argv = ['--preserve-status', '--signal=TERM', '1', PROGRAM, 'wait', '--timeout', '60s'];
    assert.equal((await type('timeout', argv)).exitCode, 143);
  });

  it('has a test for each of the table', () => {
    const tested = [...Object.keys(TYPED).map(Number), ...WITH_ROOT, 130, 141, 143];
    assert.deepEqual(tested.sort(), Object.keys(EXITS).map(Number).sort());
  });

  it('is told by help exit-codes', async () => {
    const { stdout } = await type(PROGRAM, ['help', 'exit-codes', '--json']);
    const { codes } = JSON.parse(stdout) as { codes: { exit: number; means: string }[] };
    assert.deepEqual(Object.fromEntries(codes.map(({ exit, means }) => [exit, means])), EXITS);
  });
});
