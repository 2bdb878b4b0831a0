import { asTsflannelError, type ErrorCode } from '../errors.ts';
import type { Clock } from '../model/clock.ts';
import type { Log } from '../model/log-events.ts';
import type { Check } from '../model/report.ts';
import type { ApplyRequest, DockerOutcome } from './apply.ts';

/** Keeps this host's Docker on the leased subnet while a node is up: what `docker apply` does, by itself. */
export interface DockerFollower {
  /** What subnet.env says now (printForDocker); called as often as one likes. */
  leased(env: string): void;
  /** Looks again now if something kept it; somebody may have put that right. */
  look(): void;
  /** How Docker stands to it. */
  check(): Check;
  /** Breaks off what is under way, which puts Docker back as it was; resolves when that is done. */
  close(): Promise<void>;
}

export interface FollowOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** One `docker apply` without questions. */
  readonly apply: (change: Pick<ApplyRequest, 'dryRun' | 'expected'>, signal: AbortSignal) => Promise<DockerOutcome>;
}

/** Until a dockerd runs, which may well start after us, or subnet.env is written. */
const ABSENT_MS = 5_000;
/** Until it is looked again whether somebody has put right what kept us. */
const FAILED_MS = 30_000;

const ABSENT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'DOCKER_NOT_FOUND',
  'DOCKER_NOT_RUNNING',
  'DOCKER_UNREACHABLE',
  'SUBNET_ENV_MISSING',
]);
/** dockerd was restarted in vain: that is not tried again by itself, only looked at. */
const RESTARTED: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['DOCKER_FAILED', 'DOCKER_NOT_RESTORED']);

interface Standing {
  readonly state: Check['state'];
  readonly detail: string;
  /** subnet.env that Docker has, or was tried with in vain. */
  readonly settled?: string | undefined;
  readonly inVain?: string | undefined;
}

const right = (env: string): Standing => ({ state: 'ok', detail: 'has the leased subnet', settled: env });

function failed(error: unknown, env: string, before: Standing): Standing {
  const { code, message, why, fix } = asTsflannelError(error);
  const restarted = RESTARTED.has(code);
  const detail = `${message}: ${why}${fix[0] === undefined ? '' : `; try: ${fix[0]}`}`;
  return { state: 'degraded', detail, inVain: restarted ? env : before.inVain };
}

/** Follows the lease from the first `leased` on. A dockerd that has what it should is never restarted, one that is down never started. */
export function followLease({ clock, log, apply }: FollowOptions): DockerFollower {
  const stop = new AbortController();
  let wanted: string | undefined;
  let standing: Standing = { state: 'degraded', detail: 'waits for the lease' };
  let working: Promise<void> | undefined;
  let cancel = (): void => undefined;

  /** Resolves to how long to wait until the next attempt, `undefined` when none is needed. */
  async function attempt(env: string): Promise<number | undefined> {
    const dryRun = standing.inVain === env;
    try {
      const { changed } = await apply({ dryRun, expected: env }, stop.signal);
      if (changed && dryRun) return FAILED_MS;
      if (changed) log('docker-switched', 'Docker has the leased subnet');
      standing = right(env);
      return undefined;
    } catch (error) {
      const before = standing.detail;
      standing = failed(error, env, standing);
      if (standing.detail !== before && !stop.signal.aborted) log('docker-failed', standing.detail);
      return ABSENT.has(asTsflannelError(error).code) ? ABSENT_MS : FAILED_MS;
    }
  }

  async function work(): Promise<void> {
    while (wanted !== undefined && wanted !== standing.settled && !stop.signal.aborted) {
      const env = wanted;
      const wait = await attempt(env);
      if (wait === undefined || wanted !== env) continue;
      if (!stop.signal.aborted) cancel = clock.after(wait, begin);
      break;
    }
    working = undefined;
  }

  function begin(): void {
    cancel();
    if (!stop.signal.aborted) working ??= work();
  }

  return {
    leased(env) {
      if (env === wanted) return;
      wanted = env;
      begin();
    },
    look: begin,
    check: () => ({ name: 'docker', state: standing.state, detail: standing.detail }),
    async close() {
      stop.abort();
      cancel();
      await working;
    },
  };
}
