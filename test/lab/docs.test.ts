import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { nodeEnvironment, onNode } from '../../src/lab/index.ts';
import { blocksOf, STORY, type Step, typed } from '../support/doc-blocks.ts';
import { runOn, useLab } from '../support/lab.ts';
import { openTerminal } from '../support/pty.ts';

/** Verdicts on a node: well, or something to see to. */
const LOOKS = /^tsflannel (?:status|doctor|docker status|test connectivity|ping)\b/;
const STAYS = /^tsflannel up(?! .*--detach)/;
const ASKS = /^tsflannel docker apply(?! .*--(?:yes|dry-run))/;

describe('blocks of README and guides, typed as they stand', function () {
  this.timeout(240_000);
  const test = useLab({ name: 'lab-docs', size: 2, bare: true, docker: true });
  let token = '';

  /** Folders of the host itself are the node's own here. */
  const argvOf = (line: string, on: number): string[] =>
    line
      .replace('TOKEN', token)
      .replace('/usr/local/bin', join(test.node(on).dir, 'bin'))
      .split(' ');

  async function onTerminal(line: string, on: number, answer: string): Promise<number> {
    const env = nodeEnvironment(test.lab, test.node(on));
    const terminal = openTerminal(onNode(test.node(on), argvOf(line, on)), { env });
    await terminal.shows(/Go on\?/);
    terminal.type(`${answer}\r`);
    return terminal.ended();
  }

  /** In the foreground, as on a console that is left open. */
  async function stay(line: string, on: number): Promise<void> {
    const [program, ...rest] = onNode(test.node(on), argvOf(line, on));
    const child = spawn(program, rest, { env: nodeEnvironment(test.lab, test.node(on)), stdio: 'ignore' });
    child.unref();
    await test.run(on, 'tsflannel', 'wait', '--for', 'ready', '--timeout', '60s');
    assert.equal(child.exitCode, null, `${line}: it came back`);
  }

  async function type(line: string, { on, answer }: Step): Promise<void> {
    if (STAYS.test(line)) return stay(line, on);
    if (answer !== undefined && ASKS.test(line)) {
      assert.equal(await onTerminal(line, on, answer), 0, line);
      return;
    }
    const { exit, stdout, stderr } = await runOn(test.lab, test.node(on), argvOf(line, on));
    assert.ok(exit === 0 || (LOOKS.test(line) && exit === 8), `${line}: exit ${exit}\n${stdout}${stderr}`);
  }

  before(async () => {
    for (const number of [1, 2]) mkdirSync(join(test.node(number).dir, 'bin'));
    const { stdout } = await test.run(1, 'tsflannel', 'init', '--yes');
    token = /tsflannel join (\S+)/.exec(stdout)?.[1] ?? '';
    await test.run(1, 'tsflannel', 'config', 'set', '--network', '172.17.0.0/16');
  });

  for (const step of STORY) {
    const { page, first, on, but = {}, after = [] } = step;
    it(`n${on}: ${page}: ${first} …`, async () => {
      const block = blocksOf(page).find(({ lines }) => lines[0] === first);
      assert.ok(block, `${page} has no block that begins so`);
      for (const line of block.lines.map(typed).filter((one) => !(one in but))) await type(line, step);
      for (const line of after) await test.run(on, ...line.split(' '));
    });
  }
});
