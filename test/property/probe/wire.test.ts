import assert from 'node:assert/strict';
import fc from 'fast-check';
import { LIMITS } from '../../../src/probe/probe.ts';
import {
  parseCollected,
  parseComplaint,
  parseHello,
  parsePrepared,
  parseQuestion,
  parseWelcome,
} from '../../../src/probe/wire.ts';

const PARSERS = [parseHello, parseQuestion, parseWelcome, parsePrepared, parseCollected, parseComplaint];

/** Lines near to what is meant: the right names with any values. */
const nearly = fc
  .dictionary(
    fc.constantFrom(
      'hello',
      'code',
      'ask',
      'what',
      'path',
      'paths',
      'seconds',
      'streams',
      'from',
      'token',
      'machine',
      'error',
      'bytes',
    ),
    fc.oneof(fc.constantFrom('prepare', 'tcp', 'echo', 1), fc.jsonValue()),
  )
  .map((value) => JSON.stringify(value));

describe('probe/wire properties', () => {
  it('no line makes a parser throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), nearly), (line) => {
        for (const parse of PARSERS) parse(line);
      }),
    );
  });

  it('a question that is understood keeps to the limits', () => {
    const any = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(1, 3, 16, 60));
    fc.assert(
      fc.property(any, any, any, any, (seconds, streams, ip, port) => {
        const line = JSON.stringify({ ask: 'prepare', what: 'udp', path: 'p', seconds, streams, from: { ip, port } });
        const question = parseQuestion(line);
        if (question?.ask !== 'prepare') return;
        assert.ok(question.seconds > 0 && question.seconds <= LIMITS.seconds);
        assert.ok(Number.isInteger(question.streams) && question.streams >= 1 && question.streams <= LIMITS.streams);
        assert.ok(question.from.ip >= 0 && question.from.ip < 2 ** 32 && question.from.port < 65_536);
      }),
      { examples: [[3, 4, 1, 1]] },
    );
  });
});
