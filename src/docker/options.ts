/**
 * docker/ gives a host's dockerd the leased subnet and takes it back. It knows dockerd's options and where they come from, how dockerd
 * is stopped and started, and Docker's API. It must not know etcd, leases or backends: subnet.env is all it is told; docker0 is changed
 * through kernel/ only. This file: what subnet.env means for dockerd, and the env file that mk-docker-opts.sh makes of it.
 */
import { TsflannelError } from '../errors.ts';
import { readIfThere } from '../files/atomic.ts';
import { prefixOf, printIp, printPrefix } from '../model/address.ts';
import { parseSubnetEnv, parseSubnetEnvKeys, type SubnetEnv, type SubnetEnvKeys } from '../model/subnet-env.ts';
import type { DirectRouting } from './direct-routing.ts';

/** dockerd's options for a leased subnet, as dockerd prints them. */
export interface DockerOptions {
  /** docker0's address with the subnet's length: `10.1.74.1/24`. */
  readonly bip: string;
  /** Bytes. */
  readonly mtu: number;
  /** Docker masquerades exactly when flannel does not. */
  readonly ipMasq: boolean;
  /** How this dockerd is told to let in what other nodes send to its containers. */
  readonly directRouting: DirectRouting;
}

/** What flanneld calls FLANNEL_SUBNET, as dockerd's bip. */
const bipOf = ({ ip, length }: SubnetEnv['subnet']): string => `${printIp(ip)}/${length}`;

/** subnet.env in the terms of a dockerd. */
export const optionsOf = ({ subnet, mtu, ipMasq }: SubnetEnv, directRouting: DirectRouting): DockerOptions => ({
  bip: bipOf(subnet),
  mtu,
  ipMasq: !ipMasq,
  directRouting,
});

async function subnetEnvText(file: string): Promise<string> {
  const text = await readIfThere(file);
  if (text === undefined) throw new TsflannelError('SUBNET_ENV_MISSING', { file, detail: 'there is no such file' });
  return text;
}

/** Reads a whole subnet.env. Rejects with SUBNET_ENV_MISSING or SUBNET_ENV_INVALID. */
export async function readSubnetEnv(file: string): Promise<SubnetEnv> {
  const parsed = parseSubnetEnv(await subnetEnvText(file), file);
  if (!parsed.ok) throw new TsflannelError('SUBNET_ENV_INVALID', { file, detail: parsed.rejection.detail });
  return parsed.value;
}

/** At most this much of a subnet is a network for containers. */
const MAX_LENGTH = 30;

/** The lease with docker0's part of it for its subnet, where docker0 is to have a part only. Throws USAGE for a length that is none. */
export function narrowed(env: SubnetEnv, docker0Length: number | undefined): SubnetEnv {
  if (docker0Length === undefined) return env;
  const { ip, length } = env.subnet;
  if (docker0Length < length || docker0Length > MAX_LENGTH)
    throw usage(`--docker0-length ${docker0Length}: from ${length}, which is all of the lease, to ${MAX_LENGTH}`);
  return { ...env, subnet: { ip, length: docker0Length } };
}

/** Reads those keys that are there, FLANNEL_SUBNET or FLANNEL_IPV6_SUBNET at least. Rejects with SUBNET_ENV_MISSING or SUBNET_ENV_INVALID. */
export async function readSubnetEnvKeys(file: string): Promise<SubnetEnvKeys> {
  const parsed = parseSubnetEnvKeys(await subnetEnvText(file), file);
  if (!parsed.ok) throw new TsflannelError('SUBNET_ENV_INVALID', { file, detail: parsed.rejection.detail });
  if (!parsed.value.subnet && !parsed.value.subnet6)
    throw new TsflannelError('SUBNET_ENV_INVALID', { file, detail: 'FLANNEL_SUBNET is missing' });
  return parsed.value;
}

/**
 * How dockerd is told of a leased IPv6 subnet, of which mk-docker-opts.sh knows nothing: `fixed-cidr`, in all versions; `bip6`, from 28.0;
 * `none`, the script's bytes.
 */
export const IPV6_WAYS = ['fixed-cidr', 'bip6', 'none'] as const;
export type Ipv6Way = (typeof IPV6_WAYS)[number];

