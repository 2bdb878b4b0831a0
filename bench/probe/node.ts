/**
 * What a benchmark does inside a namespace: a program that is asked by lines of JSON, `{"ask": NAME, …}`, and answers each by one line.
 * Times are milliseconds of the machine's monotonic clock. argv: etcd's endpoint.
 */
import { createInterface } from 'node:readline';
import { openGrpcKv } from '../../src/store/etcd/kv.ts';
import { receiver, sender } from './datagrams.ts';
import { type BackendType, dropPeer, fill, ownLease, peerSubnet, putPeer } from './etcd.ts';
import { watchRoutes } from './routes.ts';

/** One question; which fields are used depends on `ask`. */
export interface Question {
  readonly ask: string;
  readonly backend: BackendType;
  readonly count: number;
  readonly peer: number;
  readonly to: readonly string[];
}

const kv = openGrpcKv({ endpoints: [process.argv[2] ?? ''], timeoutMs: 10_000 });
let routes: ReturnType<typeof watchRoutes> | undefined;
let datagrams: ReturnType<typeof receiver> | undefined;
let lease: Promise<number> | undefined;
let stopSending: (() => void) | undefined;

const ASKED: Readonly<Record<string, (question: Question) => Promise<unknown>>> = {
  fill: ({ backend, count }) => fill(kv, backend, count),
  /** Listens for routes and for the daemon's own lease. */
  listen: async () => {
    routes = watchRoutes();
    lease = ownLease(kv);
  },
  lease: async () => lease,
  routes: async ({ count }) => routes?.count(count),
  /** Puts a peer and waits for its route. */
  reach: async ({ backend, peer }) => {
    const made = routes?.made(peerSubnet(peer));
    const times = await putPeer(kv, backend, peer);
    return { ...times, made: await made };
  },
  leave: async ({ peer }) => {
    await dropPeer(kv, peer);
    await routes?.gone(peerSubnet(peer));
  },
  put: ({ backend, peer }) => putPeer(kv, backend, peer),
  drop: ({ peer }) => dropPeer(kv, peer),
  send: async ({ to, count }) => {
    stopSending = await sender(to, count);
  },
  quiet: async () => stopSending?.(),
  receive: async () => {
    datagrams = receiver();
    await datagrams;
  },
  seen: async ({ to }) => (await datagrams)?.seen(to),
};

async function main(): Promise<void> {
  console.log('"ready"');
  for await (const line of createInterface({ input: process.stdin })) {
    const question = JSON.parse(line) as Question;
    console.log(JSON.stringify((await ASKED[question.ask]?.(question)) ?? null));
  }
  process.exit(0);
}

await main();
