import { asTsflannelError, TsflannelError } from '../errors.ts';
import { DEFAULT_PREFIX, writeClientConfig } from '../files/client-config.ts';
import { someAtOnce } from './background.ts';
import { startDiscovery } from './discovery.ts';
import { type DockerdPaths, startDockerd } from './dockerd.ts';
import { labDown } from './down.ts';
import { claimLab, type Lab, type LabNode, type LabSpec, needRoot, planLab, saveLab } from './lab.ts';
import { meetAll } from './meet.ts';
import { configDirOf, dockerDirOf, mustRun, prepareNode } from './node.ts';
import { wire } from './topology.ts';

/** Told what begins, for people who wait. */
export type Progress = (line: string) => void;

/** Brings a lab up, or leaves nothing of it behind and rejects (LAB_EXISTS, LAB_FAILED, USAGE, NOT_ROOT, ABORTED by a signal). */
export async function labUp(spec: LabSpec, labs: string, progress: Progress = () => undefined): Promise<Lab> {
  needRoot('make network namespaces');
  const lab = planLab(spec, labs);
  await claimLab(lab);
  const signals = watchSignals(() => labDown(spec.name, labs));
  try {
    const built = await build(lab, progress);
    if (!(await signals.end())) return built;
  } catch (error) {
    progress('failed: taking the lab down again');
    const { message, why } = asTsflannelError(error);
    const failure = new TsflannelError('LAB_FAILED', { detail: why || message }, error);
    if (!(await signals.end())) return await labDown(spec.name, labs).then(() => Promise.reject(failure));
  }
  await labDown(spec.name, labs);
  throw new TsflannelError('ABORTED');
}

/** On Ctrl-C and SIGTERM does `work` instead of dying; `end` stops watching and tells which signal came first (and its work is done). */
export function watchSignals(work: () => Promise<unknown>): { end(): Promise<NodeJS.Signals | undefined> } {
  let working: Promise<unknown> | undefined;
  let came: NodeJS.Signals | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    came ??= signal;
    working ??= work().catch(() => undefined); // the caller tries once more, and sees why it fails
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
  return {
    async end() {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
      await working;
      return came;
    },
  };
}

async function build(planned: Lab, progress: Progress): Promise<Lab> {
  const { spec } = planned;
  progress(`${spec.size} namespaces over a bridge`);
  await wire(planned);
  await Promise.all(planned.nodes.map(prepareNode));
  const lab = { ...planned, ...(spec.discovery ? { discoveryUrl: await discover(planned, progress) } : {}) };
  if (spec.docker) progress(`dockerd on ${spec.size} nodes`);
  await Promise.all([
    spec.docker ? someAtOnce(lab.nodes, (node) => startDockerOn(lab, node)) : undefined,
    spec.bare ? undefined : bootstrap(lab, progress),
  ]);
  if (!spec.bare) await configure(lab, progress);
  const ready: Lab = { ...lab, phase: 'up' };
  await saveLab(ready);
  return ready;
}

async function discover(lab: Lab, progress: Progress): Promise<string> {
  progress('the discovery service');
  const url = await startDiscovery(lab, lab.spec.etcdMembers);
  progress(`discovery URL: ${url}`);
  return url;
}

const members = (lab: Lab): readonly LabNode[] => lab.nodes.filter((node) => node.member);

/** Every member runs `init` at once, since each waits for the others; the other nodes are told where etcd is. */
export async function bootstrap(lab: Lab, progress: Progress = () => undefined): Promise<void> {
  const on = members(lab);
  progress(`etcd on ${on.length} nodes: tsflannel init`);
  const founders = on.map((node) => `${node.name}=http://${node.ip}:2380`).join(',');
  const how = lab.discoveryUrl === undefined ? ['--initial-cluster', founders] : ['--discovery', lab.discoveryUrl];
  await Promise.all(
    on.map((node) => mustRun(lab, node, ['tsflannel', 'init', '--yes', '--insecure', '--name', node.name, ...how])),
  );
  const client = { endpoints: on.map((node) => `http://${node.ip}:2379`), prefix: DEFAULT_PREFIX };
  const others = lab.nodes.filter((node) => !node.member);
  for (const node of others) await writeClientConfig(configDirOf(node), client);
}

/**
 * The node's dockerd, with Docker's own defaults: docker0 is on 172.17.0.0/16 as on any host. Containers are in a control group of the lab,
 * so that `lab down` finds what a killed dockerd left.
 */
export const startDockerOn = (lab: Lab, node: LabNode): Promise<DockerdPaths> =>
  startDockerd({
    netns: node.namespace,
    dir: dockerDirOf(node),
    flags: [
      ...['--cgroup-parent', `/tsflannel-lab/${lab.spec.name}/${node.name}`],
      ...['--exec-opt', 'native.cgroupdriver=cgroupfs'],
    ],
  });

/** The config once, then the daemon on every node, then Docker. */
export async function configure(lab: Lab, progress: Progress = () => undefined): Promise<void> {
  const { spec, nodes } = lab;
  const [first] = nodes;
  if (!first) return;
  progress(`network ${spec.network}, backend ${spec.backend}: tsflannel config set`);
  const range = spec.range ? ['--subnet-min', spec.range[0], '--subnet-max', spec.range[1]] : [];
  const wish = ['--network', spec.network, '--backend', spec.backend, ...range];
  await mustRun(lab, first, ['tsflannel', 'config', 'set', ...wish]);
  progress(`the daemon on ${spec.size} nodes: tsflannel up --detach`);
  await someAtOnce(nodes, (node) => mustRun(lab, node, ['tsflannel', 'up', '--detach']));
  await meetAll(lab);
  if (!spec.docker) return;
  progress(`Docker on ${spec.size} nodes: tsflannel docker apply`);
  await someAtOnce(nodes, (node) => mustRun(lab, node, ['tsflannel', 'docker', 'apply', '--yes']));
}
