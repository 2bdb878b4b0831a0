/** Our transport against what can go wrong on the way to a real etcd. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TsflannelError } from '../../src/errors.ts';
import { openGrpcKv } from '../../src/store/etcd/kv.ts';
import type { Kv, KvOptions } from '../../src/store/kv.ts';
import { freePort, startEtcd, type TestEtcd } from '../support/etcd.ts';
import { type Relay, startRelay } from '../support/relay.ts';
import { createCa, type Pair, type TestCa } from '../support/tls.ts';
import { until } from '../support/until.ts';

const clients: Kv[] = [];

function open(endpoints: readonly string[], more: Partial<KvOptions> = {}): Kv {
  const kv = openGrpcKv({ endpoints, timeoutMs: 1_000, ...more });
  clients.push(kv);
  return kv;
}
const put = (kv: Kv, key: string, value = 'v') => kv.txn([], [{ op: 'put', key, value }]);
const at = (port: number, host = '127.0.0.1'): string => `http://${host}:${port}`;

/** Runs into an error of this code; returns all of its text. */
async function fails(work: Promise<unknown>, code: string): Promise<string> {
  let text = '';
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof TsflannelError, String(error));
    text = `${error.message}\n${error.why}\n${JSON.stringify(error)}\n${error.stack}`;
    assert.equal(error.code, code, text);
    return true;
  });
  assert.doesNotMatch(text, /canary/, 'a secret is in an error');
  return text;
}

async function timed<T>(work: Promise<T>): Promise<{ value: T; ms: number }> {
  const begun = performance.now();
  return { value: await work, ms: performance.now() - begun };
}

/** The error a watch ends with. */
const watchEnd = (kv: Kv, prefix: string): Promise<Error | undefined> =>
  new Promise((resolve) => kv.watchStream(prefix, 0n, () => undefined, resolve));

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

