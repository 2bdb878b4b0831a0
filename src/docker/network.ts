import { TsflannelError } from '../errors.ts';
import {
  containsPrefix,
  ipAt,
  overlaps,
  type Prefix,
  parsePrefix,
  prefixOf,
  printIp,
  printPrefix,
} from '../model/address.ts';
import type { SubnetEnv } from '../model/subnet-env.ts';
import { configValue, parseDaemonJson } from './daemon-json.ts';
import { DIRECT_ROUTING_KEY } from './direct-routing.ts';
import { flagValue } from './flags.ts';
import { freeSubnet } from './free-subnet.ts';
import { type DockerParts, type DockerPlace, type Gathered, gather } from './gather.ts';
import {
  createNetwork,
  MTU_OPTION,
  type NetworkWish,
  removeNetwork,
  type UserNetwork,
  userNetworks,
} from './networks.ts';
import { readSubnetEnv } from './options.ts';

export interface NetworkRequest extends DockerPlace {
  readonly name: string;
  readonly subnetFile: string;
  readonly dryRun: boolean;
}

export interface CreateRequest extends NetworkRequest {
  /** A part of the lease; `undefined`: a free one is chosen. */
  readonly subnet: Prefix | undefined;
  /** Its length where it is chosen; `undefined`: as large as can be. */
  readonly length: number | undefined;
}

/** What was done, or with dryRun would be; `command` is Docker's own that does the same. */
export interface NetworkOutcome {
  readonly changed: boolean;
  readonly name: string;
  readonly command: readonly string[];
  readonly subnet?: string;
  /** Bytes. */
  readonly mtu?: number;
}

const refuse = (name: string, detail: string): TsflannelError => new TsflannelError('DOCKER_NETWORK', { name, detail });

/** Docker's own rule. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;

function checkName(name: string): void {
  if (!NAME.test(name) || ['bridge', 'host', 'none'].includes(name))
    throw new TsflannelError('USAGE', { detail: `${JSON.stringify(name)} is no name of a network` });
}

/** A network that came while the daemon does not let in what other nodes send says it for itself. */
function needsOwnWay({ facts }: Gathered): boolean {
  const json = parseDaemonJson(facts.daemonJson.text, facts.daemonJson.path);
  const told = configValue(json, DIRECT_ROUTING_KEY) === true || flagValue(facts.argv, DIRECT_ROUTING_KEY) === 'true';
  return facts.directRouting !== 'open' && !told && !facts.rawSwitch;
}

function wishOf(name: string, subnet: Prefix, env: SubnetEnv, ownWay: boolean): NetworkWish {
  return {
    name,
    subnet: printPrefix(subnet),
    gateway: printIp(ipAt(subnet, 1n)),
    options: {
      [MTU_OPTION]: String(env.mtu),
      'com.docker.network.bridge.enable_ip_masquerade': String(!env.ipMasq),
      ...(ownWay && { 'com.docker.network.bridge.gateway_mode_ipv4': 'nat-unprotected' }),
    },
  };
}

/** What docker0 and the other networks have. */
function takenBy({ facts }: Gathered, networks: readonly UserNetwork[]): Prefix[] {
  const docker0 = parsePrefix(facts.bridge?.subnet ?? '');
  return [...(docker0 ? [docker0] : []), ...networks.flatMap(({ subnet }) => (subnet ? [subnet] : []))];
}

function chosen(request: CreateRequest, lease: Prefix, taken: readonly Prefix[]): Prefix {
  const { name, subnet, length } = request;
  if (subnet && !containsPrefix(lease, subnet))
    throw refuse(name, `${printPrefix(subnet)} is not in the leased subnet ${printPrefix(lease)}`);
  const other = subnet && taken.find((each) => overlaps(each, subnet));
  if (subnet && other)
    throw refuse(name, `${printPrefix(subnet)} overlaps ${printPrefix(other)}, which Docker uses already`);
  const found = subnet ?? freeSubnet(lease, length, taken);
  if (found) return found;
  const size = length === undefined ? 'nothing' : `no /${length}`;
  throw refuse(
    name,
    `${size} of the leased subnet ${printPrefix(lease)} is free: docker0 and other networks have ${taken.map(printPrefix).join(', ')}`,
  );
}

/** The network of this name that is there already: one of ours that fits is what is wanted. */
function existing(
  former: UserNetwork | undefined,
  request: CreateRequest,
  lease: Prefix,
  env: SubnetEnv,
): UserNetwork | undefined {
  if (!former) return undefined;
  const { subnet, length } = request;
  const fits =
    former.ours &&
    former.mtu === env.mtu &&
    former.subnet !== undefined &&
    containsPrefix(lease, former.subnet) &&
    (!subnet || printPrefix(subnet) === printPrefix(former.subnet)) &&
    (length === undefined || length === former.subnet.length);
  if (fits) return former;
  throw refuse(request.name, 'there is a network of this name, and it is another one');
}

async function createOn(gathered: Gathered, request: CreateRequest): Promise<NetworkOutcome> {
  const { socket } = gathered.api;
  const env = await readSubnetEnv(request.subnetFile);
  const lease = prefixOf(env.subnet.ip, env.subnet.length);
  const networks = await userNetworks(socket);
  const former = existing(
    networks.find(({ name }) => name === request.name),
    request,
    lease,
    env,
  );
  const subnet = former?.subnet ?? chosen(request, lease, takenBy(gathered, networks));
  const wish = wishOf(request.name, subnet, env, needsOwnWay(gathered));
  if (!former && !request.dryRun) await createNetwork(socket, wish);
  return { changed: !former, name: wish.name, subnet: wish.subnet, mtu: env.mtu, command: commandOf(wish) };
}

/** Docker's own command for it, as it can be typed. */
const commandOf = ({ name, subnet, gateway, options }: NetworkWish): string[] => [
  ...['docker', 'network', 'create', '--subnet', subnet, '--gateway', gateway],
  ...Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]),
  name,
];

async function removeOn({ api }: Gathered, { name, dryRun }: NetworkRequest): Promise<NetworkOutcome> {
  const command = ['docker', 'network', 'rm', name];
  const former = (await userNetworks(api.socket)).find((each) => each.name === name);
  if (!former) return { changed: false, name, command };
  if (!former.ours) throw refuse(name, 'tsflannel has not made it');
  if (!dryRun) await removeNetwork(api.socket, former);
  return { changed: true, name, command };
}

type Parts = Pick<DockerParts, 'bridge' | 'signal' | 'run'>;

async function onDocker<R extends NetworkRequest>(
  request: R,
  parts: Parts,
  work: (gathered: Gathered, request: R) => Promise<NetworkOutcome>,
): Promise<NetworkOutcome> {
  checkName(request.name);
  const gathered = await gather(request, parts);
  try {
    if (!gathered.info)
      throw new TsflannelError('DOCKER_NOT_RUNNING', { detail: `${gathered.service.label} is not running` });
    return await work(gathered, request);
  } finally {
    gathered.service.close();
  }
}

/** Makes a bridge network in a part of the lease that nothing has. Rejects with SUBNET_ENV_*, DOCKER_*, USAGE. Again, it changes nothing. */
export const makeDockerNetwork = (request: CreateRequest, parts: Parts): Promise<NetworkOutcome> =>
  onDocker(request, parts, createOn);

/** Removes a network that the former made. Rejects with DOCKER_NETWORK for others, and for one with containers on it. */
export const dropDockerNetwork = (request: NetworkRequest, parts: Parts): Promise<NetworkOutcome> =>
  onDocker(request, parts, removeOn);
