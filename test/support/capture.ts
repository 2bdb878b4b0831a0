import { spawn } from 'node:child_process';
import { inNamespace } from '../../src/lab/index.ts';
import { until } from './until.ts';

export interface Capture {
  /** Ends it once all that was captured is printed; resolves to tcpdump's lines, one a packet (and one more for what is inside a tunnel's packet). */
  end(): Promise<readonly string[]>;
}

/** What tcpdump says on SIGUSR1: how many packets it has printed, how many there were for it, how many of these the kernel had to drop. */
const COUNTS = /(\d+) packets? captured, (\d+) packets? received by filter, (\d+) packets? dropped by kernel/g;

/** Captures on a device of a namespace; resolves once tcpdump listens. */
export async function startCapture(namespace: string, device: string, filter: string): Promise<Capture> {
  const argv = ['tcpdump', '--immediate-mode', '-l', '-n', '-t', '-i', device, ...filter.split(' ')];
  const [program, ...rest] = inNamespace(namespace, argv);
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  const seen = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (seen.out += chunk));
  child.stderr.on('data', (chunk: Buffer) => (seen.err += chunk));
  const counts = () => [...seen.err.matchAll(COUNTS)].map((match) => match.slice(1).map(Number));
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await until(`tcpdump on ${device}`, () => seen.err.includes('listening on'));
  return {
    async end() {
      await until(`tcpdump on ${device} to print what it has`, async () => {
        const looks = counts().length;
        child.kill('SIGUSR1');
        await until('its counts', () => counts().length > looks);
        const [printed = 0, came = 0, dropped = 0] = counts().at(-1) ?? [];
        return printed + dropped >= came;
      });
      child.kill('SIGINT');
      await closed;
      return seen.out.split('\n').filter((line) => line !== '');
    },
  };
}
