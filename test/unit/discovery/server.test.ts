import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockFolder } from '../../../src/discovery/lock.ts';
import { openRegistries, type Registries } from '../../../src/discovery/registries.ts';
import { type Listening, startServer } from '../../../src/discovery/server.ts';
import { TsflannelError } from '../../../src/errors.ts';
import { newDiscoveryUrl, readDiscovery, register } from '../../../src/etcd/discovery.ts';

const HOUR = 3_600_000;

describe('discovery: the server', () => {
  let dir = '';
  let now = 0;
  let registries: Registries;
  let server: Listening;
  let base = '';
  const notices: string[] = [];

  const start = async (waitMs = 5000, publicUrl?: string) => {
    registries = await openRegistries({
      ...{ dataDir: dir, maxTokens: 3, ttlMs: HOUR },
      ...{ now: () => now, notice: (line) => notices.push(line) },
    });
    const ours = publicUrl === undefined ? {} : { publicUrl: { secure: true, host: publicUrl, port: 443 } };
    server = await startServer({ registries, ...ours }, { host: '127.0.0.1', port: 0, waitMs });
    base = `http://127.0.0.1:${server.port}`;
  };
  const ask = async (path: string, method = 'GET', body?: string) => {
    const response = await fetch(`${base}${path}`, { method, ...(body !== undefined && { body }) });
    const text = await response.text();
    return { status: response.status, index: response.headers.get('x-etcd-index'), text };
  };
  const codeOf = ({ text }: { text: string }) => (JSON.parse(text) as { errorCode: number }).errorCode;
  const token = async (size = 3) => new URL((await ask(`/new?size=${size}`)).text.trim()).pathname;
  const put = (at: string, id: string, value: string) =>
    ask(`${at}/${id}?prevExist=false`, 'PUT', new URLSearchParams({ value }).toString());

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'care-discovery-'));
    notices.length = 0;
    await start();
  });
  afterEach(async () => {
    await server.stop();
    rmSync(dir, { recursive: true });
  });

  it('serves our own client: a URL, its size, members in the order they came', async () => {
    const url = await newDiscoveryUrl(base, 2);
    assert.match(url, new RegExp(`^${base}/[0-9a-f]{32}$`));
    assert.deepEqual(await readDiscovery(url), { size: 2, members: [] });
    assert.equal(await register(url, 'b2', 'two=http://10.0.0.2:2380'), true);
    assert.equal(await register(url, 'a1', 'one=http://10.0.0.1:2380'), true);
    assert.equal(await register(url, 'a1', 'one=http://10.0.0.1:2380'), false);
    const { members } = await readDiscovery(url);
    assert.deepEqual(
      members.map(({ id, name }) => `${id} ${name}`),
      ['b2 two', 'a1 one'],
    );
  });

  it('takes its own name from the request, or from --public-url', async () => {
    assert.match((await ask('/new')).text, new RegExp(`^${base}/`));
    await server.stop();
    await start(5000, 'd.example.org');
    assert.match((await ask('/new')).text, /^https:\/\/d\.example\.org:443\/[0-9a-f]{32}\n$/);
  });

  it('forgets nothing when it is started again', async () => {
    const at = await token();
    await put(at, 'a1', 'one=http://10.0.0.1:2380');
    const before = await ask(at);
    assert.equal(statSync(join(dir, `${at.slice(1)}.json`)).mode & 0o777, 0o600);
    await server.stop();
    writeFileSync(join(dir, `${'0'.repeat(32)}.json`), '{"version":1,"size":3');
    await start();
    assert.deepEqual(await ask(at), before);
    assert.equal(before.index, '5');
    assert.match(notices.join(), /0{32}\.json is left alone/);
  });

  it('answers who waits: at once what has come, later what comes, nothing after a while', async () => {
    const at = await token();
    await put(at, 'a1', 'one=http://10.0.0.1:2380');
    const self = await ask(`${at}/a1?wait=true&recursive=false&waitIndex=5`);
    assert.match(self.text, /"action":"create".*"value":"one=/);
    const waiting = ask(`${at}?wait=true&recursive=true&waitIndex=6`);
    const other = ask(`${at}/ff?wait=true&waitIndex=6`);
    await put(at, 'b2', 'two=http://10.0.0.2:2380');
    const seen = await waiting;
    assert.match(seen.text, /"value":"two=.*"createdIndex":6/);
    assert.equal(seen.index, '5');
    await put(at, 'ff', 'three=http://10.0.0.3:2380');
    assert.match((await other).text, /three=/);
    await server.stop();
    await start(50);
    assert.deepEqual(await ask(`${at}?wait=true`), { status: 200, index: '7', text: '' });
  });

  it('ends those who wait when it stops', async () => {
    const waiting = ask(`${await token()}?wait=true`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const began = performance.now();
    await server.stop();
    assert.equal((await waiting).text, '');
    assert.ok(performance.now() - began < 900);
    await start();
  });

  it('says what etcd understands', async () => {
    const at = await token(1);
    const unknown = await ask(`/${'0'.repeat(32)}/_config/size`);
    assert.deepEqual([unknown.status, codeOf(unknown)], [404, 100]);
    await put(at, 'a1', 'one=http://10.0.0.1:2380');
    const again = await put(at, 'a1', 'other=http://10.0.0.9:2380');
    assert.deepEqual([again.status, codeOf(again)], [412, 105]);
    const namesake = await put(at, 'b2', 'one=http://10.0.0.2:2380');
    assert.deepEqual([namesake.status, codeOf(namesake)], [400, 209]);
    assert.match(namesake.text, /a member named one has come/);
  });

  it('lets latecomers see that the cluster is full, but only so many', async () => {
    const at = await token(1);
    const came: number[] = [];
    for (let i = 1; i <= 20; i++) came.push((await put(at, i.toString(16), `m${i}=http://10.0.0.1:${i}`)).status);
    assert.equal(came.filter((status) => status === 201).length, 17);
    assert.equal(came.at(-1), 400);
  });

  for (const [what, id, value] of [
    ['an id that is no member id', 'xyz', 'a=http://10.0.0.1:1'],
    ['an id of a path', '..%2f..%2fetc', 'a=http://10.0.0.1:1'],
    ['_config', '_config', 'a=http://10.0.0.1:1'],
    ['no value', 'a1', ''],
    ['two members in one', 'a1', 'a=http://10.0.0.1:1,b=http://10.0.0.2:1'],
    ['an escape in the name', 'a1', '\u001b[2J=http://10.0.0.1:1'],
    ['no URL', 'a1', 'a=--force-new-cluster'],
    ['a long value', 'a1', `a=http://10.0.0.1:1${',a=http://10.0.0.1:1'.repeat(100)}`],
    ['a body without end', 'a1', 'x'.repeat(10_000)],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const at = await token();
      const { status } = await put(at, id, value).catch(() => ({ status: 413 }));
      assert.ok(status >= 400 && status < 500, String(status));
      assert.match((await ask(at)).text, /"nodes":\[\]/);
    });
  }

  it('changes and deletes nobody', async () => {
    const at = await token();
    await put(at, 'a1', 'one=http://10.0.0.1:2380');
    const before = await ask(at);
    for (const method of ['DELETE', 'POST', 'PATCH']) assert.equal((await ask(`${at}/a1`, method)).status, 405);
    assert.equal((await ask(`${at}/a1`, 'PUT', 'value=one%3Dhttp%3A%2F%2F10.0.0.9%3A1')).status, 400);
    assert.equal((await ask(`${at}/_config/size`, 'PUT', 'value=9')).status, 404);
    assert.deepEqual(await ask(at), before);
  });

  it('refuses sizes that are none, and more registries than it keeps', async () => {
    for (const size of ['0', '-1', '32', '1e1', '', '3.0']) assert.equal((await ask(`/new?size=${size}`)).status, 400);
    for (let i = 0; i < 3; i++) await token();
    assert.equal((await ask('/new')).status, 503);
    now += HOUR + 1;
    assert.equal((await ask('/new')).status, 200);
    assert.equal(readdirSync(dir).length, 1);
  });

  it('keeps what is in use', async () => {
    const at = await token();
    now += HOUR - 1;
    await put(at, 'a1', 'one=http://10.0.0.1:2380');
    now += HOUR - 1;
    assert.equal(await registries.forgetOld(), 0);
    now += 2;
    assert.equal(await registries.forgetOld(), 1);
    assert.equal((await ask(at)).status, 404);
  });

  it('lives on after requests that are no HTTP', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.end('GET /\u0000 HTTP/9.9\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve).resume());
    assert.equal((await ask('/health')).status, 200);
  });
});

describe('discovery: the lock', () => {
  it('keeps a second server out, and no longer than the first lives', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'care-lock-'));
    const ppid = process.ppid;
    const unlock = await lockFolder(dir);
    const { birthOf } = await import('../../../src/etcd/proc.ts');
    writeFileSync(join(dir, 'server.pid'), `${ppid} ${birthOf(ppid)}\n`);
    await assert.rejects(lockFolder(dir), (error) => error instanceof TsflannelError && error.code === 'FOLDER_IN_USE');
    writeFileSync(join(dir, 'server.pid'), `${ppid} 1\n`);
    await lockFolder(dir);
    await unlock();
    assert.deepEqual(readdirSync(dir), []);
    rmSync(dir, { recursive: true });
  });
});
