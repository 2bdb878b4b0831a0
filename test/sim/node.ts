import { begin } from '../../src/daemon/begin.ts';
import type { Disk } from '../../src/daemon/disk.ts';
import type { Daemon, DaemonParts, Node } from '../../src/daemon/node.ts';
import { wire } from '../../src/daemon/wire.ts';
import { asTsflannelError } from '../../src/errors.ts';
import type { NodeState } from '../../src/files/node-state.ts';
import type { SavedView } from '../../src/files/view-file.ts';
import { fakeCarriers } from '../../src/kernel/memory/carriers.ts';
import { type MemoryKernel, memoryKernel } from '../../src/kernel/memory/memory.ts';
import type { Clock } from '../../src/model/clock.ts';
import { accept } from '../../src/model/parsed.ts';
import type { MemoryEtcd } from '../../src/store/memory/etcd.ts';
import { openStore } from '../../src/store/store.ts';
import { NET } from '../support/kvs.ts';
import { hostOf, underlay } from '../support/scene.ts';
import { nodeId } from '../support/values.ts';
import { createProcess, type SimProcess } from './process.ts';

export const TTL_SECONDS = 60;
const RESTART_MS = 2_000;

/** A host with the real daemon on it, on simulated parts. */
export interface SimNode {
  readonly number: number;
  readonly kernel: MemoryKernel;
  /** The running daemon once it is up. */
  node(): Node | undefined;
  isStarted(): boolean;
  isStopped(): boolean;
  start(): void;
  /** kill -9: what it keeps in memory is gone, the kernel's state and the disk stay. */
  crash(): void;
  /** See SimProcess. */
  stop(how?: { readonly suspended: boolean }): void;
  go(): void;
  disorder(ms: number): void;
  /** Its state folder is lost. */
  wipeDisk(): void;
}

interface World {
  readonly clock: Clock;
  readonly etcd: MemoryEtcd;
  readonly random: () => number;
  readonly trace: (line: string) => void;
}

function memoryDisk(number: number): Disk & { wipe(): void } {
  let lives = 0;
  let state: NodeState | undefined;
  let view: SavedView | undefined;
  return {
    async open() {
      state ??= { nodeId: nodeId(number + 1000 * lives++), created: [] };
      return state;
    },
    async keep(next) {
      state = next;
    },
    subnetInEnv: async () => [],
    readView: async () => view && accept(view),
    async keepView(next) {
      view = next;
    },
    wipe() {
      state = undefined;
      view = undefined;
    },
  };
}

interface Life {
  readonly process: SimProcess;
  readonly daemon: Daemon;
  end: () => void;
}

const OPTIONS: Daemon['options'] = {
  ...{ stateDir: '/state', runDir: '/run', subnetFile: '/run/flannel/subnet.env' },
  ...{
    ipMasq: true,
    ttlSeconds: TTL_SECONDS,
    keepTtl: true,
    renewMarginMinutes: 60,
    askPeersEveryMs: 0,
    patient: true,
    version: '0',
  },
};

function partsOf(world: World, number: number, process: SimProcess, kernel: MemoryKernel): DaemonParts {
  return {
    store: openStore(process.kv(world.etcd.client()), NET),
    kernel: process.kernel(kernel),
    clock: process.clock,
    random: world.random,
    nodeName: `n${number}`,
    makeHost: async (id) => hostOf(number, { nodeId: id, ipMasq: true, hostId: nodeId(number) }),
    counters: () => undefined,
    carrier: () => undefined,
    log: (event, detail) => world.trace(`n${number} ${event} ${detail}`),
  };
}

export function createNode(world: World, number: number): SimNode {
  const carriers = fakeCarriers();
  const kernel = memoryKernel({ forwarder: carriers });
  for (const object of underlay(number)) kernel.foreign(object);
  const disk = memoryDisk(number);
  let life: Life | undefined;

  function start(): void {
    if (life) return;
    const process = createProcess(world.clock, () => world.random() ** 4 * 200);
    const daemon: Daemon = {
      options: OPTIONS,
      disk,
      stop: new AbortController(),
      node: undefined,
      events: { last: () => [], counts: () => new Map(), failures: () => new Map() },
      turns: { figures: () => ({ longest: 0, p99: 0, cpu: 0 }) },
      waitingFor: '',
    };
    const mine: Life = { process, daemon, end: () => undefined };
    life = mine;
    const parts = partsOf(world, number, process, kernel);
    const restart = () => {
      if (life !== mine) return;
      crash();
      start();
    };
    begin(daemon, parts, { stop: restart, onReady: () => undefined }).then(
      (node) => {
        if (life !== mine) return;
        const unwire = wire(node);
        daemon.node = node;
        mine.end = unwire;
      },
      (error) => {
        world.trace(`n${number} failed ${asTsflannelError(error).message}`);
        // As systemd does.
        process.clock.after(RESTART_MS, restart);
      },
    );
  }

  function crash(): void {
    life?.process.kill();
    life?.end();
    life = undefined;
    void carriers.stop();
  }

  return {
    number,
    kernel,
    node: () => life?.daemon.node,
    isStarted: () => life !== undefined,
    isStopped: () => life?.process.isStopped() ?? false,
    start,
    crash,
    stop: (how) => life?.process.stop(how),
    disorder: (ms) => life?.process.disorder(ms),
    go: () => life?.process.go(),
    wipeDisk: () => disk.wipe(),
  };
}
