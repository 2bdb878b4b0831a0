/** Our transport against endpoints that fail in the ways they do. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { TsflannelError } from '../../../src/errors.ts';
import { freePort, startEtcd, type TestEtcd } from '../../support/etcd.ts';
import { type Relay, startRelay } from '../../support/relay.ts';
import { at, closeClients, DEADLINE_MS, fails, open, put, timed, watchEnd } from '../../support/transport.ts';
import { until } from '../../support/until.ts';

/** Nobody waits for so long here. */
const LONG_MS = 60_000;

/** Timers may be early by a part of a millisecond. */
const isOneDeadline = (ms: number): boolean => ms >= DEADLINE_MS - 50 && ms < 2 * DEADLINE_MS;

afterEach(closeClients);

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
    const kv = open([at(first.port), at(second.port)], { timeoutMs: LONG_MS });
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
    // At once, and not when its time is over.
    assert.ok(ms < LONG_MS / 2, `${ms} ms`);
  });

  it('sends a read again to the next endpoint, a write never', async () => {
    const kv = open([at(first.port), at(second.port)]);
    await kv.range('/twice/');
    first.swallowAnswers(true);
    const { ms } = await timed(kv.range('/twice/'));
    assert.ok(isOneDeadline(ms), `${ms} ms`);
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
      assert.ok(isOneDeadline(ms), `${ms} ms`);
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
    const kv = open([etcd.endpoint], { timeoutMs: LONG_MS });
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
    const error = await watchEnd(kv, 'k');
    assert.equal(error instanceof TsflannelError && error.code, 'ETCD_UNREACHABLE');
  });
});

describe('transport: quorum', () => {
  it('tells a cluster without a leader from one that is slow', async () => {
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
      await until('no leader', async () => (await kv.status()).leader === 0n);
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
