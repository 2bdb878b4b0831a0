import { spawn } from 'node:child_process';
import { nsenterArgs } from '../../src/kernel/linux/netns.ts';
import { type Lab, type LabNode, nodeEnvironment, onNode } from '../../src/lab/index.ts';
import { until } from './until.ts';

/** How a ping went; `missing`: requests without a reply, of those before the last reply (a later one may still have been under way). */
export interface PingEnd {
  readonly sent: number;
  readonly received: number;
  readonly missing: number;
  readonly text: string;
}

/** A ping that goes on while something happens to the network. */
export interface Ping {
  /** Waits for this many more replies. */
  replies(count: number, ms?: number): Promise<void>;
  /** Ends it; what was lost counts every request that had 200 ms for its reply. */
  end(): Promise<PingEnd>;
}

const EVERY = ['ping', '-n', '-i', '0.01', '-W', '1'];

/** A hundred requests a second from one address of a node to another. */
export const startPing = (lab: Lab, node: LabNode, from: string, to: string): Ping =>
  watch(onNode(node, [...EVERY, '-I', from, to]), nodeEnvironment(lab, node));

/** The same from a container of a ground. */
export const pingFrom = ({ namespace }: { readonly namespace: string }, to: string): Ping =>
  watch([...nsenterArgs(namespace), '--', ...EVERY, to], process.env);

function watch([program = '', ...rest]: readonly string[], env: NodeJS.ProcessEnv): Ping {
  const child = spawn(program, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk));
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const count = () => text.match(/bytes from/g)?.length ?? 0;
  return {
    async replies(more, ms = 60_000) {
      const wanted = count() + more;
      await until(`${more} more replies to ping`, () => count() >= wanted, ms);
    },
    async end() {
      child.kill('SIGINT');
      await closed;
      const summary = /(\d+) packets transmitted, (\d+) received/.exec(text);
      const replies = new Set([...text.matchAll(/bytes from .*icmp_seq=(\d+)/g)].map(([, number]) => Number(number)));
      const missing = Math.max(0, ...replies) - replies.size;
      return { sent: Number(summary?.[1]), received: Number(summary?.[2]), missing, text };
    },
  };
}
