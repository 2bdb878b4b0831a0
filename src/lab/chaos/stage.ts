import { setTimeout as sleep } from 'node:timers/promises';
import { TsflannelError } from '../../errors.ts';
import type { CarrierType } from '../../model/backend-config.ts';
import { until } from '../background.ts';
import type { Lab, LabNode, LabSpec } from '../lab.ts';
import { inNamespace, mustRun, type Ran, runOn } from '../node.ts';
import type { Subject } from './subject.ts';

export type Backend = LabSpec['backend'];

/** What faults work with. Nodes are numbered from 1; etcd is on the first three, the last one has none. */
export interface Stage {
  readonly lab: Lab;
  readonly backend: Backend;
  /** Of backend udp; absent: the best that works. */
  readonly carrier?: CarrierType | undefined;
  readonly subject: Subject;
  /** Fewer repetitions and shorter outages: what CI has time for. */
  readonly short: boolean;
  /** How long an outage lasts, in ms: ten minutes in a long run. */
  outage(ms: { readonly short: number; readonly usual: number }): number;
  /** Folder of another version of tsflannel, built. */
  readonly former?: string | undefined;
  /** In [0, 1), the same for the same seed. */
  readonly random: () => number;
  node(number: number): LabNode;
  /** Runs a command on a node that must succeed. */
  run(number: number, ...argv: string[]): Promise<string>;
  /** Runs one that need not. */
  attempt(number: number, ...argv: string[]): Promise<Ran>;
  /** Runs one in the namespace of the underlay's bridge. */
  onUnderlay(...argv: string[]): Promise<string>;
  /** etcdctl with all endpoints. */
  etcdctl(...argv: string[]): Promise<string>;
  start(number: number, ...args: string[]): Promise<void>;
  kill(number: number, signal?: NodeJS.Signals): Promise<void>;
  pause(ms: number): Promise<void>;
  until(what: string, condition: () => Promise<boolean>, ms?: number): Promise<void>;
  /** A figure of the fault's own, for the table. */
  note(text: string): void;
  /** What the node shows beyond what it showed before its first daemon, pods aside. */
  leftOn(number: number): Promise<string>;
  /** Ends the fault with a finding where the condition does not hold. */
  expect(condition: boolean, finding: string): void;
}

export interface StageOptions {
  readonly lab: Lab;
  readonly carrier: CarrierType | undefined;
  readonly subject: Subject;
  readonly short: boolean;
  readonly long: boolean;
  readonly seed: number;
  readonly former: string | undefined;
  readonly note: (text: string) => void;
  readonly leftOn: (number: number) => Promise<string>;
  /** The lab is being taken down: nothing is waited for any more. */
  readonly closed: AbortSignal;
}

/** mulberry32: small, and the same everywhere. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const LONG_MS = 600_000;

const stuck = (detail: string): TsflannelError => new TsflannelError('LAB_STUCK', { detail });

async function onUnderlay({ underlay }: Lab, argv: readonly string[]): Promise<string> {
  const { execa } = await import('execa');
  const [program, ...rest] = inNamespace(underlay, argv);
  return (await execa(program, rest)).stdout;
}

/** etcdctl waits 5 s by default, which is less than an election on a busy machine may take. */
const CTL = ['env', 'ETCDCTL_API=3', 'etcdctl', '--command-timeout=15s', '--dial-timeout=5s'];

export function createStage(options: StageOptions): Stage {
  const { lab, carrier, subject, short, long, seed, former, note, leftOn, closed } = options;
  const endpoints = lab.nodes.filter(({ member }) => member).map(({ ip }) => `http://${ip}:2379`);
  const node = (number: number): LabNode => {
    const found = lab.nodes[number - 1];
    if (!found) throw stuck(`there is no node ${number}`);
    return found;
  };
  return {
    lab,
    backend: lab.spec.backend,
    carrier,
    subject,
    short,
    outage: (ms) => (long ? LONG_MS : short ? ms.short : ms.usual),
    former,
    random: createRandom(seed),
    note,
    leftOn,
    node,
    run: async (number, ...argv) => (await mustRun(lab, node(number), argv)).stdout,
    attempt: (number, ...argv) => runOn(lab, node(number), argv),
    onUnderlay: (...argv) => onUnderlay(lab, argv),
    // The last node has no etcd: it is where nothing of etcd is killed.
    etcdctl: async (...argv) =>
      (await mustRun(lab, node(lab.nodes.length), [...CTL, `--endpoints=${endpoints.join(',')}`, ...argv])).stdout,
    start: (number, ...args) => subject.start(node(number), ...args),
    kill: (number, signal = 'SIGKILL') => subject.kill(node(number), signal),
    pause: (ms) => sleep(ms, undefined, { signal: closed }),
    async until(what, condition, timeoutMs = 30_000) {
      const probe = async () => {
        if (closed.aborted) throw new TsflannelError('ABORTED');
        return (await condition()) ? true : undefined;
      };
      await until(what, probe, { timeoutMs });
    },
    expect(condition, finding) {
      if (!condition) throw stuck(finding);
    },
  };
}
