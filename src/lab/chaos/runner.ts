import { setTimeout as sleep } from 'node:timers/promises';
import { asTsflannelError } from '../../errors.ts';
import type { FaultResult } from '../../model/fault-figures.ts';
import type { Lab } from '../lab.ts';
import { difference, type Snapshot, snapshot } from '../snapshot.ts';
import { type Fault, now } from './chaos.ts';
import type { Flow } from './flow.ts';
import { judge, type Observation } from './judge.ts';
import { isMoved, movePod, type Pod } from './pods.ts';
import type { Stage } from './stage.ts';
import type { Watchman } from './watchman.ts';

/** A lab on which one fault follows the other. */
export interface Ground {
  readonly stage: Stage;
  readonly flow: Flow;
  readonly watchman: Watchman;
  pods: readonly Pod[];
  /** Figures that the running fault has told. */
  readonly notes: string[];
  /** How the nodes looked after the last fault. */
  shown: readonly Snapshot[];
}

/** How long a node may need for anything before it is called stuck. */
const PATIENCE_MS = 90_000;
const POLL_MS = 20;
/** How long all must have been well before the next fault. */
const CALM_MS = 400;

const LONGEST_LINE = 300;

/** A subnet is named after its node, so that a node which rightly has another one looks the same. */
function named(shown: Snapshot, pods: readonly Pod[]): Snapshot {
  const rename = (line: string): string =>
    pods.reduce((text, { subnet, node }) => text.replaceAll(subnet.replace(/\d+\/\d+$/, ''), `${node.name}:`), line);
  return Object.fromEntries(Object.entries(shown).map(([section, lines]) => [section, lines.map(rename)]));
}

/** The network side of every node; processes are the faults' business. */
export async function showNodes({ nodes }: Lab, pods: readonly Pod[] = []): Promise<readonly Snapshot[]> {
  const shown = await Promise.all(nodes.map(({ namespace }) => snapshot({ namespace })));
  return shown.map(({ processes: _, ...rest }) => named(rest, pods));
}

function leaksOf({ stage, shown }: Ground, after: readonly Snapshot[], { anew }: Fault): string[] {
  return stage.lab.nodes.flatMap(({ name }, i) => {
    const text = difference(shown[i] ?? {}, after[i] ?? {}, anew);
    return text === '' ? [] : text.split('\n').map((line) => `${name} ${line}`.slice(0, LONGEST_LINE));
  });
}

/** Pods follow their nodes' subnets. */
async function followSubnets(ground: Ground): Promise<void> {
  const { lab } = ground.stage;
  let moved = false;
  const pods: Pod[] = [];
  for (const pod of ground.pods) {
    const isElsewhere = await isMoved(pod);
    moved ||= isElsewhere;
    pods.push(isElsewhere ? await movePod(lab, pod) : pod);
  }
  if (!moved) return;
  ground.pods = pods;
  await ground.flow.aim(pods);
}

async function isSettled({ stage }: Ground, fault: Fault | undefined): Promise<boolean> {
  try {
    const open = await Promise.all(stage.lab.nodes.map((node) => stage.subject.open(node)));
    return open.every((steps) => steps === 0) && ((await fault?.healed?.(stage)) ?? true);
  } catch {
    return false; // it is not up yet
  }
}

async function untilOr<T>(condition: () => Promise<T | undefined>, end: number): Promise<T | undefined> {
  for (;;) {
    const answer = await condition();
    if (answer !== undefined || now() > end) return answer;
    await sleep(POLL_MS);
  }
}

/** Waits until nothing is left to do on any node and every pair is answered; resolves to when the first was so. */
export async function untilWell(ground: Ground, fault?: Fault): Promise<{ wellAt: number; findings: string[] }> {
  const end = now() + PATIENCE_MS;
  const settled = await untilOr(async () => {
    await followSubnets(ground);
    const asked = now();
    return (await isSettled(ground, fault)) ? asked : undefined;
  }, end);
  const heard = await untilOr(
    async () => ((await ground.flow.allHeardSince(settled ?? end)) ? true : undefined),
    settled === undefined ? 0 : end,
  );
  await sleep(CALM_MS);
  if (settled !== undefined && heard) return { wellAt: settled, findings: [] };
  return { wellAt: end, findings: [settled === undefined ? 'a node does not become well' : 'a pair stays silent'] };
}

/** Does a part of a fault; resolves to what was found not to be as promised. */
async function attempt(stage: Stage, part: Fault['run'] | undefined): Promise<string[]> {
  try {
    await part?.(stage);
    return [];
  } catch (error) {
    const { code, why, message } = asTsflannelError(error);
    return [code === 'LAB_STUCK' ? why : `${message}: ${why}`];
  }
}

/** Runs one fault on a lab that is well, and waits until it is well again. Times may be `slack` times over the budget. */
export async function measureFault(ground: Ground, fault: Fault, slack: number): Promise<FaultResult> {
  const { stage, flow, watchman } = ground;
  watchman.reset();
  await flow.open();
  const began = now();
  const findings = await attempt(stage, fault.run);
  const endedAt = now();
  const well = await untilWell(ground, fault);
  const report = await flow.close();
  const undone = await attempt(stage, fault.undo);
  if (fault.undo) undone.push(...(await untilWell(ground)).findings);
  const after = await showNodes(stage.lab, ground.pods);
  const seen: Observation = {
    flow: report,
    endedAt,
    wellAt: well.wellAt,
    tookMs: endedAt - began,
    ...watchman.seen(),
    leaks: leaksOf(ground, after, fault),
    notes: ground.notes.splice(0),
    findings: [...findings, ...well.findings, ...undone],
  };
  ground.shown = after;
  return judge(fault, fault.budget(stage.backend), seen, slack);
}
