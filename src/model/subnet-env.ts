import {
  containsPrefix,
  type Ip,
  type Prefix,
  parseCidr,
  parsePrefix,
  prefixOf,
  printIp,
  printPrefix,
} from './address.ts';
import { accept, type Parsed, reject } from './parsed.ts';

/** What flanneld tells Docker through /run/flannel/subnet.env. */
export interface SubnetEnv {
  /** The network all nodes share. */
  readonly network: Prefix;
  /** The first address of this node's subnet, with the subnet's length: docker0's address. */
  readonly subnet: { readonly ip: Ip; readonly length: number };
  /** Bytes. */
  readonly mtu: number;
  /** Whether the flannel side masquerades what leaves the network (Docker must then not). */
  readonly ipMasq: boolean;
}

/** Those of the keys that a file has; `subnet6` is there with a flanneld that leases IPv6 too. */
export type SubnetEnvKeys = { readonly [K in keyof SubnetEnv]: SubnetEnv[K] | undefined } & {
  readonly subnet6: SubnetEnv['subnet'] | undefined;
};

/** Where flanneld keeps it. */
export const SUBNET_ENV = '/run/flannel/subnet.env';

const MAX_BYTES = 65_536;
const KEYS = new Set(['FLANNEL_NETWORK', 'FLANNEL_SUBNET', 'FLANNEL_MTU', 'FLANNEL_IPMASQ', 'FLANNEL_IPV6_SUBNET']);

/** The bytes flanneld writes, in its order. */
export const renderSubnetEnv = (env: SubnetEnv): string =>
  [
    `FLANNEL_NETWORK=${printPrefix(env.network)}`,
    `FLANNEL_SUBNET=${printIp(env.subnet.ip)}/${env.subnet.length}`,
    `FLANNEL_MTU=${env.mtu}`,
    `FLANNEL_IPMASQ=${env.ipMasq}`,
    '',
  ].join('\n');

/** What Docker takes from it, as one text: two that differ need a Docker that is told anew. */
export const printForDocker = ({ subnet, mtu, ipMasq }: Pick<SubnetEnv, 'subnet' | 'mtu' | 'ipMasq'>): string =>
  `${printPrefix(prefixOf(subnet.ip, subnet.length))} ${mtu} ${ipMasq}`;

const unquote = (value: string): string => /^(["'])(.*)\1$/.exec(value)?.[2] ?? value;

/** Assignments of the known keys; as in a sourced file the last one wins. Every other line (comments, unknown keys) is passed over. */
function assignments(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Z0-9_]+)=(\S*)\s*$/.exec(line);
    if (match?.[1] !== undefined && KEYS.has(match[1])) found.set(match[1], unquote(match[2] ?? ''));
    // A value with a space would be cut there by a shell: better no value than half of one.
    else for (const key of KEYS) if (new RegExp(`^\\s*(?:export\\s+)?${key}=`).test(line)) found.set(key, line.trim());
  }
  return found;
}

const parseNetwork = (text: string): Prefix | undefined => {
  const prefix = parsePrefix(text);
  return prefix?.family === 4 ? prefix : undefined;
};

/** The subnet's own first number is no address of a host: dockerd refuses it as bip. */
const parseSubnet = (text: string): SubnetEnv['subnet'] | undefined => {
  const cidr = parseCidr(text);
  if (cidr?.ip.family !== 4 || cidr.length < 1 || cidr.length > 31) return undefined;
  return cidr.length === 31 || prefixOf(cidr.ip, cidr.length).address !== cidr.ip.value ? cidr : undefined;
};

/** As the IPv4 one: the first address of the subnet, with its length. */
const parseSubnet6 = (text: string): SubnetEnv['subnet'] | undefined => {
  const cidr = parseCidr(text);
  if (cidr?.ip.family !== 6 || cidr.length < 1 || cidr.length > 126) return undefined;
  return prefixOf(cidr.ip, cidr.length).address === cidr.ip.value ? undefined : cidr;
};

/** 68 is the least MTU of IPv4 (RFC 791). */
const parseMtu = (text: string): number | undefined => {
  const mtu = /^[1-9][0-9]{1,4}$/.test(text) ? Number(text) : 0;
  return mtu >= 68 && mtu <= 65_535 ? mtu : undefined;
};

const parseBoolean = (text: string): boolean | undefined =>
  text === 'true' || text === 'false' ? text === 'true' : undefined;

const within = (network: Prefix, subnet: SubnetEnv['subnet']): boolean =>
  containsPrefix(network, prefixOf(subnet.ip, subnet.length));

function read<T>(
  found: Map<string, string>,
  key: string,
  parse: (text: string) => T | undefined,
  where: string,
): Parsed<T | undefined> {
  const text = found.get(key);
  if (text === undefined) return accept(undefined);
  const value = parse(text);
  return value === undefined ? reject('SUBNET_ENV_VALUE', where, `${key}=${text}`) : accept(value);
}

/** Those keys of the file that are there; a key with a bad value rejects the whole. mk-docker-opts.sh works with any of them missing. */
export function parseSubnetEnvKeys(text: string, where: string): Parsed<SubnetEnvKeys> {
  if (text.length > MAX_BYTES) return reject('TOO_LARGE', where, `${text.length} bytes`);
  const found = assignments(text);
  const network = read(found, 'FLANNEL_NETWORK', parseNetwork, where);
  const subnet = read(found, 'FLANNEL_SUBNET', parseSubnet, where);
  const subnet6 = read(found, 'FLANNEL_IPV6_SUBNET', parseSubnet6, where);
  const mtu = read(found, 'FLANNEL_MTU', parseMtu, where);
  const ipMasq = read(found, 'FLANNEL_IPMASQ', parseBoolean, where);
  if (!network.ok) return network;
  if (!subnet.ok) return subnet;
  if (!subnet6.ok) return subnet6;
  if (!mtu.ok) return mtu;
  if (!ipMasq.ok) return ipMasq;
  if (network.value && subnet.value && !within(network.value, subnet.value))
    return reject('SUBNET_ENV_VALUE', where, `FLANNEL_SUBNET=${printIp(subnet.value.ip)} is outside FLANNEL_NETWORK`);
  return accept({
    ...{ network: network.value, subnet: subnet.value, subnet6: subnet6.value },
    ...{ mtu: mtu.value, ipMasq: ipMasq.value },
  });
}

/** A whole subnet.env: all four keys. Comments, order, quotes and unknown keys do not matter; values are strict. */
export function parseSubnetEnv(text: string, where: string): Parsed<SubnetEnv> {
  const keys = parseSubnetEnvKeys(text, where);
  if (!keys.ok) return keys;
  const { network, subnet, mtu, ipMasq } = keys.value;
  if (!network) return reject('SUBNET_ENV_KEY', where, 'FLANNEL_NETWORK is missing');
  if (!subnet) return reject('SUBNET_ENV_KEY', where, 'FLANNEL_SUBNET is missing');
  if (mtu === undefined) return reject('SUBNET_ENV_KEY', where, 'FLANNEL_MTU is missing');
  if (ipMasq === undefined) return reject('SUBNET_ENV_KEY', where, 'FLANNEL_IPMASQ is missing');
  return accept({ network, subnet, mtu, ipMasq });
}
