import assert from 'node:assert/strict';
import fc from 'fast-check';
import { TsflannelError } from '../../../src/errors.ts';
import * as protocol from '../../../src/etcd/join-protocol.ts';
import { type JoinToken, PURPOSES, parseToken, printToken, withoutTokens } from '../../../src/etcd/join-token.ts';
import { parseRecord } from '../../../src/etcd/token-files.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map((a) => Buffer.from(a));
const ip = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value) => ({ family: 4 as const, value })),
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((value) => ({ family: 6 as const, value })),
);
const token: fc.Arbitrary<JoinToken> = fc.record(
  {
    purpose: fc.constantFrom(...PURPOSES),
    ip,
    port: fc.integer({ min: 1, max: 65_535 }),
    caHash: bytes(32),
    id: bytes(5).map((id) => id.toString('hex')),
    secret: bytes(20),
  },
  { noNullPrototype: true },
);

const refusal = (text: string): string => {
  try {
    parseToken(text);
    return '';
  } catch (error) {
    assert.ok(error instanceof TsflannelError && error.code === 'JOIN_TOKEN');
    return `${error.message} ${error.why}`;
  }
};

describe('etcd: join tokens', () => {
  it('are read as they were written, and are one word', () => {
    fc.assert(
      fc.property(token, (one) => {
        const text = printToken(one);
        assert.match(text, /^[\w.-]+$/);
        assert.deepEqual(parseToken(` ${text}\n`), one);
        assert.ok(!withoutTokens(`at ${text}, says`).includes(text.slice(10)));
      }),
    );
  });

  it('are refused when a letter is changed, or lost, and never shown', () => {
    const cut = fc.tuple(token, fc.nat(), fc.constantFrom('', 'A', 'b', '-'));
    fc.assert(
      fc.property(cut, ([one, where, letter]) => {
        const text = printToken(one);
        const at = 5 + (where % (text.length - 6));
        fc.pre(text[at] !== letter);
        const said = refusal(text.slice(0, at) + letter + text.slice(at + 1));
        assert.ok(said !== '' && !said.includes(text.slice(5, 40)));
      }),
    );
  });

  it('of garbage are refused, whatever it is', () => {
    const garbage = fc.oneof(
      fc.string(),
      fc.string().map((text) => `tsf1.${text}`),
      fc.base64String().map((t) => `tsf1.${t}`),
    );
    fc.assert(fc.property(garbage, (text) => assert.notEqual(refusal(text), '')));
  });
});

describe('etcd: the join protocol', () => {
  const anything = fc.oneof(
    fc.string(),
    fc.json(),
    fc.jsonValue().map((value) => JSON.stringify(value)),
  );

  it('never throws on what comes from outside', () => {
    fc.assert(
      fc.property(anything, (text) => {
        for (const parse of [
          protocol.parseJoin,
          protocol.parseJoinAnswer,
          protocol.parseMemberRequest,
          protocol.parseMemberAnswer,
          protocol.parseRenew,
          protocol.parseRefusal,
          parseRecord,
        ])
          parse(text);
      }),
    );
  });

  const pem = '-----BEGIN CERTIFICATE REQUEST-----\n';
  it('reads a question as it was written, and refuses one with a part missing', () => {
    const request = fc.record(
      {
        id: bytes(5).map((id) => id.toString('hex')),
        secret: bytes(20),
        as: fc.constantFrom(...PURPOSES),
        name: fc.stringMatching(/^[a-z][a-z0-9.-]{0,20}$/),
        ip,
        peerPort: fc.integer({ min: 1, max: 65_535 }),
        requests: fc.constant({ server: pem, peer: pem, client: pem }),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(request, fc.nat(), (one, which) => {
        const parsed = protocol.parseJoin(protocol.printJoin(one));
        assert.deepEqual(parsed, { ok: true, value: one });
        const json = JSON.parse(protocol.printJoin(one)) as Record<string, unknown>;
        delete json[Object.keys(json)[which % 7] ?? ''];
        assert.equal(protocol.parseJoin(JSON.stringify(json)).ok, false);
      }),
    );
  });

  it('shows nothing of a question that it refuses', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{12}$/), (secret) => {
        const parsed = protocol.parseJoin(JSON.stringify({ id: secret, secret, as: 'member', name: 5 }));
        assert.ok(!parsed.ok && !JSON.stringify(parsed).includes(secret));
        const broken = protocol.parseJoin(`{"secret":"${secret}"`);
        assert.ok(!broken.ok && !JSON.stringify(broken).includes(secret));
      }),
    );
  });
});