/** Which lines mk-docker-opts.sh is asked for. */
export interface EnvFileShape {
  /** `DOCKER_OPT_…` lines (-i); both kinds when neither is asked for. */
  readonly individual: boolean;
  /** The one combined line (-c). */
  readonly combined: boolean;
  /** Name of the combined variable (-k). */
  readonly key: string;
  /** Whether the masquerade option is among them (not with -m). */
  readonly ipMasq: boolean;
  /** Default: none. */
  readonly ipv6?: Ipv6Way;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** What ends or expands within double quotes, in a shell or in systemd's EnvironmentFile. */
const UNSAFE = /["$`\\\p{Cc}]/u;

const usage = (detail: string): TsflannelError => new TsflannelError('USAGE', { detail });

function checkKey(key: string): void {
  if (!NAME.test(key)) throw usage(`${JSON.stringify(key)} is not a name of a variable`);
  if (/^FLANNEL_|DOCKER_OPT_/.test(key))
    throw usage(`${key} cannot be the combined variable: it is one of those combined`);
}

/** A variable of the environment that is to stand in the file; the script would write a broken line for these values. */
function checked(name: string, value: string, spaces: boolean): string {
  if (UNSAFE.test(value) || (!spaces && /\s/.test(value)))
    throw usage(
      `the environment's ${name} holds characters that no env file can carry: unset it or pass it to dockerd another way`,
    );
  return value;
}

/** What is used of a subnet.env; one that was read whole has no IPv6 part. */
type OptionalKeys = Pick<SubnetEnvKeys, 'subnet' | 'mtu' | 'ipMasq'> & Partial<Pick<SubnetEnvKeys, 'subnet6'>>;

type Environment = Readonly<Record<string, string | undefined>>;

/** docker0 gets the first address of --fixed-cidr-v6, which is the one of FLANNEL_IPV6_SUBNET. */
function ipv6Options({ subnet6 }: OptionalKeys, way: Ipv6Way): [string, string][] {
  if (!subnet6 || way === 'none') return [];
  const option: [string, string] =
    way === 'bip6'
      ? ['DOCKER_OPT_BIP6', `--bip6=${bipOf(subnet6)}`]
      : ['DOCKER_OPT_FIXED_CIDR_V6', `--fixed-cidr-v6=${printPrefix(prefixOf(subnet6.ip, subnet6.length))}`];
  return [option, ['DOCKER_OPT_IPV6', '--ipv6=true']];
}

function individualOptions(
  env: OptionalKeys,
  { ipMasq, ipv6 = 'none' }: EnvFileShape,
  environment: Environment,
): [string, string][] {
  const options = new Map<string, string>();
  for (const [name, value] of Object.entries(environment))
    if (name.includes('DOCKER_OPT_') && NAME.test(name) && value !== undefined)
      options.set(name, checked(name, value, false));
  if (env.subnet) options.set('DOCKER_OPT_BIP', `--bip=${bipOf(env.subnet)}`);
  if (env.mtu !== undefined) options.set('DOCKER_OPT_MTU', `--mtu=${env.mtu}`);
  if (env.ipMasq !== undefined && ipMasq) options.set('DOCKER_OPT_IPMASQ', `--ip-masq=${!env.ipMasq}`);
  for (const [name, value] of ipv6Options(env, ipv6)) options.set(name, value);
  return [...options].sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * The env file for dockerd's unit, byte for byte as mk-docker-opts.sh writes it: options in the order of their names, exported
 * DOCKER_OPT_… among them, an exported combined variable in front. Throws USAGE where the script would write something broken.
 */
export function renderDockerOpts(env: OptionalKeys, shape: EnvFileShape, environment: Environment): string {
  checkKey(shape.key);
  const options = individualOptions(env, shape, environment);
  const both = !shape.individual && !shape.combined;
  const former = checked(shape.key, environment[shape.key] ?? '', true);
  const combined = options.reduce((line, [, value]) => `${line} ${value}`, former === '' ? '' : `${former} `);
  const lines = [
    ...(shape.individual || both ? options.map(([name, value]) => `${name}="${value}"`) : []),
    ...(shape.combined || both ? [`${shape.key}="${combined}"`] : []),
  ];
  return `${lines.join('\n')}\n`;
}
