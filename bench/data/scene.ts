/** A cluster of two hosts for one round of one variant: brought up, measured, removed. */
import type { CarrierType } from '../../src/model/backend-config.ts';
import type { PathFigures } from '../../src/model/figures.ts';
import type { Plan } from '../../src/probe/probe.ts';
import { startProgram } from '../../test/support/children.ts';
import { type Container, type Ground, type Host, makeGround, type Running } from '../../test/support/ground.ts';
import { until } from '../../test/support/until.ts';
import type { PathQuestion } from '../probe/path.ts';
import { type Cable, type Frames, layCable, type Underlay } from './underlay.ts';

/** One way for packets to go between containers; `raw` is between the hosts themselves. */
export interface Variant {
  readonly name: string;
  /** Flags of `config set`; absent: no network at all. */
  readonly config?: readonly string[];
  /** Starts the daemon of a host. */
  readonly start?: (host: Host) => Running;
  /** The carrier that must be the one in effect. */
  readonly carrier?: CarrierType;
}

export interface Round {
  readonly figures: PathFigures;
  readonly frames: Frames;
}

const READY_MS = 30_000;
const NETWORK = ['--network', '10.5.0.0/16'];
/** Before the figures: code is compiled, neighbours are known. */
const WARM_UP: Plan = { seconds: 0.5, tcp: [1], udp: [], roundTrip: false };

interface Status {
  readonly checks?: readonly { readonly name: string; readonly detail: string }[];
}

/** A carrier that took the place of the one to be measured would give false figures. */
async function checkCarrier(host: Host, wanted: CarrierType): Promise<void> {
  const { checks = [] } = JSON.parse(await host.tsflannel('status', '--json')) as Status;
  const detail = checks.find(({ name }) => name === 'carrier')?.detail;
  if (!detail?.startsWith(`${wanted}:`)) throw new Error(`${host.name} was to have carrier ${wanted}, not ${detail}`);
}

/** What is up: the ends of the path, and the daemons by which it goes. */
export interface Standing {
  readonly ends: readonly Container[];
  readonly daemons: readonly Running[];
}

async function bringUp(ground: Ground, variant: Variant, cable: Cable): Promise<Standing> {
  const { hosts } = ground;
  const { config, start, carrier } = variant;
  if (!config || !start)
    return { ends: hosts.map((host) => ({ namespace: host.namespace, ip: cable.addressOf(host) })), daemons: [] };
  await hosts[0]?.tsflannel('config', 'set', ...NETWORK, ...config);
  for (const host of hosts) await host.run('sysctl', '-q', '-w', 'net.ipv4.ip_forward=1');
  const daemons = hosts.map((host) => ({ host, daemon: start(host) }));
  for (const { host, daemon } of daemons)
    await until(
      `${host.name} has a subnet`,
      async () => {
        if (daemon.exit() !== undefined) throw new Error(`the daemon ended:\n${daemon.said().slice(-2000)}`);
        return (await host.env()).FLANNEL_SUBNET !== undefined;
      },
      READY_MS,
    );
  if (carrier) for (const host of hosts) await checkCarrier(host, carrier);
  const ends = await Promise.all(hosts.map(ground.attach));
  return { ends, daemons: daemons.map(({ daemon }) => daemon) };
}

const pings = async (host: Host, from: Container, to: Container): Promise<boolean> =>
  host.run('nsenter', `--net=/run/netns/${from.namespace}`, 'ping', '-c1', '-W1', to.ip).then(
    () => true,
    () => false,
  );

async function ask<T>(end: Awaited<ReturnType<typeof startProgram>>, question: PathQuestion): Promise<T> {
  const answer = (await end.ask(JSON.stringify(question))) as T & { failed?: string };
  if (answer.failed !== undefined) throw new Error(answer.failed);
  return answer;
}

/** Measures the way from the first end to the second. */
export async function measurePath([from, to]: readonly Container[], plan: Plan): Promise<PathFigures> {
  if (!from || !to) throw new Error('there are no two ends');
  const server = await startProgram(to.namespace, 'bench/probe/path.ts');
  const client = await startProgram(from.namespace, 'bench/probe/path.ts').catch(async (error) => {
    await server.kill('SIGKILL');
    throw error;
  });
  try {
    const { ip } = to;
    await ask(server, { ask: 'serve', ip });
    await ask(client, { ask: 'measure', ip, plan: WARM_UP });
    await ask(server, { ask: 'serve', ip });
    return await ask<PathFigures>(client, { ask: 'measure', ip, plan });
  } finally {
    for (const end of [client, server]) await end.kill('SIGKILL');
  }
}

/** Brings a variant up, lets `use` work with it, and removes it. Fails when it does not come up, or when the underlay was not what it was to be. */
export async function onScene<T>(
  name: string,
  variant: Variant,
  underlay: Underlay,
  use: (standing: Standing) => Promise<T>,
): Promise<{ readonly result: T; readonly frames: Frames }> {
  const ground = await makeGround(name, 2);
  let cable: Cable | undefined;
  try {
    cable = await layCable(ground, underlay);
    const standing = await bringUp(ground, variant, cable);
    const [host] = ground.hosts;
    const [from, to] = standing.ends;
    if (!from || !to || !host) throw new Error('there are no two ends');
    await until('the ends reach each other', () => pings(host, from, to), READY_MS);
    const result = await use(standing);
    const frames = await cable.frames();
    if (underlay === 'wire' && frames.big > 0)
      throw new Error(`${frames.big} of ${frames.all} frames were too long for a wire`);
    return { result, frames };
  } finally {
    await cable?.end();
    await ground.close();
  }
}

/** Measures one variant once. */
export async function measureVariant(name: string, variant: Variant, underlay: Underlay, plan: Plan): Promise<Round> {
  const { result, frames } = await onScene(name, variant, underlay, ({ ends }) => measurePath(ends, plan));
  return { figures: result, frames };
}
