import { existsSync } from 'node:fs';
import { asTsflannelError, TsflannelError } from '../errors.ts';
import { printEndpoint } from '../model/endpoint.ts';
import type { KvOptions } from '../store/kv.ts';
import type { CareParts } from './care.ts';
import { accessOf, localUrl, type Member, memberFile } from './member.ts';
import { readMember } from './member-file.ts';
import { withKv } from './members.ts';
import { certFile, clientFiles } from './pki-files.ts';
import { isDue, readSchedule } from './schedule.ts';
import { listSnapshots, takeSnapshot } from './snapshots.ts';

/**
 * Takes snapshots beside the etcd member where no systemd does. It looks at the schedule every minute, so that nobody has to tell it;
 * a failure is logged and ends nothing.
 */
export interface SnapshotService {
  /** Looks now. */
  look(): Promise<void>;
  /** Waits for a snapshot under way. */
  close(): Promise<void>;
}

const LOOK_MS = 60_000;
/** After a failure. */
const RETRY_MS = 10 * 60_000;
const CALL_MS = 5000;

/** With authentication on, etcd gives snapshots to root only: its certificate lies where the CA key does. */
function accessTo(member: Member): KvOptions {
  const { pki } = member;
  const root = pki !== undefined && existsSync(certFile(pki, 'root')) ? clientFiles(pki, 'root') : accessOf(member);
  return { ...root, endpoints: [printEndpoint(localUrl(member))], timeoutMs: CALL_MS };
}

/** Rejects with ETCD_AUTH where etcd would refuse the member's supervisor: authentication is on, and this host is not root. */
export async function checkSnapshots(dataDir: string): Promise<void> {
  const member = await readMember(memberFile(dataDir));
  if (!member) return;
  const { openKv } = await import('../host/kv.ts');
  const asked = withKv(openKv, accessTo(member), (kv) => kv.range('/', { exact: true, limit: 1, keysOnly: true }));
  const failure = await asked.then(
    () => undefined,
    (error: unknown) => asTsflannelError(error),
  );
  if (failure?.code !== 'ETCD_AUTH') return;
  const detail = `${failure.why}; snapshots are root's: schedule them on a host that has the CA key`;
  throw new TsflannelError('ETCD_AUTH', { detail }, failure);
}

async function partsOf(member: Member, notice: CareParts['notice']): Promise<CareParts> {
  const [{ openKv }, { openMaintenance }] = await Promise.all([
    import('../host/kv.ts'),
    import('../host/maintenance.ts'),
  ]);
  return { openKv, openMaintenance, kv: accessTo(member), notice };
}

/** Starts looking, at first after a minute: etcd starts only now. Never throws. */
export function startSnapshots(member: Member, log: (line: string) => void): SnapshotService {
  let retryAt = 0;
  let busy: Promise<void> = Promise.resolve();

  async function once(): Promise<void> {
    const schedule = await readSchedule(member.dataDir);
    if (schedule?.runner !== 'supervisor') return;
    if (!isDue(schedule, await listSnapshots(schedule.dir), Date.now())) return;
    const { saved, removed } = await takeSnapshot(await partsOf(member, log), schedule);
    log(
      `snapshot: ${saved.file}, ${saved.bytes} bytes, revision ${saved.revision}; ${removed.length} old ones removed`,
    );
  }
  const guarded = async (): Promise<void> => {
    try {
      await once();
    } catch (error) {
      const { message, why } = asTsflannelError(error);
      log(`snapshot: ${message}: ${why}; tried again in ${RETRY_MS / 60_000} minutes`);
      retryAt = performance.now() + RETRY_MS;
    }
  };
  const look = (): Promise<void> => {
    busy = busy.then(guarded);
    return busy;
  };
  const tick = (): void => {
    if (performance.now() >= retryAt) void look();
  };
  const timer = setInterval(tick, LOOK_MS);
  return {
    look,
    async close() {
      clearInterval(timer);
      await busy;
    },
  };
}
