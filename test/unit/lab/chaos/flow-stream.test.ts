import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createStream, type Stream } from '../../../../src/lab/chaos/flow-stream.ts';
import { until } from '../../../support/until.ts';

/** Echoes, except on connections that are held back. */
async function echo() {
  const sockets: Socket[] = [];
  const held = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      if (!held.has(socket)) socket.write(data);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    held,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

describe('lab/chaos/flow-stream', () => {
  let other: Awaited<ReturnType<typeof echo>>;
  let stream: Stream;
  beforeEach(async () => {
    other = await echo();
    stream = createStream('127.0.0.1', other.port);
    await until('the first connection', () => other.sockets.length === 1);
  });
  afterEach(() => {
    stream.close();
    other.close();
  });
  const first = () => other.sockets[0] as Socket;

  it('is silent as long as nothing comes back, and counts anew', async () => {
    other.held.add(first());
    await until('a silence', () => stream.seen().stallMs > 300);
    other.held.clear();
    stream.reset();
    await until('an answer', () => stream.seen().stallMs < 300);
    assert.deepEqual([stream.seen().resets, other.sockets.length], [0, 1]);
  });

  it('that still is silent is not the next fault’s: another one is measured, and it ends unseen when it is heard again', async () => {
    other.held.add(first());
    await until('a long silence', () => stream.seen().stallMs > 1_100);
    stream.reset();
    assert.ok(stream.seen().stallMs < 1_000);
    await until('the second connection', () => other.sockets.length === 2);
    other.held.clear();
    first().write('at last');
    await until('the end of the first', () => first().closed);
    assert.deepEqual([stream.seen().resets, other.sockets.length], [0, 2]);
  });

  it('counts a break, also of one that is left to come back, and opens the measured one anew', async () => {
    other.held.add(first());
    await until('a long silence', () => stream.seen().stallMs > 1_100);
    stream.reset();
    await until('the second connection', () => other.sockets.length === 2);
    first().resetAndDestroy();
    await until('the first break', () => stream.seen().resets === 1);
    (other.sockets[1] as Socket).resetAndDestroy();
    await until('the third connection', () => other.sockets.length === 3);
    assert.equal(stream.seen().resets, 2);
  });
});
