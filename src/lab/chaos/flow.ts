import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../lab.ts';
import { type Asked, startAsked } from './asked.ts';
import type { Arrived, FlowAnswer, FlowQuestion, Range, Ranges, StreamSeen } from './flow-wire.ts';
import type { Pod } from './pods.ts';

/** What one pair lost. */
export interface PairLoss extends Arrived {
  readonly from: number;
  readonly to: number;
  readonly sent: number;
}

/** What all flows lost between `open` and `close`. */
export interface FlowReport {
  readonly pairs: readonly PairLoss[];
  readonly stream: StreamSeen;
  /** Packets that reached an end which was too slow to take them, by its number. */
  readonly overflowed: ReadonlyMap<number, number>;
  /** Packets that this machine's processors dropped from their queues, whosever they were: it was too busy. */
  readonly dropped: number;
}

/** 1,000 packets a second from every pod to every other one, and one long TCP stream from the first to the last. */
export interface Flow {
  /** Where the pods are now. */
  aim(pods: readonly Pod[]): Promise<void>;
  /** Counts from here. */
  open(): Promise<void>;
  close(): Promise<FlowReport>;
  /** Whether every pod has heard every other since then (`now()`). */
  allHeardSince(since: number): Promise<boolean>;
  end(): Promise<void>;
}

type End = Asked<FlowQuestion, FlowAnswer> & { readonly id: number };

/** A packet that was sent has come by then, or never comes. */
const LAST_MS = 300;

async function startEnd(lab: Lab, { id, namespace }: Pod): Promise<End> {
  return { id, ...(await startAsked<FlowQuestion, FlowAnswer>(lab, namespace, 'flow', String(id))) };
}

/** Second column of each processor: packets dropped for want of room in its queue. */
const droppedByMachine = (): number =>
  readFileSync('/proc/net/softnet_stat', 'utf8')
    .trim()
    .split('\n')
    .reduce((sum, line) => sum + Number.parseInt(line.split(' ')[1] ?? '0', 16), 0);

type Marks = ReadonlyMap<number, FlowAnswer>;

/** What each sender has sent to `to` between the two marks. */
function rangesTo(to: number, before: Marks, after: Marks): Ranges {
  const ranges: Record<number, Range> = {};
  for (const [from, { marks }] of after) {
    const end = marks?.[to];
    if (from !== to && end !== undefined) ranges[from] = [before.get(from)?.marks?.[to] ?? 0, end];
  }
  return ranges;
}

interface Collected {
  readonly pairs: readonly PairLoss[];
  /** Since the end was started. */
  readonly overflowed: number;
  readonly stream: StreamSeen | undefined;
}

async function collectAt({ id, ask }: End, ranges: Ranges): Promise<Collected> {
  const { arrived = {}, overflowed = 0, stream } = await ask({ ask: 'collect', ranges });
  const pairs = Object.entries(arrived).map(([from, seen]) => {
    const [first = 0, next = 0] = ranges[Number(from)] ?? [];
    return { ...seen, from: Number(from), to: id, sent: next - first };
  });
  return { pairs, overflowed, stream };
}

export async function startFlow(lab: Lab, pods: readonly Pod[]): Promise<Flow> {
  const ends = await Promise.all(pods.map((pod) => startEnd(lab, pod)));
  const all = (question: FlowQuestion) => Promise.all(ends.map((end) => end.ask(question)));
  const mark = async (): Promise<Marks> =>
    new Map((await all({ ask: 'mark' })).map((answer, i) => [ends[i]?.id ?? 0, answer]));
  // What is dropped and missed is read before the first packet that counts is sent and after the last has come: the ends answer when they are let run.
  let opened: Marks = new Map();
  let missedBefore: readonly number[] = [];
  let droppedBefore = 0;
  async function aim(at: readonly Pod[]): Promise<void> {
    const [first, last] = [at[0], at.at(-1)];
    await all({ ask: 'send', targets: at.map(({ id, ip }) => ({ id, ip })) });
    if (first && last) await ends.find(({ id }) => id === first.id)?.ask({ ask: 'stream', to: last.ip });
  }
  async function close(): Promise<FlowReport> {
    const closed = await mark();
    await sleep(LAST_MS);
    const collected = await Promise.all(ends.map((end) => collectAt(end, rangesTo(end.id, opened, closed))));
    const pairs = collected.flatMap((one) => one.pairs);
    const stream = collected.find((one) => one.stream)?.stream ?? { resets: 0, stallMs: 0 };
    const missed = collected.map(({ overflowed }, i) => overflowed - (missedBefore[i] ?? 0));
    return {
      pairs,
      stream,
      overflowed: new Map(ends.map(({ id }, i) => [id, missed[i] ?? 0])),
      dropped: droppedByMachine() - droppedBefore,
    };
  }
  await aim(pods);
  return {
    aim,
    async open() {
      droppedBefore = droppedByMachine();
      missedBefore = (await all({ ask: 'reset' })).map(({ overflowed = 0 }) => overflowed);
      opened = await mark();
    },
    close,
    async allHeardSince(since) {
      const answers = await all({ ask: 'heard' });
      return answers.every(({ heard }, i) => ends.every(({ id }) => id === ends[i]?.id || (heard?.[id] ?? 0) >= since));
    },
    async end() {
      await Promise.all(ends.map((end) => end.kill()));
    },
  };
}
