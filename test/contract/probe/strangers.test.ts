import assert from 'node:assert/strict';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createLines, type Lines } from '../../../src/probe/lines.ts';
import { serve } from '../../../src/probe/server.ts';

/** 127.77.0.2: loopback, and nobody else's. */
const IP = 0x7f4d_0002;
const ADDRESS = '127.77.0.2';
const PORT = 28_288;
const CODE = 'abcde-fghij';

let end = async (): Promise<void> => undefined;

/** A client by hand: asks, and shows the answers. */
async function startSession(): Promise<{
  readonly ask: (question: object) => Promise<Record<string, unknown>>;
}> {
  let served: Promise<unknown> = Promise.resolve();
  await new Promise<void>((resolve, reject) => {
    const paths = [{ name: 'overlay', ip: IP }];
    served = serve({ paths, listen: [ADDRESS], port: PORT, code: CODE, waitSeconds: 60, listening: resolve });
    served.catch(reject);
  });
  const socket = connect(PORT, ADDRESS);
  const lines: Lines = createLines(socket);
  const ask = async (question: object) => {
    lines.send(JSON.stringify(question));
    return JSON.parse((await lines.next(60_000)) ?? '{"error":"gone"}') as Record<string, unknown>;
  };
  await ask({ hello: 1, code: CODE });
  end = async () => {
    lines.close();
    await served;
  };
  return { ask };
}

const prepare = (what: string, from = { ip: 0, port: 0 }) => ({
  ...{ ask: 'prepare', what, path: 'overlay', seconds: 0.2, streams: 1, from },
});

/** A UDP socket bound to a port of the kernel's choice. */
async function openUdp() {
  const socket = createSocket('udp4');
  socket.on('error', () => undefined);
  socket.unref().bind(0, ADDRESS);
  await once(socket, 'listening');
  return socket;
}

/** Resolves when the datagram is on its way, which over loopback means that it is there. */
const send = (socket: UdpSocket): Promise<void> =>
  new Promise((resolve) => socket.send('x', PORT + 1, ADDRESS, () => resolve()));

async function openData(): Promise<Socket> {
  const socket = connect(PORT + 1, ADDRESS);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

describe('probe: strangers', () => {
  afterEach(() => end());

  it('a stream without the token is closed, and the one with it is counted', async () => {
    const { ask } = await startSession();
    const { token } = await ask(prepare('tcp'));
    const stranger = await openData();
    stranger.write(Buffer.alloc(100_000));
    await new Promise((resolve) => stranger.once('close', resolve));
    const own = await openData();
    own.write(Buffer.from(String(token), 'hex'));
    own.end(Buffer.alloc(1000));
    await once(own, 'finish');
    assert.equal((await ask({ ask: 'collect' })).bytes, 1000);
  });

  it('datagrams of others are not counted', async () => {
    const { ask } = await startSession();
    const [own, stranger] = [await openUdp(), await openUdp()];
    await ask(prepare('udp', { ip: IP, port: own.address().port }));
    for (let i = 0; i < 5; i++) await send(stranger);
    for (let i = 0; i < 3; i++) await send(own);
    assert.equal((await ask({ ask: 'collect' })).received, 3);
    for (const socket of [own, stranger]) socket.close();
  });

  it('questions of others are not answered', async () => {
    const { ask } = await startSession();
    const [own, stranger] = [await openUdp(), await openUdp()];
    let heard = 0;
    stranger.on('message', () => heard++);
    await ask(prepare('echo', { ip: IP, port: own.address().port }));
    stranger.send('x', PORT + 1, ADDRESS);
    own.send('x', PORT + 1, ADDRESS);
    await once(own, 'message');
    assert.equal(heard, 0);
    await ask({ ask: 'collect' });
    for (const socket of [own, stranger]) socket.close();
  });

  it('what is not understood, not offered or not begun is refused, and the session goes on', async () => {
    const { ask } = await startSession();
    assert.match(String((await ask({ ask: 'everything' })).error), /not understood/);
    assert.match(String((await ask({ ...prepare('udp'), path: 'elsewhere' })).error), /no path elsewhere/);
    assert.match(String((await ask({ ask: 'collect' })).error), /nothing is being measured/);
    assert.deepEqual(await ask({ ask: 'mark' }), {});
  });
});
