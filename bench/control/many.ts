/** 5,000 leases in etcd when the daemon starts: until all peers are reached, and the memory that takes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendType } from '../probe/etcd.ts';
import { now } from '../stats.ts';
import { cpuOf, memoryOf, onStage, type Stage, type Subject, unlessDead } from './ground.ts';
import { innerOf } from './peer.ts';

export interface Many {
  /** Milliseconds since the start of the daemon. */
  readonly lease: number;
  readonly all: number;
  /** CPU time of the daemon by then, in milliseconds. */
  readonly cpu: number;
  /** MB: when all were reached, five seconds later, and the highest so far. */
  readonly rss: number;
  readonly later: number;
  readonly peak: number;
}

const SETTLE_MS = 5_000;

/** A sample of the peers of udp: each hundredth, and the last. */
const sample = (count: number): string[] =>
  [...Array.from({ length: Math.ceil(count / 100) }, (_, i) => i * 100), count - 1].map(innerOf);

async function allReached({ probe, outside }: Stage, backend: BackendType, count: number): Promise<number> {
  if (backend !== 'udp') return (await probe.ask<{ last: number }>('routes', { count })).last;
  const to = sample(count);
  await probe.ask('send', { to, count: 5 });
  const times = await outside.ask<number[]>('seen', { to });
  await probe.ask('quiet');
  return Math.max(...times);
}

export const measureMany = (subject: Subject, backend: BackendType, count: number): Promise<Many> =>
  onStage(backend, 1, async (stage) => {
    const { ground, host, probe, outside } = stage;
    await host.run('ip', '-n', ground.underlay, 'route', 'add', 'local', '198.19.0.0/16', 'dev', 'lo');
    await outside.ask('fill', { backend, count });
    await outside.ask('receive');
    await probe.ask('listen');
    const began = now();
    const daemon = subject.start(host);
    const all = (await unlessDead(daemon, allReached(stage, backend, count))) - began;
    const [{ rss }, cpu] = [memoryOf(daemon.pid), cpuOf(daemon.pid)];
    const lease = (await probe.ask<number>('lease')) - began;
    await sleep(SETTLE_MS);
    const { rss: later, peak } = memoryOf(daemon.pid);
    return { lease, all, cpu, rss, later, peak };
  });
