import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { nodeEnvironment, onNode, subnetOf } from '../../src/lab/index.ts';
import { runOn, useLab } from '../support/lab.ts';
import { openTerminal } from '../support/pty.ts';
import { until } from '../support/until.ts';

describe('the four lines of the quick start, typed as they stand', () => {
  const test = useLab({ name: 'lab-lines', size: 1, bare: true });
  const words = (line: string) => onNode(test.node(1), line.split(' '));
  const run = (line: string) => runOn(test.lab, test.node(1), line.split(' '));

  it('tsflannel init, with Enter at each question', async () => {
    const terminal = openTerminal(words('tsflannel init'), { env: nodeEnvironment(test.lab, test.node(1)) });
    for (const question of [
      ...[/Which cluster/, /How many members/, /speak to each other/, /Address/, /Name of this member/, /Ports for/],
      ...[/Network for/, /Do this/],
    ]) {
      await terminal.shows(question);
      terminal.type('\r');
      await terminal.shows(/✔/);
    }
    assert.equal(await terminal.ended(), 0, terminal.screen());
    assert.match(terminal.screen(), /n1 .*https:\/\/198\.18\.0\.1:2379 .*healthy/);
  }).timeout(300_000);

  it('tsflannel config set --network 172.17.0.0/16', async () => {
    const { exit, stderr } = await run('tsflannel config set --network 172.17.0.0/16');
    assert.equal(exit, 0, stderr);
  });

  it('tsflannel up, in the foreground', async () => {
    const [program, ...rest] = words('tsflannel up');
    const env = nodeEnvironment(test.lab, test.node(1));
    const daemon = spawn(program, rest, { env, stdio: 'ignore' });
    await until('a subnet', async () => (await subnetOf(test.node(1))) !== undefined);
    assert.equal(daemon.exitCode, null, 'up came back');
    daemon.unref();
  }).timeout(300_000);

  it('tsflannel routes', async () => {
    const subnet = await subnetOf(test.node(1));
    const own = new RegExp(`^${subnet?.replaceAll('.', '\\.')} +n1 +198\\.18\\.0\\.1 +udp .* this node`, 'm');
    // subnet.env is there a moment before the node is ready.
    await until('its own lease', async () => own.test((await run('tsflannel routes')).stdout));
    assert.equal((await run('tsflannel routes')).exit, 0);
  }).timeout(300_000);
});
