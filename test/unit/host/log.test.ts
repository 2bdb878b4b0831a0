import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { createLogLevel, isJournal, type LogFormat, logFormat, logTo } from '../../../src/host/log.ts';
import { LOG_EVENTS, LOG_LEVELS, type Log, type LogLevel } from '../../../src/model/log-events.ts';
import { until } from '../../support/until.ts';

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

  it('has the events of its level and graver ones', () => {
    const events = (level: LogLevel): string[] => {
      const seen: string[] = [];
      const log = logTo(
        (line) => void seen.push(line.split(' ')[2] ?? ''),
        'text',
        () => level,
      );
      for (const event of ['pass', 'ready', 'etcd-lost', 'docker-failed', 'log-level'] as const) log(event, 'x');
      return seen;
    };
    assert.deepEqual(events('error'), ['docker-failed', 'log-level']);
    assert.deepEqual(events('warn'), ['etcd-lost', 'docker-failed', 'log-level']);
    assert.deepEqual(events('info'), ['ready', 'etcd-lost', 'docker-failed', 'log-level']);
    assert.deepEqual(events('debug'), ['pass', 'ready', 'etcd-lost', 'docker-failed', 'log-level']);
    assert.equal(written('journald', 'docker-failed', 'x'), '<3>docker-failed x\n');
    assert.equal(written('journald', 'pass', 'x'), '<7>pass x\n');
  });

  it('has names that stay: a program that reads the log knows them', () => {
    for (const [name, { level }] of Object.entries(LOG_EVENTS)) {
      assert.match(name, /^[a-z]+(-[a-z0-9]+)*$/);
      assert.ok(LOG_LEVELS.includes(level), name);
    }
  });

  it('moves on to the next level at SIGUSR1, and says so', async () => {
    const level = createLogLevel('warn');
    const said: string[] = [];
    const deafen = level.listen((event, detail) => void said.push(`${event} ${detail}`));
    try {
      for (let count = 1; count <= 4; count++) {
        process.kill(process.pid, 'SIGUSR1');
        await until('the signal', () => said.length === count);
      }
    } finally {
      deafen();
    }
    assert.deepEqual(said, ['log-level info', 'log-level debug', 'log-level error', 'log-level warn']);
    assert.equal(level.now(), 'warn');
  });
});