describe('transport: endpoints', () => {
  let etcd: TestEtcd;
  let first: Relay;
  let second: Relay;

  before(async () => {
    etcd = await startEtcd();
  });
  beforeEach(async () => {
    first = await startRelay(etcd.port);
    second = await startRelay(etcd.port);
  });
  afterEach(async () => {
    await first.close();
    await second.close();
  });
  after(() => etcd.close());

  it('names each endpoint and its reason when none answers', async () => {
    const [a, b] = [await freePort(), await freePort()];
    const text = await fails(open([at(a), at(b, 'localhost')]).range('k'), 'ETCD_UNREACHABLE');
    assert.match(text, new RegExp(`127.0.0.1:${a}: connect ECONNREFUSED`));
    assert.match(text, new RegExp(`localhost:${b}: .*ECONNREFUSED`));
    const unknown = await fails(open(['http://no-such-host.invalid:2379']).range('k'), 'ETCD_UNREACHABLE');
    assert.match(unknown, /no-such-host\.invalid/);
  });

  it('refuses endpoints that are none, without repeating their password', () => {
    for (const endpoint of ['ftp://127.0.0.1', 'http://', 'http://1.2.3.4:0', 'http://127.1:2379'])
      assert.throws(
        () => open([endpoint]),
        (error) => error instanceof TsflannelError && error.code === 'USAGE',
      );
    assert.throws(
      () => open(['http://root:canary@127.0.0.1:2379']),
      (error) =>
        error instanceof TsflannelError && error.code === 'USAGE' && !`${error.why}${error.stack}`.includes('canary'),
    );
    assert.throws(
      () => open([]),
      (error) => error instanceof TsflannelError && error.code === 'USAGE',
    );
  });

  it('takes the next endpoint when the first does not answer, for writes and watches too', async () => {
    const dead = await freePort();
    const kv = open([at(dead), at(second.port, 'localhost')]);
    await put(kv, '/next/a');
    assert.equal((await kv.range('/next/')).kvs.length, 1);
    const other = open([at(dead), at(second.port)]);
    let created = false;
    other.watchStream(
      '/next/',
      0n,
      (frame) => (created ||= frame.created),
      () => undefined,
    );
    await until('created', () => created);
  });

  it('goes on over the other endpoint when the one in use dies', async () => {
    const kv = open([at(first.port), at(second.port)]);
    await put(kv, '/dies/a');
    await first.close();
    const { ms } = await timed(
      until('a write', () =>
        put(kv, '/dies/b').then(
          () => true,
          () => false,
        ),
      ),
    );
    assert.ok(ms < 500, `${ms} ms`);
  });

  it('sends a read again to the next endpoint, a write never', async () => {
    const kv = open([at(first.port), at(second.port)]);
    await kv.range('/twice/');
    first.swallowAnswers(true);
    const { ms } = await timed(kv.range('/twice/'));
    assert.ok(ms >= 1_000 && ms < 2_000, `${ms} ms`);
    second.swallowAnswers(true);
    first.swallowAnswers(false);
    await fails(put(kv, '/twice/w'), 'ETCD_TIMEOUT');
    const read = (await kv.range('/twice/w', { exact: true })).kvs[0];
    assert.equal(read?.version, 1n);
  });

  it('ends a call in time when etcd is stopped in mid-air, and goes on when it is back', async () => {
    const kv = open([etcd.endpoint]);
    await kv.range('k');
    process.kill(etcd.pid(), 'SIGSTOP');
    await until('stopped', () => readFileSync(`/proc/${etcd.pid()}/stat`, 'utf8').includes(') T '));
    try {
      const { ms } = await timed(fails(put(kv, '/stopped'), 'ETCD_TIMEOUT'));
      assert.ok(ms >= 1_000 && ms < 2_000, `${ms} ms`);
    } finally {
      process.kill(etcd.pid(), 'SIGCONT');
    }
    await until('an answer', () =>
      kv.range('k').then(
        () => true,
        () => false,
      ),
    );
  });

  it('is back at once when etcd is', async () => {
    const kv = open([etcd.endpoint]);
    await kv.range('k');
    await etcd.stop();
    for (let i = 0; i < 5; i++) await fails(kv.range('k'), 'ETCD_UNREACHABLE');
    assert.ok((await watchEnd(kv, '/k')) instanceof TsflannelError);
    await etcd.start();
    await kv.range('k');
  });

  it('reads answers of many megabytes', async () => {
    const kv = open([etcd.endpoint], { timeoutMs: 5_000 });
    const big = 'x'.repeat(1_000_000);
    for (let i = 0; i < 12; i++) await put(kv, `/big/${i}`, big);
    const { kvs } = await kv.range('/big/');
    assert.equal(
      kvs.reduce((sum, { value }) => sum + value.length, 0),
      12_000_000,
    );
    await fails(put(kv, '/big/more', 'x'.repeat(3_000_000)), 'ETCD_FAILED');
  });

  it('answers many calls at once over one connection', async () => {
    const kv = open([at(first.port)]);
    await Promise.all(Array.from({ length: 200 }, (_, i) => put(kv, `/many/${i}`)));
    assert.equal((await kv.range('/many/')).kvs.length, 200);
    assert.equal(first.connections(), 1);
  });

  it('says that a closed client is closed', async () => {
    const kv = open([etcd.endpoint]);
    kv.close();
    assert.match(await fails(kv.range('k'), 'ETCD_UNREACHABLE'), /closed/);
  });
});

