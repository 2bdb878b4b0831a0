import type { FaultResult } from '../../model/fault-figures.ts';
import type { Fault } from './chaos.ts';
import type { FlowReport, PairLoss } from './flow.ts';
import { nodeOfPod } from './pods.ts';

/** What was seen while a fault ran and was healed. */
export interface Observation {
  readonly flow: FlowReport;
  /** When the fault was over, and when every node had what it wants. */
  readonly endedAt: number;
  readonly wellAt: number;
  /** They had it before patience ended. */
  readonly isHealed: boolean;
  readonly tookMs: number;
  readonly torn: number;
  readonly overlaps: number;
  readonly leaks: readonly string[];
  readonly notes: readonly string[];
  /** What the fault itself, or the wait for the end of it, found. */
  readonly findings: readonly string[];
}

/** Pairs between nodes that the fault is not about. */
type IsSpared = (pair: PairLoss) => boolean;

const sparedBy = ({ hits }: Fault): IsSpared => {
  const isHit = (pod: number): boolean => hits?.includes(nodeOfPod(pod)) ?? true;
  return ({ from, to }) => !isHit(from) && !isHit(to);
};

/**
 * A pair without what its end was too slow for: that is the meter's fault, not the network's. What the fault itself takes from that end is
 * no reason to hold the rest against those that it spares.
 */
function withoutOverflow(pair: PairLoss, { overflowed, pairs }: FlowReport, isSpared: IsSpared): PairLoss {
  const missed = overflowed.get(pair.to) ?? 0;
  if (missed === 0) return pair;
  const alike = pairs.filter((one) => one.to === pair.to && (!isSpared(pair) || isSpared(one)));
  return sum(alike, lostOf) <= missed ? { ...pair, received: pair.sent, holes: [], lostUntil: 0 } : pair;
}

/** Docker's own way from one container to another: a bridge that the subject has no part in. */
const isDockers = ({ from, to }: PairLoss): boolean => nodeOfPod(from) === nodeOfPod(to);

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
const max = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((most, item) => Math.max(most, of(item)), 0);

const lostOf = ({ sent, received }: PairLoss): number => sent - received;
const gapOf = ({ holes }: PairLoss): number => max(holes, ({ from, to }) => to - from);

const MOST_PAIRS = 4;

/** Which pairs lost packets, and when, by their longest hole: seconds since the fault began. What their ends were too slow for is said too. */
function whoLost(pairs: readonly PairLoss[], { flow, endedAt, tookMs }: Observation): string {
  const since = (at: number): string => ((at - endedAt + tookMs) / 1_000).toFixed(2);
  const losers = pairs.filter((pair) => lostOf(pair) > 0).sort((a, b) => lostOf(b) - lostOf(a));
  const said = losers.slice(0, MOST_PAIRS).map((pair) => {
    const [hole] = pair.holes;
    const missed = flow.overflowed.get(pair.to) ?? 0;
    const when = hole ? ` at ${since(hole.from)} to ${since(hole.to)} s` : '';
    return `${lostOf(pair)} from ${pair.from} to ${pair.to}${when}${missed > 0 ? ` (${missed} missed by it)` : ''}`;
  });
  return [...said, ...(losers.length > MOST_PAIRS ? [`${losers.length - MOST_PAIRS} pairs more`] : [])].join(', ');
}

/** Lines of what is out of the budget; times may be `slack` times longer, since machines differ: losses where none are allowed may not. */
function overBudget(
  fault: Fault,
  result: Omit<FaultResult, 'failures'>,
  pairs: readonly PairLoss[],
  { seen, slack }: { readonly seen: Observation; readonly slack: number },
): string[] {
  const { budget, gapMs, healMs, lost, leaks, duplicates, repeated } = result;
  const { dropped } = seen.flow;
  const spared = pairs.filter(sparedBy(fault));
  const lostElsewhere = sum(spared, lostOf);
  return [
    ...(budget.gapMs === 0 && lost > dropped
      ? [`${lost} packets lost where none may be: ${whoLost(pairs, seen)}`]
      : []),
    ...(lost > Math.max(dropped, result.sent * (budget.lostShare ?? 1))
      ? [`${lost} packets of ${result.sent} lost`]
      : []),
    ...(gapMs > budget.gapMs * slack && lost > dropped ? [`gap ${Math.round(gapMs)} ms of ${budget.gapMs}`] : []),
    ...(lostElsewhere > dropped && budget.gapMs > 0
      ? [`${lostElsewhere} packets lost between nodes it is not about: ${whoLost(spared, seen)}`]
      : []),
    ...(healMs > budget.healMs * slack ? [`healed after ${Math.round(healMs)} ms of ${budget.healMs}`] : []),
    ...leaks.map((line) => `leak: ${line}`),
    ...(duplicates > 0 ? [`${duplicates} times a subnet was held twice or subnet.env was torn`] : []),
    ...(repeated > 0 ? [`${repeated} packets repeated or astray`] : []),
  ];
}

/** Makes figures of what was seen and holds them against the budget. */
export function judge(fault: Fault, budget: FaultResult['budget'], seen: Observation, slack: number): FaultResult {
  const all = seen.flow.pairs.map((pair) => withoutOverflow(pair, seen.flow, sparedBy(fault)));
  const pairs = all.filter((pair) => !isDockers(pair));
  const dockersGapMs = Math.round(max(all.filter(isDockers), gapOf));
  const { dropped } = seen.flow;
  const lost = sum(pairs, lostOf);
  const lostUntil = seen.isHealed ? max(pairs, (pair) => pair.lostUntil) : 0;
  const healedAt = Math.max(seen.wellAt, lostUntil);
  const overtaken = sum(pairs, (pair) => pair.overtaken);
  const notes = [
    ...seen.notes,
    ...(overtaken > 0 ? [`${overtaken} packets reached the next owner of their address`] : []),
    ...(dropped > 0 && lost > 0 ? [`the busy machine itself dropped up to ${dropped}`] : []),
  ];
  const result = {
    row: fault.row,
    name: fault.name,
    sent: sum(pairs, ({ sent }) => sent),
    lost,
    repeated: sum(pairs, ({ repeated, strayed }) => repeated + strayed),
    gapMs: Math.round(max(pairs, gapOf)),
    healed: seen.isHealed,
    healMs: Math.max(0, Math.round(healedAt - seen.endedAt)),
    resets: seen.flow.stream.resets,
    stallMs: Math.round(seen.flow.stream.stallMs),
    leaks: seen.leaks,
    duplicates: (fault.tears ? 0 : seen.torn) + seen.overlaps,
    tookMs: Math.round(seen.tookMs),
    budget: { ...budget, gapMs: budget.gapMs + dockersGapMs },
    notes,
  };
  return { ...result, failures: [...seen.findings, ...overBudget(fault, result, pairs, { seen, slack })] };
}
