import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../control/client.ts';
import { TsflannelError } from '../errors.ts';
import { type Prefix, parsePrefix, printPrefix } from '../model/address.ts';
import { resolveConnection } from './connection.ts';
import { openKv } from './kv.ts';
import { type LookFlags, placeOptions } from './look-options.ts';

/** One thing to wait for. */
type Goal =
  | { readonly kind: 'ready' | 'etcd' | 'lease' }
  | { readonly kind: 'peers'; readonly count: number }
  | { readonly kind: 'route'; readonly subnet: Prefix };

const WORDS = { ready: 'a ready daemon', etcd: 'etcd', lease: 'a lease', peers: 'peers', route: 'a route' } as const;

function goalOf(text: string): Goal {
  const [, kind, value] = /^(\w+)(?:=(.*))?$/.exec(text) ?? [];
  if ((kind === 'ready' || kind === 'etcd' || kind === 'lease') && value === undefined) return { kind };
  if (kind === 'peers' && /^[1-9]\d{0,4}$/.test(value ?? '')) return { kind, count: Number(value) };
  const subnet = kind === 'route' ? parsePrefix(value ?? '') : undefined;
  if (subnet) return { kind: 'route', subnet };
  const detail = `--for ${text}: ready, etcd, lease, peers=3 or route=10.5.7.0/24 is expected`;
  throw new TsflannelError('USAGE', { detail });
}

const printGoal = (goal: Goal): string => {
  if (goal.kind === 'peers') return `${goal.count} ${WORDS.peers}`;
  return goal.kind === 'route' ? `${WORDS.route} to ${printPrefix(goal.subnet)}` : WORDS[goal.kind];
};

/** What is missing yet; `undefined`: the goal is reached. Rejects where nobody answers. */
type Look = (goal: Goal, timeoutMs: number) => Promise<string | undefined>;

async function etcdAnswers(flags: LookFlags, timeoutMs: number): Promise<undefined> {
  const { kv: options, prefix } = await resolveConnection(flags);
  const kv = await openKv({ ...options, timeoutMs });
  try {
    await kv.range(`${prefix}/config`, { exact: true });
  } finally {
    kv.close();
  }
  return undefined;
}

function lookWith(flags: LookFlags): Look {
  const { runDir } = placeOptions(flags);
  return async (goal, timeoutMs) => {
    switch (goal.kind) {
      case 'etcd':
        return etcdAnswers(flags, timeoutMs);
      case 'ready': {
        const { ready, waitingFor } = await ask(runDir, 'ping', timeoutMs);
        return ready ? undefined : (waitingFor ?? 'subnet.env and routes are not in place');
      }
      case 'lease': {
        const { checks } = await ask(runDir, 'status', timeoutMs);
        const lease = checks.find(({ name }) => name === 'lease');
        return lease?.state === 'ok' ? undefined : (lease?.detail ?? 'none is held');
      }
      default: {
        const { rows } = await ask(runDir, 'routes', timeoutMs);
        const reached = rows.filter(({ state }) => state === 'ok');
        if (goal.kind === 'peers') return reached.length >= goal.count ? undefined : `${reached.length} are reached`;
        const row = rows.find(({ subnet }) => subnet === printPrefix(goal.subnet));
        return row?.state === 'ok' || row?.state === 'this node' ? undefined : (row?.detail ?? 'nobody leases it');
      }
    }
  };
}

const EVERY_MS = 100;
/** No single look may hold up the end by more: so a wait ends at most a second late. */
const LOOK_MS = 1_000;

const reasonOf = (error: unknown): string => {
  if (error instanceof TsflannelError && error.exit === 2) throw error;
  return error instanceof Error ? error.message : String(error);
};

/**
 * Waits until all goals are reached; returns how long it took, in ms. Rejects with WAIT_TIMEOUT, at the latest a second after
 * `timeoutSeconds`, and with USAGE for a goal that is none.
 */
export async function waitFor(flags: LookFlags, goals: readonly string[], timeoutSeconds: number): Promise<number> {
  const look = lookWith(flags);
  const begun = performance.now();
  const end = begun + timeoutSeconds * 1000;
  for (const goal of goals.map(goalOf)) {
    for (;;) {
      const missing = await look(goal, LOOK_MS).catch(reasonOf);
      if (missing === undefined) break;
      if (performance.now() >= end)
        throw new TsflannelError('WAIT_TIMEOUT', { wanted: printGoal(goal), seconds: timeoutSeconds, detail: missing });
      await sleep(EVERY_MS);
    }
  }
  return Math.round(performance.now() - begun);
}
