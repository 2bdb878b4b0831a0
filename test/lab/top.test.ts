import assert from 'node:assert/strict';
import { nodeEnvironment, onNode } from '../../src/lab/index.ts';
import type { LiveState } from '../../src/model/live.ts';
import { useLab } from '../support/lab.ts';
import { addContainers } from '../support/lab-daemon.ts';
import { startPing } from '../support/ping.ts';
import { openTerminal } from '../support/pty.ts';
import { until } from '../support/until.ts';

describe('tsflannel top', () => {
  const test = useLab({ name: 'lab-top', backend: 'udp' });

  it('prints one screen without a terminal, with what moves', async () => {
    const [from = '', to = ''] = await addContainers(test, [1, 2]);
    const ping = startPing(test.lab, test.node(1), from, to);
    await ping.replies(20);
    const { stdout } = await test.run(1, 'tsflannel', 'top', '--json');
    await ping.end();
    const { rows, rates, events } = JSON.parse(stdout) as LiveState & {
      rates: { device: { sent: { packets: number } }; peers: Record<string, { sent: { packets: number } }> };
    };
    const peer = rows.find(({ state }) => state === 'ok');
    assert.ok((rates.peers[peer?.key ?? '']?.sent.packets ?? 0) > 0, stdout);
    assert.ok(rates.device.sent.packets > 0);
    assert.ok(events.some(({ event }) => event === 'ready'));
    assert.match((await test.run(1, 'tsflannel', 'top')).stdout, /n2 .* ok .*bit\/s/);
  });

  it('takes the terminal, follows the keys, and gives it back', async () => {
    const node = test.node(1);
    const terminal = openTerminal(onNode(node, ['tsflannel', 'top']), { env: nodeEnvironment(test.lab, node) });
    await terminal.shows(/sorted by subnet/);
    terminal.type('s');
    await terminal.shows(/sorted by node/);
    terminal.type('h');
    await terminal.shows(/scroll nodes/);
    terminal.type('q');
    assert.equal(await terminal.ended(), 0);
  });

  it('tells who joins and who leaves', async () => {
    await test.run(2, 'tsflannel', 'down');
    const top = async () => (await test.run(1, 'tsflannel', 'top', '--once')).stdout;
    await until('n1 to say that n2 has left', async () => /peer-left {2}n2 at 198\.18\.0\.2/.test(await top()));
  });
});
