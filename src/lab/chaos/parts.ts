import { readdirSync, readFileSync } from 'node:fs';
import { ask, askIfUp } from '../../control/client.ts';
import type { CarrierType } from '../../model/backend-config.ts';
import type { RouteRow } from '../../model/report.ts';
import { runDirOf } from '../node.ts';
import type { Backend, Stage } from './stage.ts';
import { sweep } from './sweep.ts';
import { peerRoutes, type Way } from './ways.ts';

/** What several faults are made of. */

/** The node that most faults are done to: it has no etcd of its own. */
export const VICTIM = 4;

/** What was restored once is restored at most each 5 s: who breaks one thing several times waits this long between. */
export const BETWEEN_MS = 6_000;

/** A loss that must not be on a path in the kernel, and may last as long as a new process needs on udp's. */
export const noLoss = (backend: Backend): number => (backend === 'udp' ? 1_000 : 0);

/** The nodes' subnets are the first 99 of the network: those of strangers are beyond. `--force`: nodes may hold subnets already. */
export const configArgv = (network: string, backend: Backend, carrier?: CarrierType): readonly string[] => [
  ...['tsflannel', 'config', 'set', '--network', network, '--backend', backend],
  ...(backend === 'udp' && carrier ? ['--backend-option', `Carrier=${carrier}`] : []),
  ...['--subnet-min', '10.97.1.0', '--subnet-max', '10.97.99.0', '--force'],
];

const SUBNETS = '/coreos.com/network/subnets';

export const keyOf = (subnet: string): string => `${SUBNETS}/${subnet.replace('/', '-')}`;

/** A node that is in etcd only: subnet, and where it says to be. */
export interface Stranger {
  readonly subnet: string;
  readonly publicIp: string;
}

export const STRANGER: Stranger = { subnet: '10.97.255.0/24', publicIp: '198.18.0.77' };

/** What a flanneld there would have written; no two addresses have one MAC. */
export function strangerValue(backend: Backend, { publicIp }: Stranger): string {
  const base = { PublicIP: publicIp, PublicIPv6: null };
  if (backend === 'vxlan') {
    const VtepMAC = `02:be:ac:00:00:${publicIp.slice(-2)}`;
    return JSON.stringify({ ...base, BackendType: 'vxlan', BackendData: { VNI: 1, VtepMAC } });
  }
  return JSON.stringify(backend === 'udp' ? base : { ...base, BackendType: backend });
}

export const putStranger = ({ etcdctl, backend }: Stage, stranger: Stranger): Promise<string> =>
  etcdctl('put', keyOf(stranger.subnet), strangerValue(backend, stranger));

/** Whether a node has heard that the subnet is nobody's, and no removal waits: after a wiped etcd they wait for 10 s. */
async function hasForgotten(stage: Stage, number: number, { subnet }: Stranger): Promise<boolean> {
  const node = stage.node(number);
  const status = stage.subject.own ? await askIfUp(runDirOf(node), 'status') : undefined;
  const waits = status?.checks.some(({ name, state }) => name === 'removals' && state !== 'ok') ?? false;
  return !waits && (await waysOn(stage, number)).every((way) => way.subnet !== subnet);
}

/** Takes the stranger's lease away; resolves when every node has done so too. */
export async function dropStranger(stage: Stage, stranger: Stranger): Promise<void> {
  await stage.etcdctl('del', keyOf(stranger.subnet));
  for (let number = 1; number <= stage.lab.nodes.length; number++)
    await stage.until(`n${number} to forget the stranger`, () => hasForgotten(stage, number, stranger));
}

/** The rows of `routes` on a node of tsflannel's. */
export const routesOf = async ({ node }: Stage, number: number): Promise<readonly RouteRow[]> =>
  (await ask(runDirOf(node(number)), 'routes')).rows;

/** The ways of a node to the others. */
export const waysOn = ({ node, subject }: Stage, number: number): Promise<readonly Way[]> => subject.ways(node(number));

/** Whether the node has a way to the stranger, at this very address. Where it cannot be seen (udp of another program) it is taken for so. */
export async function knows(stage: Stage, number: number, { subnet, publicIp }: Stranger): Promise<boolean> {
  if (!stage.subject.own && stage.backend === 'udp') return true;
  const ways = await waysOn(stage, number);
  return ways.some((way) => way.subnet === subnet && way.publicIp === publicIp);
}

/** The node's subnet. */
export const subnetNow = ({ node, subject }: Stage, number: number): Promise<string> => subject.subnet(node(number));

/** Ends the node's daemon and starts it again. */
export async function restartDaemon({ kill, start }: Stage, number: number, ...args: string[]): Promise<void> {
  await kill(number, 'SIGTERM');
  await start(number, ...args);
}

/** The node leaves for good. Another daemon has no word for it: it is ended, its lease deleted, and the kernel swept. */
export async function leave(stage: Stage, number: number): Promise<void> {
  if (stage.subject.own) return void (await stage.run(number, 'tsflannel', 'down'));
  const key = keyOf(await subnetNow(stage, number));
  await stage.kill(number, 'SIGTERM');
  await stage.etcdctl('del', key);
  await sweep(stage.lab, stage.node(number));
}

/** Etcd's lease behind a key, in hexadecimal as etcdctl takes it; `0` for none. */
export async function etcdLease({ etcdctl }: Stage, key: string): Promise<string> {
  const text = await etcdctl('get', key, '-w', 'json');
  return BigInt(/"lease":(\d+)/.exec(text)?.[1] ?? 0).toString(16);
}

/** Processes whose command line has this in it. */
export function pidsOf(part: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(part) ? [Number(name)] : [];
    } catch {
      return []; // ended while we looked
    }
  });
}

/** CPU time in ms and resident memory in kB of a process. */
export function costOf(pid: number | undefined): { cpu: number; rss: number } {
  const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8');
  const fields = read('stat').split(') ').at(-1)?.split(' ') ?? [];
  return {
    cpu: (Number(fields[11]) + Number(fields[12])) * 10,
    rss: Number(/VmRSS:\s+(\d+)/.exec(read('status'))?.[1]),
  };
}

/** The mark of tsflannel's own routes; another daemon's may have any. */
export const routeMark = ({ subject }: Stage): string[] => (subject.own ? ['proto', '241'] : []);

/** The routes of the victim's daemon to its peers, as `ip` shows them: word by word. */
export const ownRoutes = (stage: Stage): Promise<string[][]> =>
  peerRoutes(stage.lab, stage.node(VICTIM), ...routeMark(stage));

const CUT = 'chaos';

/** Drops on the node what these rules of nft match, until `uncut`. */
export async function cut({ run }: Stage, number: number, hook: string, ...matches: readonly string[]): Promise<void> {
  const nft = (...argv: string[]) => run(number, 'nft', ...argv);
  await nft('add', 'table', 'ip', CUT);
  await nft('add', 'chain', 'ip', CUT, hook, `{ type filter hook ${hook} priority -300 ; }`);
  for (const match of matches) await nft('add', 'rule', 'ip', CUT, hook, ...match.split(' '), 'drop');
}

export const uncut = ({ run }: Stage, number: number): Promise<string> =>
  run(number, 'nft', 'delete', 'table', 'ip', CUT);

/** The node cannot reach etcd, and nothing tells it so. */
export const cutEtcd = (stage: Stage, number: number): Promise<void> => cut(stage, number, 'output', 'tcp dport 2379');
