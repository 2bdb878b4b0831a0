import { spawn } from 'node:child_process';
import { inNamespace } from '../../src/lab/index.ts';
import { until } from './until.ts';

export interface Capture {
  /** Ends it; resolves to tcpdump's lines, one a packet (and one more for what is inside a tunnel's packet). */
  end(): Promise<readonly string[]>;
}

/** Captures on a device of a namespace; resolves once tcpdump listens. */
export async function startCapture(namespace: string, device: string, filter: string): Promise<Capture> {
  const argv = ['tcpdump', '--immediate-mode', '-l', '-n', '-t', '-i', device, ...filter.split(' ')];
  const [program, ...rest] = inNamespace(namespace, argv);
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  const seen = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (seen.out += chunk));
  child.stderr.on('data', (chunk: Buffer) => (seen.err += chunk));
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await until(`tcpdump on ${device}`, () => seen.err.includes('listening on'));
  return {
    async end() {
      child.kill('SIGINT');
      await closed;
      return seen.out.split('\n').filter((line) => line !== '');
    },
  };
}
