/**
 * doctor/ judges what was seen of a host and its cluster: each check is a pure function from evidence to a verdict, and stands alone.
 * It knows what is a fault, why it hurts and what mends it; it must not look anywhere itself: gather/ does, once for all checks.
 */
import type { Evidence, Looked } from './evidence.ts';

export type CheckResult = 'ok' | 'warn' | 'fail' | 'skip';

/** A change that cannot do harm, so that `--fix` may make it. */
export type Repair =
  | { readonly kind: 'sysctl'; readonly name: string; readonly value: string }
  | { readonly kind: 'module'; readonly name: string }
  | { readonly kind: 'offload'; readonly device: string; readonly feature: string }
  | { readonly kind: 'mode'; readonly path: string; readonly mode: number };

/** What a check says of the evidence. `fix`: commands for just this case; without them those of the check count. */
export interface Verdict {
  readonly result: CheckResult;
  /** What was seen, in words. */
  readonly evidence: string;
  readonly fix?: readonly string[];
  readonly repairs?: readonly Repair[];
}

export const GROUPS = ['host', 'network', 'etcd', 'leases', 'daemon', 'kernel', 'filters', 'peers', 'docker'] as const;
export type Group = (typeof GROUPS)[number];

/** One question to the evidence. `why` and `fix` are for when the answer is not "ok". */
export interface Check {
  readonly id: string;
  readonly group: Group;
  /** What is well, said as a fact. */
  readonly title: string;
  readonly why: string;
  readonly fix: readonly string[];
  judge(evidence: Evidence): Verdict;
}

/** What `doctor` tells of one check. */
export interface Finding extends Pick<Check, 'id' | 'group' | 'title' | 'why' | 'fix'> {
  readonly result: CheckResult;
  readonly evidence: string;
  readonly repairs: readonly Repair[];
}

export const ok = (evidence: string): Verdict => ({ result: 'ok', evidence });
export const skip = (evidence: string): Verdict => ({ result: 'skip', evidence });
export const warn = (evidence: string, ...fix: string[]): Verdict => ({
  result: 'warn',
  evidence,
  ...(fix.length > 0 && { fix }),
});
export const fail = (evidence: string, ...fix: string[]): Verdict => ({
  result: 'fail',
  evidence,
  ...(fix.length > 0 && { fix }),
});

/** A verdict that brings a safe repair; its command is the fix. */
export const repairable = (verdict: Verdict, ...repairs: Repair[]): Verdict => ({
  ...verdict,
  fix: repairs.map(commandOf),
  repairs,
});

/** Judges what was seen; skips with the reason why nobody could look. */
export const on = <T>(looked: Looked<T>, judge: (seen: T) => Verdict): Verdict =>
  'seen' in looked ? judge(looked.seen) : skip(looked.unseen);

/** What a list of faults comes to: none is fine, else the first few of them. */
export function faults(
  list: readonly string[],
  fine: string,
  verdict: typeof fail | typeof warn = fail,
  shown = 3,
): Verdict {
  if (list.length === 0) return ok(fine);
  const more = list.length > shown ? `; and ${list.length - shown} more` : '';
  return verdict(`${list.slice(0, shown).join('; ')}${more}`);
}

/** Whether a daemon runs here, even one that does not answer. */
export const isUp = ({ daemon }: Evidence): boolean => 'seen' in daemon.ping || daemon.pid !== undefined;

/** A node that is up, or was killed: its lease and what it made are still there. */
export const isNode = (evidence: Evidence): boolean =>
  isUp(evidence) || ('seen' in evidence.network && evidence.network.seen.own !== undefined);

/** The command that does what the repair does. */
export function commandOf(repair: Repair): string {
  switch (repair.kind) {
    case 'sysctl':
      return `sysctl -w ${repair.name}=${repair.value}`;
    case 'module':
      return `modprobe ${repair.name}`;
    case 'offload':
      return `ethtool -K ${repair.device} ${repair.feature} off`;
    case 'mode':
      return `chmod ${repair.mode.toString(8)} ${repair.path}`;
  }
}
