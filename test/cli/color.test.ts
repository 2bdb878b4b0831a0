import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/root.ts';
import { inTurn, tsflannel } from '../support/program.ts';
import { openTerminal } from '../support/pty.ts';

type Environment = Readonly<Record<string, string>>;

describe('colour', function () {
  this.timeout(240_000);
  let dir = '';
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'tsflannel-color-'));
  });
  after(() => rmSync(dir, { recursive: true }));

  /** A verdict in red, a list of checks, an error, a help. */
  const lines = () => [
    `status --run-dir ${dir} --config-dir ${dir} --etcd-endpoints http://127.0.0.1:1`,
    'doctor --check root --run-dir nowhere --all',
    'explain nonsense',
    'status --help',
  ];
  const piped = async (line: string, env: Environment) => {
    const { stdout, stderr } = await tsflannel(line.split(' '), env);
    return `${stdout}${stderr}`;
  };
  /** Variables of the terminal it runs on stay out. */
  async function onTerminal(line: string, env: Environment): Promise<string> {
    const clear = ['NO_COLOR', 'CLICOLOR', 'FORCE_COLOR', 'CI', 'GITHUB_ACTIONS'].flatMap((name) => ['-u', name]);
    const given = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const argv = ['env', ...clear, ...given, join(packageRoot(), 'bin', 'tsflannel'), ...line.split(' ')];
    const terminal = openTerminal(argv);
    await terminal.ended();
    return terminal.output();
  }
  const verdict = () => lines()[0] ?? '';

  it('is there on a terminal, and where it is forced', async () => {
    assert.match(await onTerminal(verdict(), {}), /^\x1b\[31mdown/);
    assert.match(await onTerminal(verdict(), { NO_COLOR: '' }), /^\x1b\[31mdown/, 'an empty NO_COLOR counts as none');
    assert.match(await piped(verdict(), { FORCE_COLOR: '1' }), /^\x1b\[31mdown/);
    assert.match(await piped(verdict(), { FORCE_COLOR: '1', NO_COLOR: '1' }), /^\x1b\[31mdown/);
  });

  for (const env of [{ NO_COLOR: '1' }, { CLICOLOR: '0' }, { TERM: 'dumb' }])
    it(`no byte of it on a terminal with ${Object.entries(env).join().replace(',', '=')}`, () =>
      inTurn(lines(), async (line) => assert.doesNotMatch(await onTerminal(line, env), /\x1b/, line)));

  for (const env of [{}, { CI: 'true', TERM: 'xterm-256color' }, { COLORTERM: 'truecolor', TERM: 'xterm' }])
    it(`no byte of it in a pipe with ${JSON.stringify(env)}`, () =>
      inTurn(lines(), async (line) => assert.doesNotMatch(await piped(line, env), /\x1b/, line)));

  it('none in JSON, though it is forced', () =>
    inTurn(lines().slice(0, 3), async (line) =>
      assert.doesNotMatch(await piped(`${line} --json`, { FORCE_COLOR: '1' }), /\x1b/, line),
    ));
});
