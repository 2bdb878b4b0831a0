import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { TsflannelError } from '../errors.ts';
import type { BenchReport, PathFigures, TcpFigures, UdpFigures } from '../model/figures.ts';
import { machineId } from './cpu.ts';
import { createLines, type Lines } from './lines.ts';
import { lookAt, measureRoundTrip, measureTcp, measureUdp, type Remote, type Setting } from './measure.ts';
import type { Path, Plan } from './probe.ts';
import { createSockets } from './sockets.ts';
import { PROTOCOL, parseComplaint, parseWelcome, type Question, type Welcome } from './wire.ts';

/** Whom to ask, and for what. */
export interface ClientOptions {
  /** Address or name of the server. */
  readonly peer: string;
  readonly port: number;
  readonly code: string;
  readonly plan: Plan;
  /** Own address to send from on a path (a number), where the kernel's choice is not right. */
  readonly sources: Readonly<Record<string, number>>;
  /** How long to try again while the port is closed: the server may be just starting. */
  readonly patienceMs: number;
  /** Told what begins. */
  readonly progress: (what: string) => void;
}

const CONNECT_MS = 5000;
const RETRY_MS = 100;
const ANSWER_MS = 30_000;

const unreachable = (peer: string, detail: string): TsflannelError =>
  new TsflannelError('BENCH_UNREACHABLE', { peer, detail });

function connectOnce(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: CONNECT_MS });
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.once('error', fail);
    socket.once('timeout', () => fail(new Error(`no answer in ${CONNECT_MS / 1000} s`)));
    socket.once('connect', () => {
      socket.off('error', fail);
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}

async function reach({ peer, port, patienceMs }: ClientOptions): Promise<Socket> {
  for (const end = performance.now() + patienceMs; ; await sleep(RETRY_MS)) {
    try {
      return await connectOnce(peer, port);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ECONNREFUSED' || performance.now() > end) throw unreachable(`${peer} port ${port}`, message);
    }
  }
}

async function greet(lines: Lines, { code, peer }: ClientOptions): Promise<Welcome> {
  lines.send(JSON.stringify({ hello: PROTOCOL, code }));
  const line = (await lines.next(ANSWER_MS)) ?? '';
  const complaint = parseComplaint(line);
  if (complaint !== undefined) throw new TsflannelError('BENCH_CODE', { detail: `the server says: ${complaint}` });
  const welcome = parseWelcome(line);
  if (!welcome || welcome.paths.length === 0) throw unreachable(peer, 'what answers there is no bench server');
  return welcome;
}

const failed = (detail: string): TsflannelError => new TsflannelError('BENCH_FAILED', { detail });

function remoteOver(lines: Lines, welcome: Welcome, port: number): Remote {
  return {
    port: port + 1,
    isThisMachine: welcome.machine === machineId(),
    async ask<T>(question: Question, parse: (line: string) => T | undefined): Promise<T> {
      lines.send(JSON.stringify(question));
      const line = await lines.next(ANSWER_MS);
      if (line === undefined) throw failed('the server has gone');
      const complaint = parseComplaint(line);
      if (complaint !== undefined) throw failed(`the server says: ${complaint}`);
      const answer = parse(line);
      if (answer === undefined) throw failed('the server answered what is no answer');
      return answer;
    },
  };
}

/** One measurement after the other, each on all paths in turn: what slows the machine down for a while hits all of them. */
async function measureAll(paths: readonly Path[], setting: Setting, progress: ClientOptions['progress']) {
  const { tcp, udp, roundTrip } = setting.plan;
  async function each<T>(what: string, measure: (path: Path) => Promise<T>): Promise<readonly T[]> {
    const results: T[] = [];
    for (const path of paths) {
      progress(`${path.name}: ${what}`);
      results.push(await measure(path));
    }
    return results;
  }
  const seen = await Promise.all(paths.map((path) => lookAt(setting, path)));
  const streams: (readonly TcpFigures[])[] = [];
  for (const count of tcp)
    streams.push(
      await each(`TCP, ${count} stream${count === 1 ? '' : 's'}`, (path) => measureTcp(setting, path, count)),
    );
  const loads: (readonly UdpFigures[])[] = [];
  for (const load of udp)
    loads.push(await each(`UDP, ${load.size} bytes, ${load.rate} a second`, (path) => measureUdp(setting, path, load)));
  const trips = roundTrip ? await each('round trips', (path) => measureRoundTrip(setting, path)) : [];
  const column = <T>(rows: readonly (readonly T[])[], i: number): readonly T[] => rows.flatMap((row) => row[i] ?? []);
  return seen.map((look, i): PathFigures => {
    const trip = trips[i];
    return { ...look, tcp: column(streams, i), udp: column(loads, i), ...(trip && { roundTrip: trip }) };
  });
}

/** Measures every path the server offers. Rejects with BENCH_UNREACHABLE, BENCH_CODE, BENCH_FAILED. */
export async function measure(options: ClientOptions): Promise<BenchReport> {
  const lines = createLines(await reach(options));
  try {
    const welcome = await greet(lines, options);
    const remote = remoteOver(lines, welcome, options.port);
    const { plan, sources, progress } = options;
    const paths = await measureAll(welcome.paths, { remote, sockets: createSockets(), plan, sources }, progress);
    return { paths, sameMachine: remote.isThisMachine };
  } finally {
    lines.close();
  }
}
