/** What a daemon costs that has nothing to do. */
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../test/support/until.ts';
import { cpuOf, onStage, type Subject } from './ground.ts';

const SETTLE_MS = 15_000;
const WATCH_MS = 30_000;

/** Milliseconds of CPU in 30 s, with so many leases of others in etcd; vxlan. */
export const measureIdle = (subject: Subject, leases: number): Promise<number> =>
  onStage('vxlan', 1, async ({ host, outside }) => {
    if (leases > 0) await outside.ask('fill', { backend: 'vxlan', count: leases });
    const daemon = subject.start(host);
    await until('it is ready', () => subject.ready.test(daemon.said()), 60_000);
    await sleep(leases > 0 ? 2 * SETTLE_MS : SETTLE_MS);
    const before = cpuOf(daemon.pid);
    await sleep(WATCH_MS);
    return cpuOf(daemon.pid) - before;
  });
