import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { byReach } from '../../../src/etcd/reach.ts';
import { askMissing } from '../../../src/etcd/wizard.ts';
import { parseIp } from '../../../src/model/address.ts';
import type { Questions } from '../../../src/model/questions.ts';

const address = (device: string, text: string, isDefault = false) => {
  const ip = parseIp(text);
  assert.ok(ip);
  return { device, ip, isDefault };
};
// Loopback addresses are reached from any host the tests run on, each from 127.0.0.1.
const HOST = { hostname: 'a', addresses: [address('eth0', '10.0.0.1', true), address('lo', '127.0.0.1')] };

/** Says yes to all: the first choice, the fallback. `answers` are tried before, and each must be found wrong. */
function enter(answers: Readonly<Record<string, string>> = {}) {
  const asked: string[] = [];
  const wrong: string[] = [];
  const questions: Questions = {
    async choose(message, choices) {
      asked.push(`${message}: ${choices.map(({ name }) => name).join(' | ')}`);
      assert.ok(choices[0]);
      return choices[0].value;
    },
    async text(message, fallback, check) {
      asked.push(message);
      const first = Object.entries(answers).find(([words]) => message.includes(words))?.[1];
      if (first === undefined) return fallback;
      wrong.push((await check(first)) ?? '');
      return wrong.at(-1) === '' ? first : fallback;
    },
    confirm: async (_, fallback) => fallback,
  };
  return { questions, asked, wrong };
}

describe('etcd/wizard', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tsflannel-wizard-'));
    mkdirSync(join(dir, 'foreign', 'stuff'), { recursive: true });
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const given = (more: object) => ({
    ...{ request: {}, network: undefined, size: undefined, systemd: undefined, canManage: true },
    ...{ openDir: true, dataDir: join(dir, 'etcd'), ...more },
  });

  it('asks for all that is open, and shows the state of the data dir', async () => {
    const { questions, asked } = enter();
    const answers = await askMissing(given({ request: { ip: parseIp('127.0.0.1') } }), HOST, questions);
    const words = [
      'Which cluster',
      'How many members',
      'speak to each other',
      'Name of this',
      'Ports',
      'data',
      'runs etcd',
    ];
    for (const [index, word] of words.entries()) assert.ok(asked[index]?.includes(word), `${word}: ${asked[index]}`);
    assert.ok(asked.some((text) => text.includes(`${join(dir, 'etcd')} is empty`)));
    assert.equal(answers.dataDir, join(dir, 'etcd'));
  });

  it('takes no folder in which somebody else has data, and says whose it is', async () => {
    const { questions, asked, wrong } = enter({ data: join(dir, 'foreign') });
    const open = { request: { ip: parseIp('127.0.0.1') } };
    const answers = await askMissing(given(open), HOST, questions);
    assert.match(wrong.join(), /holds stuff and was not made by tsflannel init/);
    assert.equal(answers.dataDir, join(dir, 'etcd'));
    await askMissing(given({ ...open, dataDir: join(dir, 'foreign') }), HOST, questions);
    assert.ok(
      asked.some((text) => /Folder.*\(not .*holds stuff/.test(text)),
      asked.join('\n'),
    );
    const relative = enter({ data: 'here' });
    await askMissing(given(open), HOST, relative.questions);
    assert.match(relative.wrong.join(), /absolute/);
  });

  it('asks for no folder that was said', async () => {
    const { questions, asked } = enter();
    await askMissing(given({ openDir: false, request: { ip: parseIp('127.0.0.1') } }), HOST, questions);
    assert.ok(!asked.some((text) => text.includes('Folder')));
  });

  it('shows the addresses first by which the others are reached', async () => {
    const wish = { kind: 'discovery', url: 'http://127.0.0.9:8087/abcdef' } as const;
    const sorted = await byReach(HOST.addresses, wish);
    assert.deepEqual(
      sorted.map(({ device, reaches }) => [device, reaches]),
      [
        ['lo', '127.0.0.9'],
        ['eth0', undefined],
      ],
    );
    assert.deepEqual(await byReach(HOST.addresses, { kind: 'alone' }), HOST.addresses);
    const { questions, asked } = enter();
    await askMissing(given({ request: { wish, security: { kind: 'insecure' } } }), HOST, questions);
    assert.match(asked.join('\n'), /Address at which.*: 127\.0\.0\.1 \(lo, reaches 127\.0\.0\.9\) \| 10\.0\.0\.1/);
  });
});
