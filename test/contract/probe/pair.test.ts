import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { BenchReport } from '../../../src/model/figures.ts';
import { type ClientOptions, measure } from '../../../src/probe/client.ts';
import { type Served, type ServeOptions, serve } from '../../../src/probe/server.ts';
import { until } from '../../support/until.ts';

/** 127.77.0.1: loopback, and nobody else's. */
const IP = 0x7f4d_0001;
const ADDRESS = '127.77.0.1';
const CODE = 'abcde-fghij';
const PORT = 28_286;

/** Longer than a busy machine keeps a thread from running. */
const PLAN = { seconds: 1, tcp: [1, 2], udp: [{ size: 64, rate: 2000 }], roundTrip: true };

function startServer(change: Partial<ServeOptions> = {}): Promise<{ readonly served: Promise<Served> }> {
  return new Promise((resolve, reject) => {
    const served = serve({
      ...{ paths: [{ name: 'overlay', ip: IP }], listen: [ADDRESS], port: PORT, code: CODE, waitSeconds: 60 },
      listening: () => resolve({ served }),
      ...change,
    });
    served.catch(reject);
  });
}

const client = (change: Partial<ClientOptions> = {}): Promise<BenchReport> =>
  measure({
    peer: ADDRESS,
    port: PORT,
    code: CODE,
    plan: PLAN,
    sources: {},
    patienceMs: 0,
    progress: () => undefined,
    ...change,
  });

/** Says something to the server and returns its answer. */
async function say(line: string): Promise<string> {
  const socket = connect(PORT, ADDRESS);
  socket.end(`${line}\n`);
  return text(socket);
}

const openFiles = (): number => readdirSync('/proc/self/fd').length;

describe('probe: server and client', () => {
  it('measure everything that was asked for, and close what they opened', async () => {
    await client().catch(() => undefined); // what is opened once for all is open now
    const before = openFiles();
    const { served } = await startServer();
    const { paths, sameMachine } = await client({ sources: { overlay: IP } });
    const [path] = paths;
    assert.ok(path && paths.length === 1 && sameMachine);
    assert.equal(path.from, ADDRESS);
    assert.equal(path.mtu, 65_535);
    assert.deepEqual(
      path.tcp.map(({ streams }) => streams),
      [1, 2],
    );
    for (const { bitsPerSecond, cpuSecondsPerGb } of path.tcp) assert.ok(bitsPerSecond > 1e6 && cpuSecondsPerGb > 0);
    const [udp] = path.udp;
    assert.ok(udp && udp.sent > 0 && udp.received <= udp.sent && udp.lost >= 0 && udp.lost <= 1);
    assert.ok(path.roundTrip && path.roundTrip.count > 0);
    assert.ok(path.roundTrip.least > 0 && path.roundTrip.median <= path.roundTrip.p99);
    assert.deepEqual(await served, { client: '127.0.0.1', measurements: 4 });
    await until('descriptors closed', () => openFiles() <= before);
  });

  it('refuse a wrong code, and the server ends after three', async () => {
    const { served } = await startServer();
    const refused = assert.rejects(served, { code: 'BENCH_CODE' });
    for (let i = 0; i < 3; i++) await assert.rejects(client({ code: `wrong-${i}` }), { code: 'BENCH_CODE' });
    await refused;
  });

  it('serve nobody else beside the client, and not the same code twice', async () => {
    const { served } = await startServer();
    let begun = false;
    const first = client({
      progress: () => {
        begun = true;
      },
    });
    await until('the first is served', () => begun);
    assert.match(await say(`{"hello":1,"code":"${CODE}"}`), /another client/);
    await first;
    await served;
    await assert.rejects(client({ peer: ADDRESS }), { code: 'BENCH_UNREACHABLE' });
  });

  it('the server answers nothing to who does not speak its language', async () => {
    const { served } = await startServer();
    assert.match(await say('GET / HTTP/1.1'), /^\{"error":"this is version 1"\}/);
    await client({ plan: { ...PLAN, tcp: [1], udp: [], roundTrip: false } });
    await served;
  });

  it('the server does not wait for ever', async () => {
    const { served } = await startServer({ waitSeconds: 0.1 });
    await assert.rejects(served, { code: 'BENCH_NO_CLIENT' });
  });

  it('the server says when its port is taken', async () => {
    const { served } = await startServer({ waitSeconds: 5 });
    await assert.rejects(startServer(), { code: 'BENCH_FAILED' });
    await assert.rejects(served, { code: 'BENCH_NO_CLIENT' });
  });

  it('the client says when a congestion control is not there', async () => {
    const { served } = await startServer();
    const plan = { ...PLAN, udp: [], roundTrip: false, congestion: 'no-such' };
    await assert.rejects(client({ plan }), { code: 'BENCH_FAILED', why: /no-such/ });
    await served;
  });
});
