import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  answerOf,
  attribute,
  attributesOf,
  frame,
  type Message,
  messagesOf,
  NLM,
  NLMSG,
  nested,
  text,
  textOf,
  u8,
  u16network,
  u32,
  u32of,
} from '../../../src/sys/netlink.ts';

describe('sys/netlink', () => {
  it('frames a request as the kernel reads it', () => {
    const body = Buffer.concat([u32(1, 0x01020304), u8(2, 7)]);
    const framed = frame({ type: 24, flags: NLM.CREATE | NLM.EXCL | NLM.ACK, body }, 9);
    assert.equal(framed.toString('hex'), '2000000018000506090000000000000008000100040302010500020007000000');
  });

  it('pads attributes to four bytes and says their bare length', () => {
    assert.equal(text(3, 'lo').toString('hex'), '070003006c6f0000');
    assert.equal(u16network(15, 8472).toString('hex'), '06000f0021180000');
    assert.equal(nested(18, u8(7, 1)).toString('hex'), '0c0012800500070001000000');
  });

  it('reads several messages of one datagram, each with its own sequence and port', () => {
    const one = frame({ type: 16, flags: 0, body: Buffer.from([1, 2, 3]) }, 1);
    const two = frame({ type: 17, flags: 0, body: Buffer.alloc(0) }, 2);
    two.writeUInt32LE(4711, 12);
    const read = messagesOf(Buffer.concat([one, two]));
    assert.deepEqual(
      read.map(({ type, sequence, port, payload }) => [type, sequence, port, payload.length]),
      [
        [16, 1, 0, 3],
        [17, 2, 4711, 0],
      ],
    );
  });

  it('reads back the attributes it wrote, nested ones too', () => {
    const values = fc.array(fc.tuple(fc.integer({ min: 1, max: 200 }), fc.uint8Array({ maxLength: 40 })), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(values, (list) => {
        const attributes = attributesOf(nested(5, ...list.map(([type, data]) => attribute(type, data))), 4);
        const expected = new Map(list.map(([type, data]) => [type, Buffer.from(data)]));
        assert.deepEqual(attributes, expected);
      }),
    );
  });

  it('never throws and never reads past the end, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const { payload } of messagesOf(Buffer.from(bytes))) attributesOf(payload, 4);
        for (const data of attributesOf(Buffer.from(bytes), 0).values()) assert.ok(data.length <= bytes.length - 4);
      }),
    );
  });

  it('reads text up to its zero byte, and numbers only where there are four bytes', () => {
    assert.equal(textOf(Buffer.from('eth0\0\0')), 'eth0');
    assert.equal(textOf(Buffer.from('eth0')), 'eth0');
    assert.equal(u32of(Buffer.from([1, 2])), undefined);
  });

  const answer = (flags: number, errno: number, ...tail: Buffer[]): Message => {
    const head = Buffer.alloc(20);
    head.writeInt32LE(-errno, 0);
    return { type: NLMSG.ERROR, flags, sequence: 1, port: 0, payload: Buffer.concat([head, ...tail]) };
  };

  it("reads an answer's errno and the kernel's own sentence", () => {
    assert.deepEqual(answerOf(answer(0, 0)), { errno: 0 });
    assert.deepEqual(answerOf(answer(0, 17)), { errno: 17 });
    const detail = 'Nexthop has invalid gateway';
    assert.deepEqual(answerOf(answer(NLM.ACK_TLVS, 101, text(1, detail))), { errno: 101, detail });
  });
});
