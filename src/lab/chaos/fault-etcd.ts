import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabNode } from '../lab.ts';
import { bootstrap } from '../up.ts';
import type { Fault } from './chaos.ts';
import {
  configArgv,
  costOf,
  cutEtcd,
  dropStranger,
  keyOf,
  knows,
  pidsOf,
  putStranger,
  STRANGER,
  subnetNow,
  uncut,
  VICTIM,
} from './parts.ts';
import type { Stage } from './stage.ts';

/** Rows about etcd: members killed, majority lost, wires cut, history compacted, data restored. */

const MEMBERS = [1, 2, 3] as const;

const etcdOf = (node: LabNode): number[] => pidsOf(`--data-dir=${join(node.dir, 'etcd')}\0`);

/** kill -9; the supervisor starts it again. */
function killMember(stage: Stage, number: number): void {
  const pids = etcdOf(stage.node(number));
  stage.expect(pids.length > 0, `no etcd runs on n${number}`);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
}

/** Number of the member that leads, or of one that does not. */
async function member(stage: Stage, leads: boolean): Promise<number> {
  const text = await stage.etcdctl('endpoint', 'status', '-w', 'fields');
  const ids = (name: string) => [...text.matchAll(new RegExp(`"${name}" : (\\d+)`, 'g'))].map(([, id]) => id);
  const [own, leaders] = [ids('MemberID'), ids('Leader')];
  const index = own.findIndex((id, i) => (id === leaders[i]) === leads);
  return MEMBERS[index] ?? 1;
}

const isServing = (stage: Stage) => async (): Promise<boolean> =>
  (await stage.attempt(VICTIM, 'tsflannel', 'config', 'get')).exit === 0;

/** A change of etcd's reaches the node; then it is undone. */
const news: Pick<Fault, 'healed' | 'undo'> = {
  healed: (stage) => knows(stage, VICTIM, STRANGER),
  undo: (stage) => dropStranger(stage, STRANGER),
};

const memberKilled = (name: string, leads: boolean): Fault => ({
  row: 4,
  name,
  about: `kill -9 of ${leads ? 'the leader' : 'a follower'} of etcd, while a node joins`,
  budget: (backend) => ({ gapMs: backend === 'udp' ? 8_000 : 0, healMs: 5_000 }),
  hits: [VICTIM],
  async run(stage) {
    const number = await member(stage, leads);
    await stage.kill(VICTIM);
    killMember(stage, number);
    const begun = performance.now();
    await stage.start(VICTIM);
    stage.note(`joined in ${Math.round(performance.now() - begun)} ms`);
    await stage.until('the member is back', async () => etcdOf(stage.node(number)).length > 0);
  },
});

const rollingEtcd: Fault = {
  row: 4,
  name: 'etcd-rolling-restart',
  about: 'each member of etcd in turn is stopped and started',
  budget: () => ({ gapMs: 0, healMs: 5_000 }),
  async run({ run }) {
    for (const number of MEMBERS) {
      await run(number, 'tsflannel', 'etcd', 'stop');
      await run(number, 'tsflannel', 'init', '--yes');
    }
  },
};

const USUAL_MS = 60_000;
const SHORT_MS = 8_000;

const quorumLost: Fault = {
  row: 5,
  name: 'quorum-lost',
  about: 'two of three members of etcd are away for 60 s (short: 8 s, long: 10 minutes)',
  budget: () => ({ gapMs: 0, healMs: 5_000 }),
  async run(stage) {
    const { run, pause, outage, expect, note, until } = stage;
    for (const number of [2, 3]) await run(number, 'tsflannel', 'etcd', 'stop');
    const pid = stage.subject.pid(stage.node(VICTIM));
    const ms = outage({ short: SHORT_MS, usual: USUAL_MS });
    const before = costOf(pid);
    await pause(ms);
    const after = costOf(pid);
    const share = (100 * (after.cpu - before.cpu)) / ms;
    note(`CPU ${share.toFixed(1)} % of a core, RSS ${((after.rss - before.rss) / 1024).toFixed(1)} MB more`);
    // Half a core is Felix's own bound; the figure is what is told.
    expect(share < 50, `the daemon takes ${share.toFixed(0)} % of a core while etcd is away`);
    await Promise.all([2, 3].map((number) => run(number, 'tsflannel', 'init', '--yes')));
    await until('etcd serves', isServing(stage));
    await putStranger(stage, STRANGER);
  },
  ...news,
};

const blackholed: Fault = {
  row: 6,
  name: 'etcd-black-holed',
  about: 'packets to etcd vanish without a word until the daemon has noticed; meanwhile etcd changes',
  budget: () => ({ gapMs: 0, healMs: 5_000 }),
  ownOnly: true,
  async run(stage) {
    const { until, note, attempt } = stage;
    await cutEtcd(stage, VICTIM);
    await putStranger({ ...stage, etcdctl: (...argv) => fromMember(stage, argv) }, STRANGER);
    const begun = performance.now();
    const noticed = async () => (await attempt(VICTIM, 'tsflannel', 'status')).exit !== 0;
    await until('the daemon sees that etcd is away', noticed, 60_000);
    note(`noticed after ${((performance.now() - begun) / 1000).toFixed(0)} s`);
    await uncut(stage, VICTIM);
  },
  ...news,
};

