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
import { sweep } from './sweep.ts';
import type { Watchman } from './watchman.ts';
import { DEVICES } from './ways.ts';

/** A lab on which one fault follows the other. */
export interface Ground {
  readonly stage: Stage;
  readonly flow: Flow;
  readonly watchman: Watchman;
  pods: readonly Pod[];
  /** Figures that the running fault has told. */
  readonly notes: string[];
  /** How the nodes looked after the last fault; empty before the first. */
  shown: readonly Snapshot[];
  /** How long a node may need for anything before it is called stuck. */
  patienceMs: number;
  /** The lab is being taken down: every wait of a measurement ends, and it rejects. */
  readonly closed: AbortSignal;
}

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

interface Link {
  readonly ifname: string;
  readonly address?: string;
}

/** The same for the MACs of vxlan's devices: who does not promise to keep its MAC may have another one, if all peers know it. */
export function namedMacs(shown: readonly Snapshot[], nodes: Lab['nodes']): readonly Snapshot[] {
  const macs = shown.flatMap(({ links = [] }, i) =>
    links
      .map((line) => JSON.parse(line) as Link)
      .flatMap(({ ifname, address }) =>
        ifname === DEVICES.vxlan && address ? [[address, `MAC of ${nodes[i]?.name}`] as const] : [],
      ),
  );
  const rename = (line: string): string => macs.reduce((text, [mac, name]) => text.replaceAll(mac, name), line);
  return shown.map((one) =>
    Object.fromEntries(Object.entries(one).map(([section, lines]) => [section, lines.map(rename)])),
  );
}

/** The network side of every node; processes are the faults' business. */
export async function showNodes({ nodes }: Lab, pods: readonly Pod[] = []): Promise<readonly Snapshot[]> {
  const shown = await Promise.all(nodes.map(({ namespace }) => snapshot({ namespace })));
  return shown.map(({ processes: _, ...rest }) => named(rest, pods));
}

/** The same as faults are judged by. */
export async function showGround({ stage, pods }: Pick<Ground, 'stage' | 'pods'>): Promise<readonly Snapshot[]> {
  const shown = await showNodes(stage.lab, pods);
  return stage.subject.own ? shown : namedMacs(shown, stage.lab.nodes);
}

function leaksOf({ stage, shown }: Ground, after: readonly Snapshot[], fault?: Fault): string[] {
  return stage.lab.nodes.flatMap(({ name }, i) => {
    const text = difference(shown[i] ?? {}, after[i] ?? {}, fault?.anew);
    return text === '' ? [] : text.split('\n').map((line) => `${name} ${line}`.slice(0, LONGEST_LINE));
  });
}

/** Pods follow their nodes' subnets. */
async function followSubnets(ground: Ground): Promise<void> {
  const { lab } = ground.stage;
  // All at once: as long as a container has not followed, what it does not get counts as lost.
  const pods = await Promise.all(ground.pods.map(async (pod) => ((await isMoved(pod)) ? movePod(lab, pod) : pod)));
  if (pods.every((pod, i) => pod === ground.pods[i])) return;
  ground.pods = pods;
  await ground.flow.aim(pods);
}

/** No step is left; of daemons that cannot be asked for their plan: the kernel is what it was, unless the fault says what is to be. */
async function isSettled(ground: Ground, fault: Fault | undefined): Promise<boolean> {
  const { stage, shown } = ground;
  try {
    const open = await Promise.all(stage.lab.nodes.map((node) => stage.subject.open(node)));
    if (open.some((steps) => steps !== undefined && steps > 0)) return false;
    if (fault?.healed) return await fault.healed(stage);
    if (!open.includes(undefined) || shown.length === 0) return true;
    return leaksOf(ground, await showGround(ground), fault).length === 0;
  } catch {
    return false; // it is not up yet
  }
}

async function untilOr<T>(
  { closed }: Ground,
  condition: () => Promise<T | undefined>,
  end: number,
): Promise<T | undefined> {
  for (;;) {
    closed.throwIfAborted();
    const answer = await condition();
    if (answer !== undefined || now() > end) return answer;
    await sleep(POLL_MS);
  }
}

/** Waits until nothing is left to do on any node and every pair is answered; resolves to when the first was so. */
export async function untilWell(ground: Ground, fault?: Fault): Promise<{ wellAt: number; findings: string[] }> {
  const end = now() + ground.patienceMs;
  const looked = async () => {
    await followSubnets(ground);
    const asked = now();
    return (await isSettled(ground, fault)) ? asked : undefined;
  };
  const settled = await untilOr(ground, looked, end);
  const since = settled ?? now() - CALM_MS;
  // A node may have got its subnet between two of those looks: then its container still has to follow.
  const followed = async () => {
    await followSubnets(ground);
    return (await ground.flow.allHeardSince(since)) ? true : undefined;
  };
  const heard = await untilOr(ground, followed, settled === undefined ? 0 : end);
  await sleep(CALM_MS);
  if (settled !== undefined && heard) return { wellAt: settled, findings: [] };
  const stuck = `a node does not become well${heard ? ', though packets pass' : ''}`;
  return { wellAt: end, findings: [settled === undefined ? stuck : 'a pair stays silent'] };
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

/** Ends the daemon on all nodes, sweeps the kernels and starts it again; resolves to what went wrong with that. */
async function startAnew(ground: Ground): Promise<string[]> {
  const { stage } = ground;
  const findings = await attempt(stage, async ({ lab, subject }) => {
    await Promise.all(lab.nodes.map((node) => subject.kill(node, 'SIGKILL')));
    await Promise.all(lab.nodes.map((node) => sweep(lab, node)));
    await Promise.all(lab.nodes.map((node) => subject.start(node)));
  });
  ground.shown = [];
  findings.push(...(await untilWell(ground)).findings);
  ground.shown = await showGround(ground);
  return findings.map((line) => `after the restart: ${line}`);
}

/**
 * Runs one fault on a lab that is well, and waits until it is well again. Times may be `slack` times over the budget. A daemon that is not
 * tsflannel and does not heal is started anew on all nodes, so that the next fault has a lab that is well.
 */
export async function measureFault(ground: Ground, fault: Fault, slack: number): Promise<FaultResult> {
  const { stage, flow, watchman } = ground;
  watchman.reset(slack);
  await flow.open();
  const began = now();
  const findings = await attempt(stage, fault.run);
  const endedAt = now();
  const seconds = ground.patienceMs / 1_000;
  const well = await untilWell(ground, fault);
  const report = await flow.close();
  const isHealed = well.findings.length === 0;
  const undone = await attempt(stage, fault.undo);
  const later = fault.undo && (isHealed || stage.subject.own) ? (await untilWell(ground)).findings : [];
  const after = await showGround(ground);
  const leaks = leaksOf(ground, after, fault);
  ground.shown = after;
  const isStuck = !stage.subject.own && (!isHealed || later.length > 0);
  const restarted = isStuck ? [`did not heal in ${seconds} s; restarted`, ...(await startAnew(ground))] : [];
  const seen: Observation = {
    flow: report,
    endedAt,
    wellAt: well.wellAt,
    isHealed,
    tookMs: endedAt - began,
    ...watchman.seen(),
    leaks,
    notes: [...new Set(ground.notes.splice(0))],
    findings: [...findings, ...undone, ...well.findings, ...later, ...restarted],
  };
  return judge(fault, fault.budget(stage.backend), seen, slack);
}
