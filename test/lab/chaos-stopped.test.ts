/** `lab chaos` is stopped: the lab goes with it, and what was measured until then is told. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { labDown } from '../../src/lab/index.ts';
import { showsOf, TEST_LABS } from '../support/lab.ts';
import { difference } from '../support/leaks.ts';

const PROGRAM = join(import.meta.dirname, '../../bin/run.js');

interface Stopped {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Sends the signal as soon as it says this on stderr. */
async function stopAt(name: string, said: RegExp, signal: NodeJS.Signals, rows: readonly string[]): Promise<Stopped> {
  const argv = ['lab', 'chaos', '--name', name, '--short', ...rows.flatMap((row) => ['--row', row])];
  const env = { ...process.env, TSFLANNEL_LAB_DIR: TEST_LABS };
  const child = spawn(process.execPath, [PROGRAM, ...argv], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const text = { stdout: '', stderr: '' };
  let isTold = false;
  child.stdout.on('data', (data) => {
    text.stdout += data;
  });
  child.stderr.on('data', (data) => {
    text.stderr += data;
    if (isTold || !said.test(text.stderr)) return;
    isTold = true;
    child.kill(signal);
  });
  const exit = await new Promise<number | null>((resolve) => child.once('close', resolve));
  assert.ok(isTold, `it did not say ${said}: ${text.stderr}`);
  return { exit, ...text };
}

describe('lab chaos that is stopped', function () {
  this.timeout(180_000);

  it('in a fault takes the lab down, and prints the faults before it', async () => {
    const name = 'chaos-ctrl-c';
    await labDown(name, TEST_LABS);
    const before = await showsOf(name);
    const { exit, stdout, stderr } = await stopAt(name, /row 31: at-rest/, 'SIGINT', ['second-daemon', 'at-rest']);
    assert.equal(difference(before, await showsOf(name)), '');
    assert.equal(exit, 130, stderr);
    assert.match(stdout, /second-daemon/);
    assert.doesNotMatch(stdout, /at-rest/);
    assert.doesNotMatch(stderr, /top-level await|Error:/);
  });

  it('while it is made leaves nothing of it', async () => {
    const name = 'chaos-sigterm';
    await labDown(name, TEST_LABS);
    const before = await showsOf(name);
    const { exit, stdout, stderr } = await stopAt(name, /tsflannel on 4 nodes/, 'SIGTERM', ['second-daemon']);
    assert.equal(difference(before, await showsOf(name)), '');
    assert.deepEqual([exit, stdout.trim()], [143, '']);
    assert.doesNotMatch(stderr, /top-level await|Error:/);
  });
});