/** etcdctl on a member, while the victim is cut off. */
const fromMember = ({ run }: Stage, argv: readonly string[]): Promise<string> =>
  run(1, 'env', 'ETCDCTL_API=3', 'etcdctl', '--command-timeout=15s', ...argv);

const revisionOf = async ({ run }: Stage): Promise<string> =>
  /"Revision" : (\d+)/.exec(await run(1, 'env', 'ETCDCTL_API=3', 'etcdctl', 'get', 'x', '-w', 'fields'))?.[1] ?? '1';

const compacted: Fault = {
  row: 7,
  name: 'compacted-while-watching',
  about: 'the history is compacted under the watches, then something changes',
  budget: () => ({ gapMs: 0, healMs: 1_000 }),
  async run(stage) {
    await fromMember(stage, ['compact', await revisionOf(stage)]);
    await putStranger(stage, STRANGER);
  },
  ...news,
};

const FORMER = { subnet: '10.97.254.0/24', publicIp: '198.18.0.76' };

const behind: Fault = {
  row: 7,
  name: 'compacted-past-the-watch',
  about:
    'a node is cut from etcd; a peer goes, another moves and comes, and the history is compacted away; the others are left alone',
  budget: () => ({ gapMs: 0, healMs: 5_000 }),
  async run(stage) {
    const there = { ...stage, etcdctl: (...argv: string[]) => fromMember(stage, argv) };
    await putStranger(there, FORMER);
    await putStranger(there, { ...STRANGER, publicIp: '198.18.0.75' });
    await stage.until('both strangers are known', () => knows(stage, VICTIM, FORMER));
    await cutEtcd(stage, VICTIM);
    await there.etcdctl('del', keyOf(FORMER.subnet));
    await putStranger(there, STRANGER);
    await fromMember(stage, ['compact', await revisionOf(stage)]);
    await stage.pause(1_000);
    await uncut(stage, VICTIM);
    // What was on its way is sent again by TCP: the stream is broken in earnest.
    await stage.run(VICTIM, 'ss', '-K', 'dport', '=', '2379');
  },
  async healed(stage) {
    return (await knows(stage, VICTIM, STRANGER)) && !(await knows(stage, VICTIM, FORMER));
  },
  async undo(stage) {
    await dropStranger(stage, STRANGER);
    await dropStranger(stage, FORMER);
  },
};

const subnetsOf = (stage: Stage): Promise<string[]> =>
  Promise.all(stage.lab.nodes.map((_, i) => subnetNow(stage, i + 1)));

let subnetsBefore: readonly string[] = [];

const sameSubnets = async (stage: Stage): Promise<boolean> => (await subnetsOf(stage)).join() === subnetsBefore.join();

async function leaseCount({ etcdctl }: Stage): Promise<number> {
  const keys = await etcdctl('get', '--prefix', '--keys-only', '/coreos.com/network/subnets/');
  return keys.split('\n').filter((line) => line !== '').length;
}

const allLeased = async (stage: Stage): Promise<boolean> =>
  (await leaseCount(stage)) === stage.lab.nodes.length && (await sameSubnets(stage));

const restored: Fault = {
  row: 8,
  name: 'etcd-restored',
  about: 'all of etcd is restored from a snapshot made before one of the nodes had joined: revisions go back',
  budget: () => ({ gapMs: Number.POSITIVE_INFINITY, healMs: 15_000 }),
  hits: [VICTIM],
  ownOnly: true,
  async run(stage) {
    const { run, node } = stage;
    const file = join(stage.lab.dir, 'saved.db');
    await run(VICTIM, 'tsflannel', 'down');
    await run(1, 'tsflannel', 'etcd', 'snapshot', 'save', file, '--force');
    await stage.start(VICTIM);
    subnetsBefore = await subnetsOf(stage);
    await Promise.all(MEMBERS.map((number) => run(number, 'tsflannel', 'etcd', 'stop')));
    for (const number of MEMBERS) await rm(join(node(number).dir, 'etcd'), { recursive: true });
    await Promise.all(MEMBERS.map((number) => run(number, 'tsflannel', 'etcd', 'snapshot', 'restore', file, '--yes')));
    await Promise.all(MEMBERS.map((number) => run(number, 'tsflannel', 'init')));
    await rm(file);
  },
  healed: allLeased,
};

const wiped: Fault = {
  row: 8,
  name: 'etcd-wiped',
  about:
    'all of etcd is lost and begun anew, with the same config: forwarding goes on, every node has its subnet again',
  budget: () => ({ gapMs: 0, healMs: 30_000 }),
  ownOnly: true,
  async run(stage) {
    const { run, lab, backend, carrier } = stage;
    subnetsBefore = await subnetsOf(stage);
    await Promise.all(MEMBERS.map((number) => run(number, 'tsflannel', 'etcd', 'stop', '--purge', '--yes')));
    await bootstrap(lab);
    await run(1, ...configArgv(lab.spec.network, backend, carrier));
  },
  healed: allLeased,
};

export const ETCD_FAULTS: readonly Fault[] = [
  ...[memberKilled('etcd-follower-killed', false), memberKilled('etcd-leader-killed', true), rollingEtcd, quorumLost],
  ...[blackholed, compacted, behind, restored, wiped],
];
