import type { CarrierType } from '../../model/backend-config.ts';
import { labDown } from '../down.ts';
import type { Lab, LabNode, LabSpec } from '../lab.ts';
import { mustRun } from '../node.ts';
import { difference, type Snapshot } from '../snapshot.ts';
import { bootstrap, labUp, type Progress, startDockerOn } from '../up.ts';
import { layCanaries } from './canaries.ts';
import { startFlow } from './flow.ts';
import { configArgv } from './parts.ts';
import { makeDockersPods, makePod, type Pod } from './pods.ts';
import { type Ground, showGround, showNodes, untilWell } from './runner.ts';
import { type Backend, createStage } from './stage.ts';
import { mixedSubject, ownSubject, type Subject } from './subject.ts';
import { otherSubject } from './subject-other.ts';
import { startWatchman } from './watchman.ts';

/** How a chaos lab is made. */
export interface GroundOptions {
  readonly name: string;
  readonly labs: string;
  readonly backend: Backend;
  /** Of backend udp; absent: the best that works. */
  readonly carrier?: CarrierType | undefined;
  /** Words of another daemon's command line. */
  readonly subject?: readonly string[] | undefined;
  /** It runs on every second node only, tsflannel on the others. */
  readonly mixed?: boolean | undefined;
  /** How long a node may need for anything before it is called stuck. */
  readonly patienceMs?: number | undefined;
  /** Folder of another version, built, to upgrade from and to go back to. */
  readonly former?: string | undefined;
  readonly short: boolean;
  /** Outages of ten minutes. */
  readonly long?: boolean | undefined;
  readonly seed: number;
  /** The last two nodes have a dockerd, and their containers are on its docker0. */
  readonly docker?: boolean | undefined;
  readonly progress: Progress;
  /** Told how to take the lab down as soon as there is one: whatever is done to it then ends soon, and rejects. */
  readonly begun?: (close: () => Promise<void>) => void;
}

/** etcd on three of four: on the last one nothing of etcd is hurt when its network is. */
const SIZE = 4;
const MEMBERS = 3;
/** Not Docker's own network, so that a dockerd on the nodes is in nobody's way. */
const NETWORK = '10.97.0.0/16';

const specOf = ({ name, backend }: GroundOptions): LabSpec => ({
  ...{ name, backend, size: SIZE, etcdMembers: MEMBERS, network: NETWORK },
  ...{ discovery: false, docker: false, bare: true },
});

/** As many of the last nodes have a dockerd, where one is asked for. */
const WITH_DOCKER = 2;

/** What is of the pods. */
const OF_PODS = [/\bpods?\b/, /\bn\d+:/];

const leftFrom = (before: Snapshot = {}, after: Snapshot = {}): string => difference(before, after, OF_PODS);

/** The node's container; two on docker0, after its dockerd was given the node's subnet by our own command. */
async function podsOn(lab: Lab, node: LabNode, number: number, docker: boolean): Promise<readonly Pod[]> {
  if (!docker) return [await makePod(node, number)];
  await mustRun(lab, node, ['tsflannel', 'docker', 'apply', '--yes']);
  return makeDockersPods(node, number);
}

const PATIENCE_MS = 90_000;

function subjectFor(lab: Lab, { subject, mixed }: GroundOptions, note: (text: string) => void): Subject {
  const own = ownSubject(lab);
  if (!subject) return own;
  const other = otherSubject(lab, subject, note);
  return mixed ? mixedSubject(lab, own, other) : other;
}

/** What a ground has besides the lab itself, in the order in which it is ended. */
interface Closing {
  readonly closed: AbortController;
  readonly ends: (() => unknown)[];
}

/** The daemons on bare nodes, containers beside them, and the flow between those. */
async function furnish(lab: Lab, options: GroundOptions, { closed, ends }: Closing): Promise<Ground> {
  const { backend, carrier, short, long = false, seed, docker = false, progress } = options;
  await bootstrap(lab, progress);
  const [first] = lab.nodes;
  if (first) await mustRun(lab, first, configArgv(NETWORK, backend, carrier));
  const dockers = docker ? lab.nodes.slice(-WITH_DOCKER) : [];
  if (docker) progress(`dockerd on ${WITH_DOCKER} nodes`);
  // Before the daemon: a dockerd that is the first to forward sets the policy of FORWARD to DROP.
  await Promise.all(dockers.map((node) => startDockerOn(lab, node)));
  await layCanaries(lab);
  const bare = await showNodes(lab);
  const notes: string[] = [];
  const note = (text: string) => void notes.push(text);
  const subject = subjectFor(lab, options, note);
  ends.push(() => subject.end());
  progress(`${subject.name} on ${SIZE} nodes`);
  await Promise.all(lab.nodes.map((node) => subject.start(node)));
  const pods: Pod[] = [];
  for (const [index, node] of lab.nodes.entries())
    pods.push(...(await podsOn(lab, node, index + 1, dockers.includes(node))));
  const flow = await startFlow(lab, pods);
  ends.push(() => flow.end());
  const watchman = startWatchman(lab, (index) => {
    const node = lab.nodes[index];
    return node !== undefined && subject.pid(node) !== undefined;
  });
  ends.push(() => watchman.end());
  const leftOn = async (number: number) => leftFrom(bare[number - 1], (await showNodes(lab, pods))[number - 1]);
  const { former, patienceMs = PATIENCE_MS } = options;
  const { signal } = closed;
  const stage = createStage({ lab, carrier, subject, short, long, seed, former, note, leftOn, closed: signal });
  return { stage, flow, watchman, pods, notes, shown: [], patienceMs, closed: signal };
}

/** A ground to be closed: the lab is removed then. */
export interface OpenGround extends Ground {
  close(): Promise<void>;
}

/** Makes a lab of four nodes with a flow between all of them. Rejects as labUp does, with nothing left behind. */
export async function makeGround(options: GroundOptions): Promise<OpenGround> {
  const lab = await labUp(specOf(options), options.labs, options.progress);
  const closing: Closing = { closed: new AbortController(), ends: [] };
  let closes = Promise.resolve();
  // One after the other: what was under way when the first began may have made something since.
  const close = (): Promise<void> => {
    closing.closed.abort();
    const taken = closes.then(async () => {
      for (const end of closing.ends.splice(0)) await end();
      await labDown(options.name, options.labs);
    });
    closes = taken.catch(() => undefined);
    return taken;
  };
  options.begun?.(close);
  try {
    const ground = await furnish(lab, options, closing);
    await untilWell(ground);
    ground.shown = await showGround(ground);
    return Object.assign(ground, { close });
  } catch (error) {
    await close();
    throw error;
  }
}
