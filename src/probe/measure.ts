import { TsflannelError } from '../errors.ts';
import { printIp } from '../model/address.ts';
import type { PathFigures, RoundTripFigures, TcpFigures, UdpFigures, UdpLoad } from '../model/figures.ts';
import { busyNow } from './cpu.ts';
import { startCrew } from './crew.ts';
import { type DatagramJob, type TcpSendJob, type UdpSendJob, WARM_UP_MS } from './job.ts';
import type { Path, Plan } from './probe.ts';
import type { SocketAddress, Sockets } from './sockets.ts';
import { summarize } from './statistics.ts';
import { type Prepare, parseCollected, parsePrepared, type Question } from './wire.ts';

/** The server, as the client sees it. */
export interface Remote {
  /** Of the data. */
  readonly port: number;
  readonly isThisMachine: boolean;
  ask<T>(question: Question, parse: (line: string) => T | undefined): Promise<T>;
}

/** What the measurements of one client share. */
export interface Setting {
  readonly remote: Remote;
  readonly sockets: Sockets;
  readonly plan: Plan;
  /** Own address to send from, by the path's name. */
  readonly sources: Readonly<Record<string, number>>;
}

/** An answer that takes longer counts as lost. */
const ANSWER_MS = 1000;

const failed = (detail: string): TsflannelError => new TsflannelError('BENCH_FAILED', { detail });
const dotted = (ip: number): string => printIp({ family: 4, value: BigInt(ip) });
const sourceOf = ({ sources }: Setting, { name }: Path): number => sources[name] ?? 0;

/** Calls `use` with a UDP socket that is connected to the server's. */
async function withUdp<T>(
  setting: Setting,
  path: Path,
  use: (fd: number, local: SocketAddress) => T,
): Promise<Awaited<T>> {
  const { sockets, remote } = setting;
  const fd = sockets.open('udp', ANSWER_MS);
  try {
    sockets.bind(fd, { ip: sourceOf(setting, path), port: 0 });
    sockets.connect(fd, { ip: path.ip, port: remote.port });
    return await use(fd, sockets.local(fd));
  } finally {
    sockets.close(fd);
  }
}

type Details = Partial<Pick<Prepare, 'streams' | 'from'>>;

function prepare({ remote, plan }: Setting, path: Path, what: Prepare['what'], details: Details) {
  const common = { ask: 'prepare', what, path: path.name, streams: 1, from: { ip: 0, port: 0 } } as const;
  return remote.ask({ ...common, seconds: plan.seconds, ...details }, parsePrepared);
}

const mark = ({ remote }: Setting) => remote.ask({ ask: 'mark' }, (line) => line);
const collect = ({ remote }: Setting) => remote.ask({ ask: 'collect' }, parseCollected);

/** What the kernel says of the path before anything is sent. */
export const lookAt = (setting: Setting, path: Path): Promise<Pick<PathFigures, 'name' | 'from' | 'to' | 'mtu'>> =>
  withUdp(setting, path, (fd, local) => {
    return { name: path.name, from: dotted(local.ip), to: dotted(path.ip), mtu: setting.sockets.mtu(fd) };
  });

export async function measureTcp(setting: Setting, path: Path, streams: number): Promise<TcpFigures> {
  const { remote, plan } = setting;
  const { token } = await prepare(setting, path, 'tcp', { streams });
  const job = {
    kind: 'tcp-send',
    from: sourceOf(setting, path),
    to: { ip: path.ip, port: remote.port },
    token: Buffer.from(token, 'hex'),
    congestion: plan.congestion,
    ms: plan.seconds * 1000 + WARM_UP_MS,
  } as const;
  const crew = await startCrew<TcpSendJob>(Array.from({ length: streams }, () => job));
  await mark(setting);
  const since = busyNow();
  crew.go();
  const sent = await crew.results();
  const { busySeconds, bytes, bitsPerSecond } = await collect(setting);
  if (bytes === 0) throw failed(`nothing arrived over the ${path.name}`);
  const busy = busyNow() - since + (remote.isThisMachine ? 0 : busySeconds);
  const retransmits = sent.reduce((sum, one) => sum + one.retransmits, 0);
  return { streams, bitsPerSecond, retransmits, cpuSecondsPerGb: busy / (bytes / 1e9) };
}

export const measureUdp = (setting: Setting, path: Path, load: UdpLoad): Promise<UdpFigures> =>
  withUdp(setting, path, async (fd, from) => {
    await prepare(setting, path, 'udp', { from });
    const crew = await startCrew<UdpSendJob>([{ kind: 'udp-send', fd, ms: setting.plan.seconds * 1000, ...load }]);
    crew.go();
    const [{ sent, ms }] = await crew.results();
    const { received, overflowed } = await collect(setting);
    if (sent === 0) throw failed(`the ${path.name} took no datagram`);
    return { ...load, sent, sentRate: (sent * 1000) / ms, received, overflowed, lost: 1 - received / sent };
  });

export const measureRoundTrip = (setting: Setting, path: Path): Promise<RoundTripFigures> =>
  withUdp(setting, path, async (fd, from) => {
    await prepare(setting, path, 'echo', { from });
    const job = { kind: 'round-trip', fd, ms: setting.plan.seconds * 1000 } as const;
    const crew = await startCrew<DatagramJob<'round-trip'>>([job]);
    crew.go();
    const [{ times, unanswered }] = await crew.results();
    await collect(setting);
    if (times.length === 0) throw failed(`no answer came over the ${path.name}`);
    return { ...summarize(times), unanswered };
  });
