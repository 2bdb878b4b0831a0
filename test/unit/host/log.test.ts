import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { isJournal, type LogFormat, logFormat, logTo } from '../../../src/host/log.ts';
import type { Log } from '../../../src/model/log-events.ts';

function written(format: LogFormat, ...said: Parameters<Log>): string {
  let text = '';
  logTo((line) => {
    text += line;
  }, format)(...said);
  return text;
}

const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;

describe('the log', () => {
  it('has a line for each event: time, level, name, detail', () => {
    assert.match(written('text', 'ready', 'x'), new RegExp(`^${TIME} info ready x\n$`));
    assert.match(written('text', 'etcd-lost', ''), new RegExp(`^${TIME} warn etcd-lost\n$`));
  });

  it('gives the journal a priority instead', () => {
    assert.equal(written('journald', 'ready', 'x'), '<6>ready x\n');
    assert.equal(written('journald', 'etcd-lost', 'x'), '<4>etcd-lost x\n');
  });

  it('is a JSON object a line, whatever the detail holds', () => {
    const line = written('json', 'lease-doubtful', 'two\n"lines"', 'ETCD_UNREACHABLE');
    assert.match(line, /^[^\n]+\n$/);
    const { time, ...rest } = JSON.parse(line) as Record<string, string>;
    assert.match(time ?? '', new RegExp(`^${TIME}$`));
    assert.deepEqual(rest, {
      level: 'warn',
      event: 'lease-doubtful',
      detail: 'two\n"lines"',
      code: 'ETCD_UNREACHABLE',
    });
  });

  it('is for the journal only where stderr is what JOURNAL_STREAM says', () => {
    const descriptor = openSync('/dev/null', 'r');
    const { dev, ino } = fstatSync(descriptor);
    assert.equal(isJournal(`${dev}:${ino}`, descriptor), true);
    assert.equal(isJournal(`${dev}:${ino + 1}`, descriptor), false);
    assert.equal(isJournal(undefined, descriptor), false);
    closeSync(descriptor);
    assert.deepEqual([logFormat('text', true), logFormat('text', false)], ['journald', 'text']);
    assert.equal(logFormat('json', true), 'json');
  });
});
