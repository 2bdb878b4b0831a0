import assert from 'node:assert/strict';
import type { EchoPort } from '../../../src/liveness/liveness.ts';
import { decode, decodeError, encode } from '../../../src/liveness/message.ts';
import { sweep } from '../../../src/liveness/sweep.ts';

const HEADER = 20;

/** An IPv4 packet around an ICMP message. */
function packetOf(from: number, to: number, icmp: Uint8Array, ttl = 64): Uint8Array {
  const packet = new Uint8Array(HEADER + icmp.length);
  const view = new DataView(packet.buffer);
  view.setUint8(0, 0x45);
  view.setUint8(8, ttl);
  view.setUint8(9, 1);
  view.setUint32(12, from);
  view.setUint32(16, to);
  packet.set(icmp, HEADER);
  return packet;
}

/** An ICMP error with this code that quotes the packet. */
function errorOf(code: number, quoted: Uint8Array): Uint8Array {
  const icmp = new Uint8Array(8 + quoted.length);
  icmp[0] = 3;
  icmp[1] = code;
  icmp.set(quoted, 8);
  return icmp;
}

const ROUTER = 0x0a000001;
const [CONTAINER, HOST, NOBODY, FORBIDDEN, MUTE] = [10, 11, 12, 13, 14] as const;

function network(): EchoPort & { readonly asked: number[] } {
  const inbox: Uint8Array[] = [];
  const asked: number[] = [];
  return {
    asked,
    send(to, icmp) {
      asked.push(to);
      const reply = Uint8Array.from(icmp).fill(0, 0, 1);
      const request = packetOf(1, to, icmp);
      if (to === CONTAINER) inbox.push(packetOf(to, 1, reply, 62));
      if (to === HOST) inbox.push(packetOf(to, 1, reply, 63));
      if (to === NOBODY) inbox.push(packetOf(ROUTER, 1, errorOf(1, request)));
      if (to === FORBIDDEN) inbox.push(packetOf(ROUTER, 1, errorOf(13, request)));
      // Somebody else's request, and an answer that nobody asked for.
      if (to === MUTE) inbox.push(packetOf(to, 1, icmp), packetOf(99, 1, reply));
      return true;
    },
    receive() {
      const packet = inbox.shift();
      return packet && { packet, at: 1n };
    },
    now: () => 7n,
    close: () => undefined,
  };
}

describe('a sweep of addresses', () => {
  const addresses = [CONTAINER, HOST, NOBODY, FORBIDDEN, MUTE];

  it('tells who answers, and what is said of those who do not', async () => {
    const heard = await sweep(network(), { addresses, everyMs: 0, patienceMs: 50 });
    const expected = [
      [CONTAINER, { ttl: 62 }],
      [HOST, { ttl: 63 }],
      [NOBODY, { code: 1 }],
      [FORBIDDEN, { code: 13 }],
    ];
    assert.deepEqual([...heard], expected);
  });

  it('ends when one of each group has answered, not when one is said to be nobody', async () => {
    const wish = { addresses: [CONTAINER, NOBODY, MUTE], everyMs: 0, patienceMs: 60_000 };
    await sweep(network(), { ...wish, enough: [[NOBODY, CONTAINER]] });
    const begun = performance.now();
    await sweep(network(), { ...wish, patienceMs: 300, enough: [[NOBODY], [CONTAINER]] });
    assert.ok(performance.now() - begun >= 300);
  });

  it('believes no error that quotes something else, or too little', () => {
    const request = packetOf(
      1,
      NOBODY,
      encode({ subnet: 0, length: 0, hears: false, nonce: 7n, sequence: 0, sentAt: 1n }, 1),
    );
    const error = packetOf(ROUTER, 1, errorOf(1, request));
    assert.deepEqual(decodeError(error), { to: NOBODY, nonce: 7n, code: 1 });
    assert.equal(decode(error), undefined);
    for (let length = 0; length < error.length; length++)
      assert.equal(decodeError(error.subarray(0, length)), undefined, `${length} bytes`);
    for (const at of [0, 9, 20, 28, 37, 48, 56])
      assert.equal(decodeError(error.map((byte, i) => (i === at ? 0xff : byte))), undefined, `byte ${at}`);
  });
});
