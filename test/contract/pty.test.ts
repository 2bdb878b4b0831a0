import assert from 'node:assert/strict';
import { openTerminal } from '../support/pty.ts';

const node = (script: string) => [process.execPath, '--input-type=module', '--eval', script];

describe('support/pty', () => {
  it('gives the program a real terminal, types at it and keeps its status', async () => {
    const terminal = openTerminal(
      node(`
        console.log('tty', process.stdin.isTTY, process.stdout.isTTY, process.stdout.columns);
        process.stdin.once('data', (typed) => { console.error('got ' + String(typed).trim()); process.exit(7); });
      `),
    );
    await terminal.shows(/tty true true 200/);
    terminal.type('hello\r');
    await terminal.shows(/got hello/);
    assert.equal(await terminal.ended(), 7);
  });

  it('ends the program by Ctrl-C', async () => {
    const terminal = openTerminal(node(`console.log('here'); setInterval(() => {}, 1000);`));
    await terminal.shows(/here/);
    terminal.type('\x03');
    assert.equal(await terminal.ended(), 128 + 2);
  });

  it('shows the screen when what is waited for does not come', async () => {
    const terminal = openTerminal(node(`console.log('only this');`));
    await terminal.shows(/only/);
    await assert.rejects(terminal.shows(/something else/, 500), /only this/);
    assert.equal(await terminal.ended(), 0);
  });
});
