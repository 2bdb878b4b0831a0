import { duration } from '../model/duration.ts';
import type { Check } from '../model/report.ts';
import type { Daemon, Node } from './node.ts';

export const check = (name: string, state: Check['state'], detail: string): Check => ({ name, state, detail });

function leaseDetail({ holder }: Node): string {
  const state = holder.state();
  if (state === 'cached') return 'remembered; etcd has not confirmed it yet';
  const left = holder.secondsLeft();
  return `${state}${left === undefined ? ', reservation' : `, ${duration(left)} left`}`;
}

/** What the daemon knows of itself without looking at anything. */
export function checksOf(node: Node): Check[] {
  const connection = node.follower.connection();
  const { failed, blocked, fights, heldRemovals } = node.reconciler.status();
  const lease = node.holder.state();
  return [
    check('etcd', connection.connected ? 'ok' : 'degraded', connection.connected ? 'connected' : connection.error),
    ...(node.cachedAt === undefined ? [] : [check('view', 'degraded', `cached view of ${node.cachedAt}`)]),
    check('lease', lease === 'held' ? 'ok' : 'degraded', leaseDetail(node)),
    check(
      'kernel',
      failed.length > 0 ? 'degraded' : 'ok',
      failed[0] ? `${failed[0].key}: ${failed[0].error}` : 'as wanted',
    ),
    check('blocked', blocked.length > 0 ? 'degraded' : 'ok', blocked[0]?.because ?? 'nothing stands in the way'),
    check(
      'fights',
      fights.length > 0 ? 'degraded' : 'ok',
      fights[0] ? `${fights[0].key} restored ${fights[0].restores} times` : 'none',
    ),
    check(
      'removals',
      heldRemovals > 0 ? 'degraded' : 'ok',
      heldRemovals > 0 ? `${heldRemovals} wait for a confirmation` : 'none held',
    ),
  ];
}

/** Why the node is not ready, a line each. */
export function waitingOf({ node, waitingFor }: Daemon): readonly string[] | undefined {
  if (node?.ready) return undefined;
  const bad = node ? checksOf(node).filter(({ state }) => state !== 'ok') : [];
  if (bad.length > 0) return bad.map(({ name, detail }) => `${name}: ${detail}`);
  return [node ? 'the first look at the kernel is under way' : `waiting: ${waitingFor}`];
}
