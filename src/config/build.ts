/**
 * config/ makes the network config out of what a user says, checks it against the host and the live leases, and writes it guarded.
 * It knows the config's JSON and the Store interface; it must not know how the kernel is read or etcd is reached.
 */
import IPCIDR from 'ip-cidr';
import { TsflannelError } from '../errors.ts';
import { BACKEND_OPTIONS, BACKEND_TYPES } from '../model/backend-config.ts';
import { type NetworkConfig, parseNetworkConfig, slipsIn } from '../model/network-config.ts';
import { field, parseJsonObject, type Rejection } from '../model/parsed.ts';

/** The parts of the config a user may name; what is absent stays as it is in etcd. */
export interface ConfigWish {
  readonly network?: string;
  readonly subnetLen?: number;
  readonly subnetMin?: string;
  readonly subnetMax?: string;
  readonly backend?: string;
  /** `K=V` each. */
  readonly backendOptions?: readonly string[];
}

type Json = Record<string, unknown>;

const usage = (detail: string): TsflannelError => new TsflannelError('USAGE', { detail });

/** The network with its host bits cleared is offered where they were not; anything that is no CIDR is refused. */
function checkedNetwork(text: string): string {
  if (!IPCIDR.isValidCIDR(text)) throw usage(`--network ${text}: a.b.c.d/len is expected, for example 172.17.0.0/16`);
  const start = new IPCIDR(text).start();
  const canonical = `${start}/${text.slice(text.indexOf('/') + 1)}`;
  if (canonical !== text) throw usage(`--network ${text} has host bits set: did you mean ${canonical}?`);
  return text;
}

function optionValue(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^\d{1,15}$/.test(text) ? Number(text) : text;
}

function backendOption(type: string, text: string): [string, unknown] {
  const match = /^([A-Za-z0-9]+)=(.*)$/s.exec(text);
  if (!match) throw usage(`--backend-option ${text}: NAME=VALUE is expected`);
  const known = BACKEND_TYPES.find((name) => sameName(type, name));
  const names = known ? BACKEND_OPTIONS[known] : [];
  const name = names.find((candidate) => candidate.toLowerCase() === match[1]?.toLowerCase());
  if (known && !name) throw usage(`--backend-option ${text}: ${type} has ${names.join(', ')}`);
  return [name ?? match[1] ?? '', optionValue(match[2] ?? '')];
}

const objectOf = (value: unknown): Json | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;

const sameName = (a: unknown, b: string): boolean => typeof a === 'string' && a.toLowerCase() === b.toLowerCase();

/** Changed parts over what is there. What stands there in other letters is the same key to flannel: it must not stand there twice. */
function merged(current: Json, changes: Json): Json {
  const spelled = (key: string) => Object.keys(changes).find((name) => sameName(key, name)) ?? key;
  const kept = Object.entries(current).map(([key, value]) => [spelled(key), value] as const);
  return { ...Object.fromEntries(kept), ...changes };
}

/** A new type drops the old one's options; options alone are merged into what is there. */
function backendOf(wish: ConfigWish, current: Json): unknown {
  const now = objectOf(field(current, 'Backend'));
  if (wish.backend === undefined && !wish.backendOptions?.length) return now;
  const type = wish.backend ?? String((now && field(now, 'Type')) ?? 'udp');
  const kept = wish.backend === undefined || (now && sameName(field(now, 'Type'), wish.backend)) ? now : {};
  const options = (wish.backendOptions ?? []).map((text) => backendOption(type, text));
  return merged(kept ?? {}, { Type: type, ...Object.fromEntries(options) });
}

/** The JSON to write: what is there now with the named parts replaced. Throws USAGE. */
export function buildConfig(wish: ConfigWish, currentRaw: string | undefined): string {
  const parsed = currentRaw === undefined ? undefined : parseJsonObject(currentRaw, 'config');
  const current: Json = parsed?.ok ? { ...parsed.value } : {};
  const backend = backendOf(wish, current);
  const changes: Json = {
    ...(wish.network !== undefined && { Network: checkedNetwork(wish.network) }),
    ...(wish.subnetLen !== undefined && { SubnetLen: wish.subnetLen }),
    ...(wish.subnetMin !== undefined && { SubnetMin: wish.subnetMin }),
    ...(wish.subnetMax !== undefined && { SubnetMax: wish.subnetMax }),
    ...(backend !== undefined && { Backend: backend }),
  };
  return JSON.stringify(merged(current, changes));
}

/** What flannel would pass over in silence, and the config before (`then`) has not. */
function newSlip(raw: string, then: string | undefined): Rejection | undefined {
  const old = new Set(then === undefined ? [] : slipsIn(then).map(({ where }) => where));
  return slipsIn(raw).find(({ where }) => !old.has(where));
}

/** A config text as a value; `then`: what it replaces. Throws CONFIG_INVALID, also for what flannel would pass over in silence. */
export function checkedConfig(raw: string, then?: string): NetworkConfig {
  const parsed = parseNetworkConfig(raw);
  const rejection = parsed.ok ? newSlip(raw, then) : parsed.rejection;
  if (parsed.ok && !rejection) return parsed.value;
  throw new TsflannelError('CONFIG_INVALID', { where: rejection?.where ?? '', detail: rejection?.detail ?? '' });
}
