import { accept, field, type Parsed, type Rejection, reject, shown, wholeNumber } from './parsed.ts';

/** What moves the packets of backend udp: programs in the kernel (`ebpf`), or a thread of the daemon (`tun`). */
export const CARRIER_TYPES = ['ebpf', 'tun'] as const;
export type CarrierType = (typeof CARRIER_TYPES)[number];

/** The same, or the best one that works on the node. */
export const CARRIER_WISHES = ['auto', ...CARRIER_TYPES] as const;
export type CarrierWish = (typeof CARRIER_WISHES)[number];

/**
 * Which packets a node takes from the underlay. `strict`: from a peer's own address, with a source in that peer's subnet, for ours;
 * `subnet`: from anywhere, with a source in some peer's subnet, for ours; `off`: all, as flannel does.
 */
export const SOURCE_CHECKS = ['strict', 'subnet', 'off'] as const;
export type SourceCheck = (typeof SOURCE_CHECKS)[number];

/** The backend part of the network config, flannel's defaults filled in. `mtu` 0 means "from the interface". */
export type BackendConfig =
  | {
      readonly type: 'udp';
      readonly port: number;
      readonly mtu: number;
      readonly carrier: CarrierWish;
      readonly sourceCheck: SourceCheck;
      /** Packets of peers pass by the host's filters and connection tracking on their way to the containers (carrier `ebpf` only). */
      readonly directDelivery: boolean;
    }
  | {
      readonly type: 'vxlan';
      readonly vni: number;
      readonly port: number;
      readonly gbp: boolean;
      readonly learning: boolean;
      readonly directRouting: boolean;
      readonly mtu: number;
      readonly sourceCheck: SourceCheck;
    }
  | { readonly type: 'host-gw'; readonly sourceCheck: SourceCheck };

/** Names of the backends this version speaks. */
export const BACKEND_TYPES = ['udp', 'vxlan', 'host-gw'] as const;

type Json = Readonly<Record<string, unknown>>;

/** Options of each backend, as `--backend-option` takes them. */
export const BACKEND_OPTIONS: Readonly<Record<BackendConfig['type'], readonly string[]>> = {
  udp: ['Port', 'MTU', 'Carrier', 'SourceCheck', 'DirectDelivery'],
  vxlan: ['VNI', 'Port', 'GBP', 'Learning', 'DirectRouting', 'MTU', 'SourceCheck'],
  'host-gw': ['SourceCheck'],
};

type Range = readonly [min: number, max: number];

function numberOption(json: Json, name: string, fallback: number, [min, max]: Range): Parsed<number> {
  const given = field(json, name);
  if (given === undefined || given === 0) return accept(fallback);
  const value = wholeNumber(given, min, max);
  return value === undefined
    ? reject('BACKEND_OPTION', `Backend.${name}`, `${shown(given)}; ${min} to ${max} is expected`)
    : accept(value);
}

function flagOption(json: Json, name: string): Parsed<boolean> {
  const given = field(json, name);
  if (given === undefined) return accept(false);
  return typeof given === 'boolean'
    ? accept(given)
    : reject('BACKEND_OPTION', `Backend.${name}`, 'true or false is expected');
}

/** One of these words, the first by default. flannel has no such options, so nothing binds us to fold their case. */
function wordOption<T extends string>(json: Json, name: string, words: readonly [T, ...T[]]): Parsed<T> {
  const given = field(json, name);
  if (given === undefined) return accept(words[0]);
  const word = words.find((one) => one === given);
  return word === undefined
    ? reject('BACKEND_OPTION', `Backend.${name}`, `${shown(given)}; ${words.join(', ')} are expected`)
    : accept(word);
}

function parseVxlan(json: Json): Parsed<BackendConfig> {
  const vni = numberOption(json, 'VNI', 1, [1, 0xffffff]);
  if (!vni.ok) return vni;
  const port = numberOption(json, 'Port', 8472, [1, 65_535]);
  if (!port.ok) return port;
  const mtu = numberOption(json, 'MTU', 0, [576, 65_535]);
  if (!mtu.ok) return mtu;
  const gbp = flagOption(json, 'GBP');
  if (!gbp.ok) return gbp;
  const learning = flagOption(json, 'Learning');
  if (!learning.ok) return learning;
  const direct = flagOption(json, 'DirectRouting');
  if (!direct.ok) return direct;
  const check = wordOption(json, 'SourceCheck', SOURCE_CHECKS);
  if (!check.ok) return check;
  return accept({
    type: 'vxlan',
    vni: vni.value,
    port: port.value,
    gbp: gbp.value,
    learning: learning.value,
    directRouting: direct.value,
    mtu: mtu.value,
    sourceCheck: check.value,
  });
}

function parseHostGw(json: Json): Parsed<BackendConfig> {
  const check = wordOption(json, 'SourceCheck', SOURCE_CHECKS);
  return check.ok ? accept({ type: 'host-gw', sourceCheck: check.value }) : check;
}

function parseUdp(json: Json): Parsed<BackendConfig> {
  const port = numberOption(json, 'Port', 8285, [1, 65_535]);
  if (!port.ok) return port;
  const mtu = numberOption(json, 'MTU', 0, [576, 65_535]);
  if (!mtu.ok) return mtu;
  const carrier = wordOption(json, 'Carrier', CARRIER_WISHES);
  if (!carrier.ok) return carrier;
  const check = wordOption(json, 'SourceCheck', SOURCE_CHECKS);
  if (!check.ok) return check;
  const direct = flagOption(json, 'DirectDelivery');
  if (!direct.ok) return direct;
  return accept({
    type: 'udp',
    port: port.value,
    mtu: mtu.value,
    carrier: carrier.value,
    sourceCheck: check.value,
    directDelivery: direct.value,
  });
}

const isOption = (type: BackendConfig['type'], key: string): boolean =>
  ['Type', ...BACKEND_OPTIONS[type]].some((name) => name.toLowerCase() === key.toLowerCase());

/** The backend of this name; flannel folds its case (backend/manager.go). */
const knownType = (type: unknown): BackendConfig['type'] | undefined =>
  BACKEND_TYPES.find((name) => typeof type === 'string' && name === type.toLowerCase());

/** Options of a `Backend` object that its backend does not have; flannel passes over them. */
export function strangeOptions(value: unknown): readonly Rejection[] {
  if (typeof value !== 'object' || value === null) return [];
  const type = knownType(field(value as Json, 'Type'));
  if (!type) return [];
  const detail = `${type} has ${BACKEND_OPTIONS[type].join(', ')}`;
  return Object.keys(value)
    .filter((key) => !isOption(type, key))
    .map((key) => reject('BACKEND_OPTION', `Backend.${key}`, detail).rejection);
}

/**
 * The `Backend` object of the config. Absent means udp, as in flannel's code (config.go parseBackendType). Options it does not know are
 * passed over as flannel does: a cluster whose config has one must not lose its nodes ({@link strangeOptions} names them).
 */
export function parseBackend(value: unknown): Parsed<BackendConfig> {
  if (value === undefined || value === null) return parseUdp({});
  if (typeof value !== 'object' || Array.isArray(value)) return reject('BACKEND', 'Backend', 'an object is expected');
  const json = value as Json;
  const type = field(json, 'Type');
  const known = knownType(type);
  if (!known)
    return reject('BACKEND_TYPE', 'Backend.Type', `${shown(type)}; this version knows ${BACKEND_TYPES.join(', ')}`);
  if (known === 'vxlan') return parseVxlan(json);
  return known === 'udp' ? parseUdp(json) : parseHostGw(json);
}