describe('transport: quorum', () => {
  it('tells a cluster without a leader from one that is slow', async function () {
    this.timeout(30_000);
    const ports = [await freePort(), await freePort()];
    const cluster = ports.map((port, i) => `m${i}=http://127.0.0.1:${port}`).join(',');
    const members = await Promise.all(
      ports.map((peerPort, i) => startEtcd({ member: { name: `m${i}`, peerPort, cluster } })),
    );
    const [kept, lost] = members as [TestEtcd, TestEtcd];
    try {
      const kv = open([kept.endpoint], { timeoutMs: 3_000 });
      await put(kv, 'k');
      const ended = watchEnd(kv, 'k');
      await lost.stop('SIGKILL');
      await until('no leader', async () => (await kv.status()).leader === 0n, 15_000);
      await fails(put(kv, 'k'), 'ETCD_NO_QUORUM');
      await fails(kv.range('k'), 'ETCD_NO_QUORUM');
      assert.equal((await kv.range('k', { serializable: true })).kvs.length, 1);
      const error = await ended;
      assert.equal(error instanceof TsflannelError && error.code, 'ETCD_NO_QUORUM');
    } finally {
      await Promise.all(members.map((member) => member.close()));
    }
  });
});

describe('transport: login', () => {
  let etcd: TestEtcd;
  const user = { username: 'flannel', password: 'canary-77' };

  beforeEach(async () => {
    etcd = await startEtcd();
    for (const line of [
      'user add root:secret',
      'user add flannel:canary-77',
      'role add net',
      'user grant-role root root',
    ])
      await etcd.ctl(...line.split(' '));
    await etcd.ctl('role', 'grant-permission', '--prefix=true', 'net', 'readwrite', '/k/');
    await etcd.ctl('user', 'grant-role', 'flannel', 'net');
  });
  afterEach(() => etcd.close());

  it('works with a user name while authentication is off, and when it is turned on', async () => {
    const kv = open([etcd.endpoint], user);
    await put(kv, '/k/a');
    await etcd.ctl('auth', 'enable');
    await put(kv, '/k/a');
    assert.equal((await kv.range('/k/a', { exact: true })).kvs[0]?.version, 2n);
    assert.equal((await kv.status()).version.length > 0, true);
  });

  it('says so when the password is wrong, missing, or not enough', async () => {
    await etcd.ctl('auth', 'enable');
    await fails(open([etcd.endpoint], { ...user, password: 'canary-wrong' }).range('/k/'), 'ETCD_AUTH');
    await fails(open([etcd.endpoint], { username: 'flannel' }).range('/k/'), 'ETCD_AUTH');
    await fails(open([etcd.endpoint]).range('/k/'), 'ETCD_AUTH');
    const kv = open([etcd.endpoint], user);
    await fails(kv.range('/elsewhere/'), 'ETCD_AUTH');
    await fails(put(kv, '/elsewhere/k'), 'ETCD_AUTH');
    const error = await watchEnd(kv, '/elsewhere/');
    assert.equal(error instanceof TsflannelError && error.code, 'ETCD_AUTH');
    const again = await watchEnd(open([etcd.endpoint], { ...user, password: 'canary-wrong' }), '/k/');
    assert.equal(again instanceof TsflannelError && again.code, 'ETCD_AUTH');
  });

  it('logs in again when its token is not known any more, and writes once', async () => {
    await etcd.ctl('auth', 'enable');
    const kv = open([etcd.endpoint], user);
    await put(kv, '/k/a');
    const lease = await kv.grant(60);
    await etcd.stop();
    await etcd.start();
    await put(kv, '/k/a');
    assert.equal((await kv.range('/k/a', { exact: true })).kvs[0]?.version, 2n);
    await etcd.stop();
    await etcd.start();
    assert.equal(await kv.keepAliveOnce(lease), 60);
  });

  it('gets over the token of a store that was wiped', async () => {
    await etcd.ctl('auth', 'enable');
    const kv = open([etcd.endpoint], user);
    for (let i = 0; i < 20; i++) await put(kv, '/k/a');
    await etcd.stop();
    await etcd.wipe();
    await etcd.start();
    await until('an answer', () =>
      put(kv, '/k/a').then(
        () => true,
        () => false,
      ),
    );
  });
});

