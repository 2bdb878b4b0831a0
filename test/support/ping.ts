import { spawn } from 'node:child_process';
import { type Lab, type LabNode, nodeEnvironment, onNode } from '../../src/lab/index.ts';
import { until } from './until.ts';

/** A ping that goes on while something happens to the network. */
export interface Ping {
  /** Waits for this many more replies. */
  replies(count: number, ms?: number): Promise<void>;
  /** Ends it; what was lost counts every request that had 200 ms for its reply. */
  end(): Promise<{ readonly sent: number; readonly received: number; readonly text: string }>;
}

/** A hundred requests a second from one address of a node to another. */
export function startPing(lab: Lab, node: LabNode, from: string, to: string): Ping {
  const argv = ['ping', '-n', '-i', '0.01', '-W', '1', '-I', from, to];
  const [program, ...rest] = onNode(node, argv);
  const child = spawn(program, rest, { env: nodeEnvironment(lab, node), stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk));
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const count = () => text.match(/bytes from/g)?.length ?? 0;
  return {
    async replies(more, ms = 10_000) {
      const wanted = count() + more;
      await until(`${more} more replies to ping`, () => count() >= wanted, ms);
    },
    async end() {
      child.kill('SIGINT');
      await closed;
      const summary = /(\d+) packets transmitted, (\d+) received/.exec(text);
      return { sent: Number(summary?.[1]), received: Number(summary?.[2]), text };
    },
  };
}
