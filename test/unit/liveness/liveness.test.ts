import assert from 'node:assert/strict';
import { type EchoPort, startLiveness, type Target } from '../../../src/liveness/liveness.ts';
import { decode, encode, MESSAGE_BYTES, type Message } from '../../../src/liveness/message.ts';
import { createTestClock } from '../../support/clock.ts';

const OWN = { subnet: 0xac110100, length: 24 };
const PEER: Target = { address: 0xac110200, subnet: 0xac110200, length: 24 };
const EVERY_MS = 5_000;

/** An IPv4 header without options before an ICMP message, as a raw socket gives it; `type` instead of the one that was sent. */
function arriving(from: number, icmp: Uint8Array, type: number): Uint8Array {
  const packet = new Uint8Array(20 + icmp.length);
  const view = new DataView(packet.buffer);
  view.setUint8(0, 0x45);
  view.setUint8(9, 1);
  view.setUint32(12, from);
  packet.set(icmp, 20);
  view.setUint8(20, type);
  return packet;
}

/** One peer behind a wire whose two directions can be cut. `asks`: its requests come in too. */
function createScene() {
  const clock = createTestClock();
  const inbox: { packet: Uint8Array; at: bigint }[] = [];
  const wire = { out: true, back: true };
  const sent: Message[] = [];
  let peers: ReadonlyMap<string, Target> = new Map([['key', PEER]]);
  const now = (): bigint => BigInt(clock.now()) * 1_000_000n;
  const port: EchoPort = {
    send(to, packet) {
      const message = decode(arriving(OWN.subnet, packet, 8));
      if (message) sent.push(message);
      // The answer takes 0.25 ms.
      if (wire.out && wire.back) inbox.push({ packet: arriving(to, packet, 0), at: now() + 250_000n });
      return true;
    },
    receive: () => inbox.shift(),
    now,
    close: () => undefined,
  };
  const liveness = startLiveness({
    ...{ port, clock, random: () => 0.5, everyMs: EVERY_MS, self: () => OWN },
    peers: () => peers,
  });
  return {
    clock,
    wire,
    sent,
    inbox,
    liveness,
    figures: () => liveness.figures().get('key'),
    asks(hears: boolean, from = PEER.address) {
      const request = { subnet: PEER.subnet, length: 24, hears, nonce: 7n, sentAt: 0n, sequence: 1 };
      inbox.push({ packet: arriving(from, encode(request, 9), 8), at: now() });
    },
    follow(next: ReadonlyMap<string, Target>) {
      peers = next;
    },
  };
}

describe('liveness', () => {
  it('gives the median round trip of peers that answer', async () => {
    const { clock, figures } = createScene();
    await clock.advance(29_000);
    assert.deepEqual(figures(), { verdict: 'answers', asked: 6, lost: 0, rttMicros: 250 });
  });

  it('asks at the interval, with its own subnet', async () => {
    const { clock, sent } = createScene();
    await clock.advance(49_000);
    assert.equal(sent.length, 10);
    assert.deepEqual([sent[0]?.subnet, sent[0]?.length, sent[0]?.hears], [OWN.subnet, OWN.length, false]);
  });

  it('knows nothing before the first answer is due', async () => {
    const { clock, wire, figures } = createScene();
    wire.out = false;
    await clock.advance(1_000);
    assert.equal(figures()?.verdict, 'unknown');
  });

  it('calls a peer silent of which nothing comes', async () => {
    const { clock, wire, figures } = createScene();
    await clock.advance(10_000);
    wire.out = false;
    await clock.advance(20_000);
    assert.equal(figures()?.verdict, 'silent');
  });

  it('tells which way is broken', async () => {
    const { clock, wire, asks, figures } = createScene();
    wire.out = false;
    await clock.advance(20_000);
    asks(false);
    assert.match(figures()?.detail ?? '', /does not hear this node/);
    asks(true);
    assert.match(figures()?.detail ?? '', /hears this node, but its answers/);
    assert.equal(figures()?.verdict, 'one-way');
    await clock.advance(20_000);
    assert.equal(figures()?.verdict, 'silent');
  });

  it('tells the peer whether it is heard', async () => {
    const { clock, asks, sent } = createScene();
    asks(false);
    await clock.advance(6_000);
    assert.equal(sent.at(-1)?.hears, true);
  });

  it('calls a path lossy when single requests are lost, not when the peer was away', async () => {
    const { clock, wire, figures } = createScene();
    for (let i = 0; i < 10; i++) {
      wire.out = i % 3 !== 0;
      await clock.advance(EVERY_MS);
    }
    wire.out = true;
    await clock.advance(3_000);
    assert.equal(figures()?.verdict, 'loses');
    wire.out = false;
    await clock.advance(20_000);
    wire.out = true;
    await clock.advance(10_000);
    assert.equal(figures()?.verdict, 'answers');
  });

  it('believes no answer it did not ask for, and nobody in a peer’s name from elsewhere', async () => {
    const { clock, wire, inbox, asks, sent, figures } = createScene();
    wire.out = false;
    await clock.advance(12_000);
    const [first] = sent;
    assert.ok(first);
    inbox.push({ packet: arriving(PEER.address, encode({ ...first, nonce: first.nonce ^ 1n }, 1), 0), at: 0n });
    asks(false, 0x0a000001);
    inbox.push({ packet: new Uint8Array(3), at: 0n });
    await clock.advance(10_000);
    assert.deepEqual([figures()?.verdict, figures()?.rttMicros], ['silent', undefined]);
  });

  it('follows the peers', async () => {
    const { clock, figures, follow, liveness } = createScene();
    await clock.advance(10_000);
    follow(new Map());
    await clock.advance(1_000);
    assert.equal(figures(), undefined);
    liveness.close();
    assert.equal(clock.pending(), 0);
  });

  it('asks at most 200 a second, everybody in turn', async () => {
    const { clock, sent, follow } = createScene();
    follow(new Map(Array.from({ length: 2_000 }, (_, i) => [`k${i}`, { ...PEER, address: i + 1 }])));
    await clock.advance(9_900);
    assert.equal(sent.length, 20 * 100);
    await clock.advance(10_000);
    assert.equal(sent.length, 40 * 100);
  });

  it('makes messages the kernel takes for what they are', () => {
    const message = {
      subnet: OWN.subnet,
      length: 24,
      hears: true,
      nonce: 2n ** 64n - 1n,
      sentAt: 5n,
      sequence: 65_535,
    };
    const bytes = encode(message, 77);
    assert.equal(bytes.length, MESSAGE_BYTES);
    assert.deepEqual(decode(arriving(1, bytes, 8)), { ...message, kind: 'request', from: 1, ttl: 0 });
  });
});
