import { abilityChecks } from './ability.ts';
import { type Check, commandOf, type Finding, GROUPS, type Group, type Repair } from './check.ts';
import { daemonChecks } from './daemon.ts';
import { dockerChecks } from './docker.ts';
import { etcdChecks } from './etcd.ts';
import { etcdDataChecks } from './etcd-data.ts';
import type { Evidence } from './evidence.ts';
import { filterChecks } from './filters.ts';
import { hostChecks } from './host.ts';
import { kernelChecks } from './kernel.ts';
import { leaseChecks } from './leases.ts';
import { networkChecks } from './network.ts';
import { peerChecks } from './peers.ts';

/** Every check, by group. */
export const CHECKS: readonly Check[] = [
  ...hostChecks,
  ...abilityChecks,
  ...networkChecks,
  ...etcdChecks,
  ...etcdDataChecks,
  ...leaseChecks,
  ...daemonChecks,
  ...kernelChecks,
  ...filterChecks,
  ...peerChecks,
  ...dockerChecks,
];

function findingOf(check: Check, evidence: Evidence): Finding {
  const { id, group, title, why } = check;
  const verdict = check.judge(evidence);
  return {
    ...{ id, group, title, why },
    fix: verdict.fix ?? check.fix,
    result: verdict.result,
    evidence: verdict.evidence,
    repairs: verdict.repairs ?? [],
  };
}

/** Each check by itself, in the order of CHECKS; `ids`: only these. */
export const judgeAll = (evidence: Evidence, ids: readonly string[] = []): readonly Finding[] =>
  CHECKS.filter(({ id }) => ids.length === 0 || ids.includes(id)).map((check) => findingOf(check, evidence));

export type Health = 'ok' | 'degraded' | 'down';

/** A warning is no reason to call a node unwell; without a daemon it is down. */
export function healthOf(findings: readonly Finding[]): Health {
  const failed = findings.filter(({ result }) => result === 'fail');
  if (failed.some(({ id }) => id === 'daemon')) return 'down';
  return failed.length > 0 ? 'degraded' : 'ok';
}

export { commandOf, type Finding, GROUPS, type Group, type Repair };
