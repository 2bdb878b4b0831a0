import { randomBytes } from 'node:crypto';
import { busyNow } from './cpu.ts';
import { type Crew, startCrew } from './crew.ts';
import { type DatagramJob, type Results, type TcpReceiveJob, TOKEN_BYTES, WAKE_MS } from './job.ts';
import type { Path } from './probe.ts';
import { createSockets } from './sockets.ts';
import type { Collected, Prepare, Prepared } from './wire.ts';

/** The receiving side of one measurement at a time. */
export interface Stand {
  prepare(wanted: Prepare): Promise<Prepared>;
  mark(): object;
  collect(): Promise<Collected>;
  /** Ends what runs and closes its socket. */
  clear(): Promise<void>;
}

interface Current {
  readonly crew: Pick<Crew, 'go' | 'stop'> & { results(): Promise<readonly AnyResult[]> };
  readonly what: Prepare['what'];
  readonly fd: number;
}

type AnyResult = Partial<Results['tcp-receive'] & Results['udp-receive'] & Results['echo']>;

function collectedOf(results: readonly AnyResult[], busySeconds: number): Collected {
  const total = (of: keyof AnyResult): number => results.reduce((sum, result) => sum + (result[of] ?? 0), 0);
  return {
    busySeconds,
    bytes: total('bytes'),
    bitsPerSecond: total('bitsPerSecond'),
    received: total('received'),
    overflowed: total('overflowed'),
  };
}

function startReceivers({ what, seconds, streams }: Prepare, fd: number, token: Uint8Array): Promise<Current['crew']> {
  const ms = seconds * 1000;
  if (what === 'udp') return startCrew<DatagramJob<'udp-receive'>>([{ kind: 'udp-receive', fd, ms }]);
  if (what === 'echo') return startCrew<DatagramJob<'echo'>>([{ kind: 'echo', fd, ms }]);
  return startCrew<TcpReceiveJob>(Array.from({ length: streams }, () => ({ kind: 'tcp-receive', fd, token, ms })));
}

/** `port`: of the data, by TCP and UDP. */
export function createStand(paths: readonly Path[], port: number): Stand {
  const sockets = createSockets();
  let current: Current | undefined;
  let marked = 0;

  function open({ what, path, from }: Prepare): number {
    const ip = paths.find(({ name }) => name === path)?.ip;
    if (ip === undefined) throw new Error(`there is no path ${path}`);
    const fd = sockets.open(what === 'tcp' ? 'tcp' : 'udp', WAKE_MS);
    try {
      sockets.bind(fd, { ip, port });
      // Nobody else's datagrams are counted, or answered.
      if (what === 'tcp') sockets.listen(fd);
      else sockets.connect(fd, from);
    } catch (error) {
      sockets.close(fd);
      throw error;
    }
    return fd;
  }

  async function clear(): Promise<void> {
    const old = current;
    current = undefined;
    if (!old) return;
    old.crew.stop();
    await old.crew.results().catch(() => undefined);
    sockets.close(old.fd);
  }

  return {
    async prepare(wanted) {
      await clear();
      const fd = open(wanted);
      const token = randomBytes(TOKEN_BYTES);
      const crew = await startReceivers(wanted, fd, token).catch((error: unknown) => {
        sockets.close(fd);
        throw error;
      });
      crew.go();
      current = { crew, what: wanted.what, fd };
      return { token: token.toString('hex') };
    },
    mark() {
      marked = busyNow();
      return {};
    },
    async collect() {
      if (!current) throw new Error('nothing is being measured');
      // Streams end by themselves.
      if (current.what !== 'tcp') current.crew.stop();
      try {
        return collectedOf(await current.crew.results(), busyNow() - marked);
      } finally {
        await clear();
      }
    },
    clear,
  };
}
