import {
  containsIp,
  type Ip,
  ipAt,
  lastOf,
  type Prefix,
  parseCidr,
  parseIp4,
  prefixOf,
  printIp,
  printPrefix,
  sizeOf,
} from './address.ts';
import { type BackendConfig, parseBackend, strangeOptions } from './backend-config.ts';
import { accept, field, type Parsed, parseJsonObject, type Rejection, reject, shown, wholeNumber } from './parsed.ts';

/** flannel's network config (`<prefix>/config`), with flannel's defaults filled in. IPv4 only for now. */
export interface NetworkConfig {
  readonly network: Prefix;
  readonly subnetLength: number;
  /** Base address of the first and the last subnet that may be leased. */
  readonly subnetMin: Ip;
  readonly subnetMax: Ip;
  readonly backend: BackendConfig;
}

const KNOWN = new Set(
  [
    'Network',
    'IPv6Network',
    'EnableIPv4',
    'EnableIPv6',
    'EnableNFTables',
    'SubnetLen',
    'SubnetMin',
    'SubnetMax',
    'IPv6SubnetLen',
    'IPv6SubnetMin',
    'IPv6SubnetMax',
    'Backend',
  ].map((key) => key.toLowerCase()),
);

type Json = Readonly<Record<string, unknown>>;

/** flannel's rule (config.go CheckNetworkConfig): /24 where it fits, else four subnets to the network. */
const defaultLength = (network: Prefix): number => (network.length <= 22 ? 24 : network.length + 2);

function subnetLength(json: Json, network: Prefix): Parsed<number> {
  const given = field(json, 'SubnetLen');
  if (given === undefined || given === 0) {
    if (network.length > 28)
      return reject('NETWORK_TOO_SMALL', 'Network', `${printPrefix(network)}; at most /28 is useful`);
    return accept(defaultLength(network));
  }
  const length = wholeNumber(given, 1, 30);
  if (length === undefined)
    return reject('SUBNET_LEN', 'SubnetLen', `${shown(given)}; a whole number up to 30 is expected`);
  if (length < network.length + 2) {
    return reject('SUBNET_LEN', 'SubnetLen', `/${length} leaves fewer than four subnets in ${printPrefix(network)}`);
  }
  return accept(length);
}

/** `SubnetMin` or `SubnetMax`: inside the network and on the grid of its subnets. */
function bound(given: [name: string, value: unknown], network: Prefix, length: number, fallback: Ip): Parsed<Ip> {
  const [name, value] = given;
  if (value === undefined || value === '' || value === '0.0.0.0') return accept(fallback);
  const ip = typeof value === 'string' ? parseIp4(value) : undefined;
  if (!ip) return reject('SUBNET_BOUND', name, `${shown(value)} is not an IPv4 address`);
  if (!containsIp(network, ip))
    return reject('SUBNET_BOUND', name, `${printIp(ip)} is outside ${printPrefix(network)}`);
  if (prefixOf(ip, length).address !== ip.value) {
    return reject('SUBNET_BOUND', name, `${printIp(ip)} is not on a /${length} boundary`);
  }
  return accept(ip);
}

function networkOf(json: Json): Parsed<Prefix> {
  const text = field(json, 'Network');
  if (typeof text !== 'string') return reject('NETWORK', 'Network', 'missing; "a.b.c.d/len" is expected');
  const cidr = parseCidr(text);
  if (cidr?.ip.family !== 4) return reject('NETWORK', 'Network', `${text} is not an IPv4 network, a.b.c.d/len`);
  if (cidr.length < 4) return reject('NETWORK', 'Network', `${text} is too large`);
  return accept(prefixOf(cidr.ip, cidr.length));
}

/** Parses and checks the config's JSON by flannel's rules. What flannel passes over in silence is told by {@link slipsIn}. */
export function parseNetworkConfig(text: string): Parsed<NetworkConfig> {
  const json = parseJsonObject(text, 'config');
  if (!json.ok) return json;
  if (field(json.value, 'EnableIPv4') === false)
    return reject('IPV4_DISABLED', 'EnableIPv4', 'an IPv6-only network is not supported');
  const network = networkOf(json.value);
  if (!network.ok) return network;
  const length = subnetLength(json.value, network.value);
  if (!length.ok) return length;
  const step = sizeOf(prefixOf(ipAt(network.value, 0n), length.value));
  const min = bound(
    ['SubnetMin', field(json.value, 'SubnetMin')],
    network.value,
    length.value,
    ipAt(network.value, step),
  );
  if (!min.ok) return min;
  const last: Ip = { family: 4, value: lastOf(network.value) + 1n - step };
  const max = bound(['SubnetMax', field(json.value, 'SubnetMax')], network.value, length.value, last);
  if (!max.ok) return max;
  if (min.value.value > max.value.value) return reject('SUBNET_BOUND', 'SubnetMin', 'is above SubnetMax');
  const backend = parseBackend(field(json.value, 'Backend'));
  if (!backend.ok) return backend;
  return accept({
    network: network.value,
    subnetLength: length.value,
    subnetMin: min.value,
    subnetMax: max.value,
    backend: backend.value,
  });
}

function hostBits(json: Json): readonly Rejection[] {
  const text = field(json, 'Network');
  const cidr = typeof text === 'string' ? parseCidr(text) : undefined;
  if (!cidr) return [];
  const canonical = printPrefix(prefixOf(cidr.ip, cidr.length));
  if (canonical === printPrefix({ family: cidr.ip.family, address: cidr.ip.value, length: cidr.length })) return [];
  return [reject('HOST_BITS', 'Network', `${text} has host bits set: did you mean ${canonical}?`).rejection];
}

/**
 * What flannel passes over and is a typing error more often than not: keys it does not know, host bits in the network. A config that is
 * in use is read in spite of them; a new one with them is not written.
 */
export function slipsIn(text: string): readonly Rejection[] {
  const json = parseJsonObject(text, 'config');
  if (!json.ok) return [];
  const unknown = Object.keys(json.value).filter((key) => !KNOWN.has(key.toLowerCase()));
  return [
    ...unknown.map((key) => reject('UNKNOWN_KEY', key, 'flannel has no such key in the network config').rejection),
    ...strangeOptions(field(json.value, 'Backend')),
    ...hostBits(json.value),
  ];
}

/** How many subnets may be leased. */
export const subnetCount = (config: NetworkConfig): number =>
  Number((config.subnetMax.value - config.subnetMin.value) >> BigInt(32 - config.subnetLength)) + 1;
