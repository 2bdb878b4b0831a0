import { readFile } from 'node:fs/promises';
import { subnetFileOf } from '../node.ts';
import type { Fault } from './chaos.ts';
import { configArgv, restartDaemon, VICTIM } from './parts.ts';
import type { Backend, Stage } from './stage.ts';

/** Row 25: the network config in etcd changes while all run. */

/** Where a network goes from each backend when it is switched. */
const NEXT: Readonly<Record<Backend, Backend>> = { vxlan: 'host-gw', 'host-gw': 'vxlan', udp: 'vxlan' };

const setBackend = ({ run, lab, carrier }: Stage, backend: Backend): Promise<string> =>
  run(1, ...configArgv(lab.spec.network, backend, carrier));

const configChanged: Fault = {
  row: 25,
  name: 'config-changed-live',
  about: 'another backend is set in etcd while all run: they stay on the old one until they are started again',
  budget: () => ({ gapMs: 0, healMs: 1_000 }),
  ownOnly: true,
  async run(stage) {
    await setBackend(stage, NEXT[stage.backend]);
    await stage.pause(2_000);
    await setBackend(stage, stage.backend);
  },
};

const restartAll = async (stage: Stage): Promise<void> =>
  void (await Promise.all(stage.lab.nodes.map((_, i) => restartDaemon(stage, i + 1))));

const switched: Fault = {
  row: 25,
  name: 'backend-switched',
  about: 'another backend is set and all daemons are started again at once: the old one leaves nothing',
  budget: () => ({ gapMs: 5_000, healMs: 5_000 }),
  ownOnly: true,
  async run(stage) {
    await setBackend(stage, NEXT[stage.backend]);
    await restartAll(stage);
  },
  async undo(stage) {
    await setBackend(stage, stage.backend);
    await restartAll(stage);
  },
};

/** A config as etcd has it. */
type Config = Readonly<Record<string, unknown>> & { readonly Backend: Readonly<Record<string, unknown>> };

interface Change {
  readonly name: string;
  readonly what: string;
  readonly to: (config: Config) => Config;
  /** How subnet.env shows it; absent: it does not. */
  readonly env?: RegExp;
  readonly backends?: readonly Backend[];
}

const option =
  (name: string, value: number) =>
  (config: Config): Config => ({ ...config, Backend: { ...config.Backend, [name]: value } });

const CHANGES: readonly Change[] = [
  {
    ...{ name: 'network-moved', what: 'another Network', env: /^FLANNEL_NETWORK=10\.98\.0\.0\/16$/m },
    to: ({ Backend }) => ({ Network: '10.98.0.0/16', Backend }),
  },
  {
    ...{ name: 'subnet-length-changed', what: 'another SubnetLen', env: /^FLANNEL_SUBNET=.*\/25$/m },
    to: (config) => ({ ...config, SubnetLen: 25 }),
  },
  {
    ...{ name: 'mtu-changed-live', what: 'another MTU' },
    env: /^FLANNEL_MTU=1250$/m,
    to: option('MTU', 1300),
    backends: ['vxlan'],
  },
  { ...{ name: 'vni-changed', what: 'another VNI' }, to: option('VNI', 7), backends: ['vxlan'] },
  { ...{ name: 'port-changed', what: 'another port' }, to: option('Port', 8999), backends: ['vxlan', 'udp'] },
];

const CONFIG_KEY = '/coreos.com/network/config';

/** What etcd had before. */
let usual = '';

/** The stopped daemon's plan: what `up` would do. */
async function stepsFirst({ run }: Stage): Promise<number> {
  const plan = JSON.parse(await run(VICTIM, 'tsflannel', 'plan', '--json')) as { readonly steps: readonly unknown[] };
  return plan.steps.length;
}

const changed = ({ name, what, to, env, backends }: Change): Fault => ({
  row: 25,
  name,
  about: `${what} is set: nothing happens; \`plan\` shows what a start would do, all are started again, and are where they were told to be`,
  ...(backends && { backends }),
  budget: () => ({ gapMs: 5_000, healMs: 5_000 }),
  ownOnly: true,
  async run(stage) {
    const { etcdctl, lab, subject, node, pause, expect, kill } = stage;
    usual = (await etcdctl('get', '--print-value-only', CONFIG_KEY)).trim();
    await etcdctl('put', CONFIG_KEY, JSON.stringify(to(JSON.parse(usual) as Config)));
    await pause(1_000);
    const open = await Promise.all(lab.nodes.map((each) => subject.open(each)));
    expect(
      open.every((steps) => steps === 0),
      'a running node follows it',
    );
    await kill(VICTIM, 'SIGTERM');
    expect((await stepsFirst(stage)) > 0, 'plan shows nothing');
    await restartAll(stage);
    const text = await readFile(subnetFileOf(node(VICTIM)), 'utf8');
    expect(env?.test(text) ?? true, `subnet.env does not show it: ${text}`);
  },
  async undo(stage) {
    await stage.etcdctl('put', CONFIG_KEY, usual);
    await restartAll(stage);
  },
});

export const CONFIG_FAULTS: readonly Fault[] = [configChanged, switched, ...CHANGES.map(changed)];
