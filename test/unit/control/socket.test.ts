import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask, askIfRunning, askIfUp } from '../../../src/control/client.ts';
import { METHODS } from '../../../src/control/protocol.ts';
import { type ControlServer, type Handlers, serveControl } from '../../../src/daemon/control-server.ts';
import { TsflannelError } from '../../../src/errors.ts';
import { until } from '../../support/until.ts';

const codeOf = (code: string) => (error: unknown) => error instanceof TsflannelError && error.code === code;

/** Handlers that answer nothing but their name, unless given. */
const handlers = (parts: Partial<Record<keyof Handlers, () => Promise<unknown>>> = {}): Handlers =>
  Object.fromEntries(METHODS.map((name) => [name, parts[name] ?? (async () => ({ name }))])) as unknown as Handlers;

/** All that comes back on a connection, and whether it was ended. */
function talk(path: string): { socket: Socket; ended: Promise<string> } {
  const socket = createConnection({ path, allowHalfOpen: true });
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const ended = new Promise<string>((resolve) => {
    socket.on('end', () => resolve(text));
    socket.on('error', () => resolve(text));
  });
  return { socket, ended };
}

describe('control socket', () => {
  let dir = '';
  let server: ControlServer | undefined;
  const path = () => join(dir, 'control.sock');
  const serve = async (parts?: Parameters<typeof handlers>[0]) => {
    server = await serveControl(dir, handlers(parts));
  };
  const send = async (text: string): Promise<string> => {
    const { socket, ended } = talk(path());
    socket.write(text);
    const answer = await ended;
    socket.destroy();
    return answer;
  };

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tsflannel-control-'));
    server = undefined;
  });
  afterEach(async () => {
    await server?.close();
    await rm(dir, { recursive: true, force: true });
  });

  it('is root’s alone from the first moment, and leaves the umask as it was', async () => {
    const umask = process.umask();
    const listening = serveControl(dir, handlers());
    assert.equal(process.umask(), umask);
    assert.equal((await stat(path())).mode & 0o777, 0o600);
    server = await listening;
    assert.deepEqual(await ask(dir, 'ping'), { name: 'ping' });
  });

  it('answers what is asked, whole or in pieces, with the caller half closed or not', async () => {
    await serve();
    assert.equal(JSON.parse(await send('{"method":"status"}\n')).result.name, 'status');
    const { socket, ended } = talk(path());
    for (const piece of ['{"met', 'hod":"pl', 'an"}']) socket.write(piece);
    socket.end('\n');
    assert.equal(JSON.parse(await ended).result.name, 'plan');
  });

  it('answers once, whatever follows', async () => {
    let asked = 0;
    const plan = async () => {
      asked++;
      await until('all was sent', () => sent);
      return {};
    };
    await serve({ plan });
    let sent = false;
    const { socket, ended } = talk(path());
    socket.write('{"method":"plan"}\n{"method":"plan"}\n');
    await until('it is asked', () => asked > 0);
    socket.write('{"method":"plan"}\n');
    await ask(dir, 'ping');
    sent = true;
    assert.deepEqual([JSON.parse(await ended), asked], [{ result: {} }, 1]);
    socket.destroy();
  });

  it('refuses what it does not know', async () => {
    await serve();
    const unknown = [
      '{"method":"exec"}',
      '{"method":"__proto__"}',
      '{"method":"constructor"}',
      '{"method":["ping"]}',
      'null',
      '[]',
      '',
      'x',
      '{',
    ];
    for (const line of [...unknown, '\u0000', '{"method":"ping"', '['.repeat(4_000)]) {
      const { error } = JSON.parse(await send(`${line}\n`)) as { error: { code: string; detail: string } };
      assert.deepEqual(error, { code: 'USAGE', detail: 'no such request' }, line);
    }
  });

  it('cuts off who says too much, and who ends without having asked', async () => {
    await serve();
    assert.equal(await send('x'.repeat(100_000)), '');
    const { socket, ended } = talk(path());
    socket.end('{"method":"ping"}');
    assert.equal(await ended, '');
    assert.deepEqual(await ask(dir, 'ping'), { name: 'ping' });
  });

  it('tells errors by code and text', async () => {
    const fail = (error: Error) => async () => {
      throw error;
    };
    await serve({
      plan: fail(new Error('it broke')),
      status: fail(new TsflannelError('DAEMON_STARTING', { detail: 'etcd is away' })),
      routes: async () => ({ big: 2n ** 64n }),
    });
    await assert.rejects(
      ask(dir, 'plan'),
      (error) => codeOf('DAEMON_ANSWER')(error) && /it broke/.test((error as TsflannelError).why),
    );
    await assert.rejects(
      ask(dir, 'status'),
      (error) => codeOf('DAEMON_STARTING')(error) && (error as TsflannelError).why === 'etcd is away',
    );
    assert.equal(await askIfUp(dir, 'status'), undefined);
    assert.deepEqual(await ask(dir, 'routes'), { big: '18446744073709551616' });
  });

  it('takes over the socket of a dead daemon, never that of a living one', async () => {
    await writeFile(path(), '');
    await serve();
    await assert.rejects(serveControl(dir, handlers()), codeOf('ALREADY_RUNNING'));
    assert.deepEqual(await ask(dir, 'ping'), { name: 'ping' });
  });

  it('says when it cannot listen', async () => {
    await assert.rejects(serveControl(join(dir, 'missing'), handlers()), codeOf('FILE_FAILED'));
  });

  it('closes although callers say nothing, or do not read', async () => {
    await serve({ routes: async () => ({ rows: 'x'.repeat(10_000_000) }) });
    const silent = talk(path());
    const deaf = createConnection({ path: path(), allowHalfOpen: true });
    deaf.on('error', () => undefined).write('{"method":"routes"}\n');
    deaf.pause();
    await until('both are connected', () => silent.socket.readyState === 'open' && deaf.readyState === 'open');
    await ask(dir, 'ping');
    const begun = performance.now();
    await server?.close();
    assert.ok(performance.now() - begun < 3_000);
    silent.socket.destroy();
    deaf.destroy();
  });

  it('closes at once beside callers that only listen', async () => {
    await serve();
    const silent = talk(path());
    const answered = talk(path());
    answered.socket.write('{"method":"ping"}\n');
    await answered.ended;
    await until('both are connected', () => silent.socket.readyState === 'open');
    const begun = performance.now();
    await server?.close();
    assert.ok(performance.now() - begun < 500);
    silent.socket.destroy();
    answered.socket.destroy();
  });

  it('gives the answer that is under way before it closes', async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    await serve({ plan: () => promise });
    const answer = ask(dir, 'plan');
    await ask(dir, 'ping');
    const closing = server?.close();
    resolve({ done: true });
    assert.deepEqual(await answer, { done: true });
    await closing;
    assert.equal(await askIfRunning(dir, 'ping'), undefined);
  });
});

describe('asking a daemon', () => {
  it('says so when none answers, or it breaks off', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'tsflannel-control-'));
    await assert.rejects(ask(dir, 'ping'), codeOf('DAEMON_NOT_RUNNING'));
    for (const half of ['', '{"result":', '{"result":{}}', 'nonsense\n']) {
      const server = createServer((socket) => socket.resume().end(half)).listen(join(dir, 'control.sock'));
      await new Promise((resolve) => server.once('listening', resolve));
      await assert.rejects(ask(dir, 'ping'), codeOf('DAEMON_NOT_RUNNING'), half);
      await new Promise((resolve) => server.close(resolve));
    }
    const silent = createServer((socket) => socket.resume()).listen(join(dir, 'control.sock'));
    await new Promise((resolve) => silent.once('listening', resolve));
    await assert.rejects(ask(dir, 'ping', 50), codeOf('DAEMON_NOT_RUNNING'));
    silent.close();
    await rm(dir, { recursive: true });
  });
});
