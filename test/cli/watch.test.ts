/** `--watch` where every look fails: nothing but the shape of what is shown, and how it ends. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/root.ts';
import { follow } from '../support/follow.ts';
import { openTerminal } from '../support/pty.ts';

const PROGRAM = join(packageRoot(), 'bin', 'tsflannel');

describe('--watch', function () {
  this.timeout(240_000);
  let dir = '';
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'tsflannel-watch-'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));
  const env = () => ({
    ...{ PATH: process.env.PATH, HOME: dir, TSFLANNEL_CONFIG_DIR: join(dir, 'etc') },
    ...{ TSFLANNEL_STATE_DIR: join(dir, 'state'), TSFLANNEL_RUN_DIR: join(dir, 'run') },
    TSFLANNEL_ETCD_ENDPOINTS: 'http://127.0.0.1:1',
  });

  for (const command of ['routes', 'leases']) {
    it(`${command}: a look that fails is a document of the error table on a line; Ctrl-C ends with 130`, async () => {
      const following = follow([PROGRAM, command, '--watch', '--json'], env());
      assert.equal(await following.interruptAfter(1), 130);
      const { schemaVersion, error } = JSON.parse(following.lines()[0] ?? '');
      assert.deepEqual([schemaVersion, error.code, error.exit], [1, 'ETCD_UNREACHABLE', 69]);
      assert.equal(following.lines().length, 1, 'what does not change is printed once');
    });
  }

  it('-o yaml: one of YAML’s documents a change', async () => {
    const following = follow([PROGRAM, 'routes', '--watch', '-o', 'yaml'], env());
    assert.equal(await following.interruptAfter(4), 130);
    assert.deepEqual(following.lines().slice(0, 3), ['---', 'schemaVersion: 1', 'error:']);
    assert.equal(following.lines().filter((line) => line === '---').length, 1);
  });

  for (const [key, exit] of [
    ['q', 0],
    ['\x03', 130],
  ] as const)
    it(`on a terminal it tries again and leaves with ${exit} by ${JSON.stringify(key)}`, async () => {
      const terminal = openTerminal([PROGRAM, 'routes', '--watch'], { env: env() });
      await terminal.shows(/code: ETCD_UNREACHABLE[\s\S]*q leave/, 30_000);
      terminal.type(key);
      assert.equal(await terminal.ended(), exit, terminal.screen());
    });
});
