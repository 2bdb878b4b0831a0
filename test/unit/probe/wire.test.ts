import assert from 'node:assert/strict';
import { createCode, isSameCode } from '../../../src/probe/code.ts';
import {
  parseCollected,
  parseComplaint,
  parseHello,
  parsePrepared,
  parseQuestion,
  parseWelcome,
} from '../../../src/probe/wire.ts';

const PREPARE = { ask: 'prepare', what: 'tcp', path: 'overlay', seconds: 3, streams: 4, from: { ip: 1, port: 2 } };
const parse = (change: object) => parseQuestion(JSON.stringify({ ...PREPARE, ...change }));

describe('probe/wire', () => {
  it('reads what it writes', () => {
    assert.deepEqual(parse({}), PREPARE);
    assert.deepEqual(parseQuestion('{"ask":"mark"}'), { ask: 'mark' });
    assert.deepEqual(parseHello('{"hello":1,"code":"x"}'), { hello: 1, code: 'x' });
    const welcome = { paths: [{ name: 'overlay', ip: 0xffff_ffff }], machine: 'm' };
    assert.deepEqual(parseWelcome(JSON.stringify(welcome)), welcome);
    const collected = { busySeconds: 0.5, bytes: 1, bitsPerSecond: 2.5, received: 3, overflowed: 4 };
    assert.deepEqual(parseCollected(JSON.stringify(collected)), collected);
  });

  it('refuses what goes beyond the limits', () => {
    const beyond = [
      ...[{ seconds: 61 }, { seconds: 0 }, { seconds: -1 }, { seconds: '3' }, { seconds: null }],
      ...[{ streams: 0 }, { streams: 17 }, { streams: 1.5 }],
      ...[{ what: 'icmp' }, { path: 5 }, { path: 'x'.repeat(101) }],
      ...[
        { from: { ip: -1, port: 1 } },
        { from: { ip: 2 ** 32, port: 1 } },
        { from: { ip: 1, port: 65536 } },
        { from: 1 },
      ],
    ];
    for (const change of beyond) assert.equal(parse(change), undefined, JSON.stringify(change));
  });

  it('refuses another version, and numbers that are none', () => {
    assert.equal(parseHello('{"hello":2,"code":"x"}'), undefined);
    assert.equal(parsePrepared('{"token":"zz"}'), undefined);
    assert.equal(
      parseCollected('{"busySeconds":1,"bytes":-1,"bitsPerSecond":1,"received":1,"overflowed":1}'),
      undefined,
    );
    assert.equal(parseWelcome('{"paths":[{"name":"overlay","ip":1}]}'), undefined);
  });

  it('shows a complaint without what a terminal would act on', () => {
    assert.equal(parseComplaint(JSON.stringify({ error: 'bad\u001b[2Jcode' })), 'bad?[2Jcode');
    assert.equal(parseComplaint('{}'), undefined);
  });
});

describe('probe/code', () => {
  it('makes a new one each time', () => {
    assert.match(createCode(), /^[a-z2-9]{5}-[a-z2-9]{5}$/);
    assert.notEqual(createCode(), createCode());
  });

  it('tells codes apart, those of other lengths too', () => {
    assert.ok(isSameCode('abc', 'abc'));
    assert.ok(!isSameCode('abc', 'abd'));
    assert.ok(!isSameCode('abc', ''));
    assert.ok(!isSameCode('abc', 'abcd'));
  });
});