describe('transport: TLS', () => {
  let ca: TestCa;
  let server: Pair;
  let client: Pair;
  let etcd: TestEtcd;

  before(async () => {
    ca = await createCa();
    server = await ca.issue('server', 'IP:127.0.0.1,DNS:localhost');
    client = await ca.issue('flannel', 'DNS:flannel');
    etcd = await startEtcd({ tls: { ca: ca.ca, ...server } });
  });
  after(async () => {
    await etcd.close();
    await ca.close();
  });
  it('needs no more than the CA, by address and by name, without a word from Node', async () => {
    const warned: string[] = [];
    const onWarning = (warning: Error) => warned.push(warning.message);
    process.on('warning', onWarning);
    for (const host of ['127.0.0.1', 'localhost']) {
      const kv = open([`https://${host}:${etcd.port}`], { caFile: ca.ca });
      await put(kv, 'k');
      let created = false;
      kv.watchStream(
        'k',
        0n,
        (frame) => (created ||= frame.created),
        () => undefined,
      );
      await until('created', () => created);
    }
    process.off('warning', onWarning);
    assert.deepEqual(warned, []);
  });

  it('shows a client certificate where one is asked for', async () => {
    const strict = await startEtcd({ tls: { ca: ca.ca, ...server, clientAuth: true } });
    try {
      const files = { caFile: ca.ca, certFile: client.cert, keyFile: client.key };
      await put(open([strict.endpoint], files), 'k');
      await fails(open([strict.endpoint], { caFile: ca.ca }).range('k'), 'ETCD_TLS');
    } finally {
      await strict.close();
    }
  });

  it('does not trust a stranger, nor a name that is not in the certificate', async () => {
    await fails(open([etcd.endpoint]).range('k'), 'ETCD_TLS');
    const other = await createCa();
    await fails(open([etcd.endpoint], { caFile: other.ca }).range('k'), 'ETCD_TLS');
    await other.close();
    const named = await startEtcd({ tls: { ca: ca.ca, ...(await ca.issue('named', 'DNS:elsewhere')) } });
    await fails(open([named.endpoint], { caFile: ca.ca }).range('k'), 'ETCD_TLS');
    await fails(open([`https://localhost:${named.port}`], { caFile: ca.ca }).range('k'), 'ETCD_TLS');
    await named.close();
  });

  it('does not speak plain to TLS, nor TLS to plain, without saying so', async () => {
    await fails(open([`http://127.0.0.1:${etcd.port}`]).range('k'), 'ETCD_UNREACHABLE');
    const plain = await startEtcd();
    await fails(open([`https://127.0.0.1:${plain.port}`], { caFile: ca.ca }).range('k'), 'ETCD_TLS');
    await plain.close();
  });

  it('checks the files before it connects', async () => {
    const garbage = join(ca.dir, 'garbage');
    await writeFile(garbage, 'canary');
    const bad = (endpoints: string[], files: Partial<KvOptions>, told: RegExp) =>
      assert.throws(
        () => open(endpoints, files),
        (error) =>
          error instanceof TsflannelError &&
          error.code === 'ETCD_TLS' &&
          told.test(error.why) &&
          !/canary/.test(error.why),
      );
    const files = { caFile: ca.ca, certFile: client.cert, keyFile: client.key };
    bad([etcd.endpoint], { caFile: join(ca.dir, 'none') }, /CA file.*ENOENT/);
    bad([etcd.endpoint], { caFile: garbage }, /garbage is not a PEM certificate/);
    bad([etcd.endpoint], { ...files, certFile: garbage }, /garbage is not a PEM certificate/);
    bad([etcd.endpoint], { ...files, keyFile: garbage }, /garbage is not a PEM private key/);
    bad([etcd.endpoint], { ...files, keyFile: server.key }, /server.key is not the key of .*flannel.pem/);
    bad([etcd.endpoint], { caFile: ca.ca, certFile: client.cert }, /together/);
    bad([etcd.endpoint, 'http://127.0.0.1:1'], { caFile: ca.ca }, /some/);
    bad(['http://127.0.0.1:1'], { caFile: ca.ca }, /https/);
  });
});
