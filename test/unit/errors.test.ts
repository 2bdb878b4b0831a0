import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { ERRORS_PAGE, errorsPage } from '../../scripts/docs.ts';
import { asTsflannelError, ERRORS, type ErrorEntry, TsflannelError } from '../../src/errors.ts';
import { EXITS } from '../../src/model/exits.ts';
import { errorData, fromThrown, printError } from '../../src/output/command.ts';
import { packageRoot } from '../../src/root.ts';

const rows = Object.entries(ERRORS as Record<string, ErrorEntry>);

async function sources(): Promise<string> {
  const texts: string[] = [];
  for await (const file of glob('src/**/*.ts', { cwd: packageRoot() }))
    if (!/errors(-\w+)?\.ts$/.test(file)) texts.push(readFileSync(join(packageRoot(), file), 'utf8'));
  return texts.join('\n');
}

describe('the error table', () => {
  it('has what, why and a fix for each, and an exit status that is explained', () => {
    for (const [code, { exit, what, why, fix }] of rows) {
      assert.ok(what !== '' && why !== '' && fix.length > 0, code);
      assert.ok(Object.hasOwn(EXITS, exit), `${code}: ${exit}`);
      assert.doesNotMatch(what, /[.!]$/, code);
    }
  });

  it('has no row that nothing uses', async () => {
    const text = await sources();
    const unused = rows.map(([code]) => code).filter((code) => !new RegExp(`['"\`]${code}['"\`]`).test(text));
    assert.deepEqual(unused, []);
  });

  it('is what docs/errors.md says', () => {
    assert.equal(readFileSync(ERRORS_PAGE, 'utf8'), errorsPage(), 'run: node scripts/docs.ts');
  });
});

describe('errors', () => {
  it('fill the texts of their row', () => {
    const error = new TsflannelError('CONFIG_MISSING', { key: '/net/config' });
    assert.equal(error.message, 'there is no network config in etcd at /net/config');
    assert.equal(error.exit, 3);
    assert.ok(error.fix[0]?.startsWith('tsflannel config set'));
  });

  it('keep what they were caused by, and take in what is none of ours', () => {
    const cause = new Error('ENOSPC');
    assert.equal(new TsflannelError('FILE_FAILED', { file: '/x', detail: 'full' }, cause).cause, cause);
    assert.equal(asTsflannelError('text').why, 'text');
    assert.equal(asTsflannelError(cause).code, 'INTERNAL');
    const ours = new TsflannelError('ABORTED');
    assert.equal(asTsflannelError(ours), ours);
  });

  it('are printed with the command that failed, and nothing of its arguments', () => {
    const error = new TsflannelError('NEEDS_CONFIRMATION', { detail: 'Docker is restarted' });
    assert.equal(
      printError(error, 'tsflannel docker apply'),
      [
        'Error: this needs a confirmation: Docker is restarted',
        '  why:  there is no terminal to ask on',
        '  try:  tsflannel docker apply --yes',
        '  code: NEEDS_CONFIRMATION',
      ].join('\n'),
    );
  });

  it('are less than 2 kB as JSON, however much is to be said', () => {
    for (const [code] of rows) {
      const details = new Proxy({}, { get: () => 'x'.repeat(100_000), has: () => true });
      const error = new TsflannelError(code as 'INTERNAL', details as { detail: string });
      const long = Object.assign(error, { fix: ERRORS[code as 'INTERNAL'].fix });
      assert.ok(JSON.stringify(errorData(long, 'tsflannel lab up'), null, 2).length < 2_048, code);
    }
  });
});

describe('what oclif throws', () => {
  const thrown = (message: string, exit = 2) => fromThrown(Object.assign(new Error(message), { oclif: { exit } }));

  it('is said on one line, without the help after it', () => {
    assert.equal(
      thrown('Parsing --size \n\tExpected an integer but received: x\nSee more help with --help').why,
      'Parsing --size Expected an integer but received: x',
    );
    assert.equal(thrown('command docker:aply not found').why, 'there is no command docker aply');
    assert.equal(thrown('x').exit, 2);
    assert.equal(thrown('x', 0).exit, 0);
  });

  it('does not tell the value of a flag it does not know', () => {
    assert.equal(
      thrown('Nonexistent flags: --a=canary, --etcd-pasword=canary\nSee more help').why,
      'Nonexistent flags: --a --etcd-pasword',
    );
  });

  it('knows Ctrl-C at a question', () => {
    assert.equal(fromThrown(Object.assign(new Error('x'), { name: 'ExitPromptError' })).code, 'ABORTED');
  });
});
