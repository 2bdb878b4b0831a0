import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import type { TsflannelError } from '../../../src/errors.ts';
import { ask, verifyService } from '../../../src/etcd/join-client.ts';
import { MAX_BODY, PATHS } from '../../../src/etcd/join-protocol.ts';
import { type Answer, type Door, openDoor } from '../../../src/etcd/join-server.ts';
import { certificate, hashOfCa, type Pair, publicKeyOf } from '../../../src/etcd/pki.ts';
import { ensureCa, ensureCerts } from '../../../src/etcd/pki-files.ts';
import { issue, newCa, newKey } from '../../../src/etcd/pki-make.ts';
import { openRate } from '../../../src/etcd/rate.ts';
import { until } from '../../support/until.ts';

const IP = { family: 4 as const, value: 0x7f000001n };
const identity = (kind: 'server' | 'client') => ({ kind, name: 'a', ips: [IP], hosts: ['a'] });

describe('etcd/join-server: a door for strangers', () => {
  let pki = '';
  let ca: Pair;
  let door: Door;
  let answer: Answer;
  const errors: unknown[] = [];
  before(async () => {
    pki = mkdtempSync(join(tmpdir(), 'tsflannel-door-'));
    ca = await ensureCa(pki);
    await ensureCerts(pki, ca, [identity('server'), identity('client')]);
  });
  beforeEach(async () => {
    answer = async ({ body, shown }) => ({ status: 200, body: JSON.stringify({ body, kind: shown?.subject ?? '' }) });
    errors.length = 0;
    const onError = (error: unknown) => errors.push(error);
    door = await openDoor({ pki, host: '127.0.0.1', port: 0, answer: (q) => answer(q), onError });
  });
  afterEach(() => door.close());
  after(() => rmSync(pki, { recursive: true }));

  const service = () => ({ ip: IP, port: door.port });
  const token = (over = {}) => ({
    ...{ purpose: 'member' as const, ...service(), caHash: hashOfCa(certificate(ca.cert)) },
    ...{ id: '0123456789', secret: Buffer.alloc(20), ...over },
  });

  async function secured(): Promise<TLSSocket> {
    const socket = connect({ host: '127.0.0.1', port: door.port, ca: ca.cert, servername: 'localhost' });
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return socket;
  }

  /** Sends these bytes and resolves to what came back before the end. */
  const talk = (socket: Socket, bytes: string | Buffer): Promise<string> =>
    new Promise((resolve) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
      });
      socket.on('error', () => resolve(text));
      socket.on('close', () => resolve(text));
      socket.write(bytes);
    });

  const post = (length: number, body: string, path = PATHS.join) =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${body}`;

  it('is known by the hash of its CA alone', async () => {
    assert.equal(certificate((await verifyService(token())).ca).fingerprint256, certificate(ca.cert).fingerprint256);
    const other = hashOfCa(certificate((await newCa()).cert));
    await assert.rejects(verifyService(token({ caHash: other })), (error: TsflannelError) => error.code === 'JOIN_CA');
  });

  it('is refused where the CA it shows did not sign its own certificate', async () => {
    const other = mkdtempSync(join(tmpdir(), 'tsflannel-door-'));
    const { writeCert } = await import('../../../src/etcd/pki-files.ts');
    await ensureCerts(other, await ensureCa(other), [identity('server')]);
    // A machine in the middle that knows the public CA certificate and shows it beside its own.
    await writeCert(other, 'ca', ca.cert);
    const middle = await openDoor({ pki: other, host: '127.0.0.1', port: 0, answer, onError: () => undefined });
    try {
      await assert.rejects(verifyService(token({ port: middle.port })), /not the one that made the token/);
    } finally {
      await middle.close();
      rmSync(other, { recursive: true });
    }
  });

  it('tells who shows a certificate of the CA from who does not', async () => {
    const { readFileSync } = await import('node:fs');
    const read = (name: string) => readFileSync(join(pki, name), 'utf8');
    assert.equal(JSON.parse(await ask(service(), { ca: ca.cert }, PATHS.join, 'x')).kind, '');
    const own = { ca: ca.cert, cert: read('client.crt'), key: read('client.key') };
    assert.match(JSON.parse(await ask(service(), own, PATHS.member, 'x')).kind, /CN=client:a/);
    const stranger = await newCa();
    const forged = { ca: ca.cert, cert: stranger.cert, key: stranger.key };
    assert.equal(JSON.parse(await ask(service(), forged, PATHS.member, 'x')).kind, '');
  });

  it('takes no more than a question may be long', async () => {
    assert.match(await talk(await secured(), post(MAX_BODY + 1, 'x'.repeat(MAX_BODY + 1))), / 413 [\s\S]*TOO_LARGE/);
    assert.match(await talk(await secured(), post(5, 'hello')), / 200 /);
    assert.equal(errors.length, 0);
  });

  it('drops garbage, with TLS and without, and goes on', async () => {
    const garbage = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * 7919) & 255));
    await talk(connectTcp(door.port, '127.0.0.1'), garbage);
    await talk(connectTcp(door.port, '127.0.0.1'), 'GET / HTTP/1.1\r\n\r\n');
    await talk(await secured(), garbage);
    await talk(await secured(), `POST / HTTP/1.1\r\n${'X: y\r\n'.repeat(5000)}\r\n`);
    assert.match(await talk(await secured(), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'), / 405 /);
    assert.match(await talk(await secured(), post(5, 'hello')), / 200 /);
  });

  it('does not wait for slow ones: neither handshake nor question', async () => {
    const began = performance.now();
    await Promise.all([
      talk(connectTcp(door.port, '127.0.0.1'), '\x16\x03\x01'),
      talk(await secured(), 'POST /v1/jo'),
      talk(await secured(), post(1000, 'x')),
    ]);
    assert.ok(performance.now() - began < 15_000);
    assert.match(await talk(await secured(), post(5, 'hello')), / 200 /);
  });

  it('lets one address hold a few connections only', async () => {
    const held = Array.from({ length: 8 }, () => connectTcp(door.port, '127.0.0.1'));
    await Promise.all(held.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    assert.equal(await talk(connectTcp(door.port, '127.0.0.1'), 'x'), '');
    const ends = held.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    for (const socket of held) socket.destroy();
    await Promise.all(ends);
    await until('a place is free', async () => (await secured().catch(() => undefined))?.destroy() !== undefined);
  });

  it('lets an address try a few times, then no more for a while', async () => {
    const codes: string[] = [];
    for (let i = 0; i < 36; i++) codes.push(/ (\d{3}) /.exec(await talk(await secured(), post(1, 'x')))?.[1] ?? '');
    assert.equal(codes[0], '200');
    assert.ok(codes.includes('429'), codes.join());
  });

  it('says nothing of what failed inside', async () => {
    answer = () => Promise.reject(new Error('secret of the house'));
    const text = await talk(await secured(), post(5, 'hello'));
    assert.match(text, / 500 /);
    assert.doesNotMatch(text, /secret of the house/);
    assert.equal(errors.length, 1);
  });
});

describe('etcd/join-client: certificates out of their time', () => {
  const DAY_MS = 86_400_000;
  const signs = async (ca: Pair, kind: 'server' | 'client', from: number): Promise<Pair> => {
    const key = await newKey();
    return { key, cert: await issue(ca, publicKeyOf(key), identity(kind), from) };
  };

  /** A service that shows these. */
  async function serving<T>(
    ca: Pair,
    own: Pair,
    use: (service: { ip: typeof IP; port: number }) => Promise<T>,
  ): Promise<T> {
    const pki = mkdtempSync(join(tmpdir(), 'tsflannel-time-'));
    const files = { 'ca.crt': ca.cert, 'server.crt': own.cert, 'server.key': own.key };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(pki, name), text);
    const answer = async () => ({ status: 200, body: '{}' });
    const door = await openDoor({ pki, host: '127.0.0.1', port: 0, answer, onError: () => {} });
    try {
      return await use({ ip: IP, port: door.port });
    } finally {
      await door.close();
      rmSync(pki, { recursive: true });
    }
  }

  const code = (call: Promise<unknown>, wanted: string, why: RegExp) =>
    assert.rejects(call, (error: TsflannelError) => error.code === wanted && why.test(error.why));

  for (const [what, days, wanted, why] of [
    ['has ended', -400, 'CERT_EXPIRED', /certificate of the join service ended at .*clock of this host says/],
    ['begins tomorrow', 1, 'CERT_NOT_YET_VALID', /certificate of the join service begins at .*clock of this host says/],
  ] as const) {
    it(`tells a joiner that the service's ${what}`, async () => {
      const ca = await newCa(Date.now() - 500 * DAY_MS);
      const own = await signs(ca, 'server', Date.now() + days * DAY_MS);
      await serving(ca, own, async (service) => {
        const rest = { purpose: 'member' as const, id: '0123456789', secret: Buffer.alloc(20) };
        await code(verifyService({ ...rest, ...service, caHash: hashOfCa(certificate(ca.cert)) }), wanted, why);
        await code(ask(service, { ca: ca.cert }, PATHS.join, ''), wanted, /clock of this host says/);
      });
    });

    it(`shows no certificate of its own that ${what}`, async () => {
      const ca = await newCa(Date.now() - 500 * DAY_MS);
      const mine = await signs(ca, 'client', Date.now() + days * DAY_MS);
      await serving(ca, await signs(ca, 'server', Date.now()), (service) =>
        code(ask(service, { ca: ca.cert, ...mine }, PATHS.renew, ''), wanted, /certificate of this host/),
      );
    });
  }
});

describe('etcd/rate', () => {
  it('gives a burst, then a share by the second, to each its own', () => {
    let now = 0;
    const rate = openRate(3, 2, () => now);
    assert.deepEqual(
      [1, 2, 3, 4].map(() => rate.take('a')),
      [true, true, true, false],
    );
    assert.ok(rate.take('b'));
    now = 500;
    assert.deepEqual([rate.take('a'), rate.take('a')], [true, false]);
    now = 1e9;
    assert.deepEqual(
      [1, 2, 3, 4].map(() => rate.take('a')),
      [true, true, true, false],
    );
  });

  it('forgets the least recent of very many', () => {
    const rate = openRate(1, 0, () => 0);
    for (let i = 0; i < 1025; i++) rate.take(`host ${i}`);
    assert.deepEqual([rate.take('host 1024'), rate.take('host 0')], [false, true]);
  });
});
