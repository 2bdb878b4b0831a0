import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runDaemon } from '../../src/daemon/daemon.ts';
import type { DaemonParts } from '../../src/daemon/node.ts';
import type { NodeOptions } from '../../src/daemon/options.ts';
import { type MemoryKernel, memoryKernel } from '../../src/kernel/memory/memory.ts';
import { type Clock, systemClock } from '../../src/model/clock.ts';
import { createMemoryEtcd, type MemoryEtcd } from '../../src/store/memory/etcd.ts';
import { openStore } from '../../src/store/store.ts';
import { NET } from './kvs.ts';
import { overwrite } from './lease.ts';
import { hostOf, underlay } from './scene.ts';

/** The store's leases outlive a test: they must not keep the process. */
const storeClock: Clock = {
  now: systemClock.now,
  after: (ms, fn) => {
    const timer = setTimeout(fn, ms).unref();
    return () => clearTimeout(timer);
  },
};

/** A daemon on a fake kernel and store, real files and sockets. */
export interface DaemonRig {
  readonly dir: string;
  readonly options: NodeOptions;
  readonly etcd: MemoryEtcd;
  readonly kernel: MemoryKernel;
  readonly log: string[];
  readonly notices: string[];
  /** Starts it; `ready` resolves when it says so, `ended` when it has ended (or rejects with what stopped it). */
  run(parts?: Partial<DaemonParts>, options?: Partial<NodeOptions>): { ready: Promise<void>; ended: Promise<void> };
  remove(): Promise<void>;
}

export async function daemonRig(config: object | undefined = { Network: '10.5.0.0/16' }): Promise<DaemonRig> {
  const dir = await mkdtemp(join(tmpdir(), 'tsflannel-daemon-'));
  const etcd = createMemoryEtcd(storeClock);
  if (config) await overwrite(etcd, 'config', JSON.stringify(config));
  const kernel = memoryKernel();
  for (const object of underlay(1)) kernel.foreign(object);
  const log: string[] = [];
  const notices: string[] = [];
  const options: NodeOptions = {
    stateDir: join(dir, 'state'),
    runDir: join(dir, 'run'),
    subnetFile: join(dir, 'flannel', 'subnet.env'),
    ipMasq: false,
    ttlSeconds: 86_400,
    keepTtl: true,
    renewMarginMinutes: 60,
    askPeersEveryMs: 0,
    patient: false,
    version: '0.0.0',
  };
  const parts = (): DaemonParts => ({
    store: openStore(etcd.client(), NET),
    kernel,
    clock: systemClock,
    random: Math.random,
    nodeName: 'n1',
    makeHost: async (nodeId) => hostOf(1, { nodeId, subnetFile: options.subnetFile }),
    counters: () => undefined,
    carrier: () => undefined,
    systemd: { tell: (message) => notices.push(message) },
    log: (event, detail) => log.push(`${event} ${detail}`),
  });
  return {
    dir,
    options,
    etcd,
    kernel,
    log,
    notices,
    run(other = {}, changed = {}) {
      const { promise: ready, resolve } = Promise.withResolvers<void>();
      const ended = runDaemon({ ...options, ...changed }, { ...parts(), ...other }, resolve);
      ended.catch(() => undefined);
      return { ready: Promise.race([ready, ended]), ended };
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}
