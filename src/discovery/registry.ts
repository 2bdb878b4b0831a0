/**
 * discovery/ is a small server of etcd's v2 discovery protocol, so that a cluster can be bootstrapped without a public service. It knows
 * registries, the files it keeps them in and the HTTP API that etcd's own `--discovery` speaks. It must not know this host's etcd member
 * nor any cluster that comes of a registry; it talks to nobody but those who ask.
 */
import { randomBytes } from 'node:crypto';
import { parseCluster } from '../etcd/cluster.ts';
import { MAX_SIZE } from '../etcd/discovery.ts';
import { accept, field, type Parsed, parseJsonObject, reject, wholeNumber } from '../model/parsed.ts';

/** A member as it registered itself: its id in hexadecimal, and `name=url,name=url`. */
export interface Entry {
  readonly id: string;
  readonly value: string;
}

/** What stands behind one discovery URL. */
export interface Registry {
  readonly token: string;
  readonly size: number;
  /** In the order they came; the first `size` form the cluster. Nobody is ever removed. */
  readonly members: readonly Entry[];
  /** When it was made or the last member came, in milliseconds since 1970. */
  readonly touched: number;
}

/** A member with its place in etcd's order of all writes. */
export interface Placed extends Entry {
  readonly index: number;
}

/** Latecomers are let in so that etcd itself tells them that the cluster is full; only so many. */
const MAX_LATE = 16;

/** The write of `_config/size`; members count up from here. */
const SIZE_INDEX = 4;

export const TOKEN = /^[0-9a-f]{32}$/;
export const MEMBER_ID = /^[0-9a-f]{1,16}$/;

export const newRegistry = (size: number, now: number): Registry => ({
  token: randomBytes(16).toString('hex'),
  size,
  members: [],
  touched: now,
});

/** The index of the last write. */
export const lastIndex = ({ members }: Registry): number => SIZE_INDEX + members.length;

/** The members with their indexes. */
export const placed = ({ members }: Registry): readonly Placed[] =>
  members.map((entry, position) => ({ ...entry, index: SIZE_INDEX + 1 + position }));

/** A cluster size from a query or a file. */
export function parseSizeText(text: string): Parsed<number> {
  const size = /^[1-9][0-9]?$/.test(text) ? Number(text) : 0;
  return size >= 1 && size <= MAX_SIZE ? accept(size) : reject('SIZE', 'size', `${text}; 1 to ${MAX_SIZE} is expected`);
}

/** Checks what a member says of itself: one name, URLs that etcd would take. */
export function parseEntry(id: string, value: string): Parsed<Entry> {
  if (!MEMBER_ID.test(id)) return reject('MEMBER_ID', 'member', `${id} is not the id of a member`);
  if (value.length > 1000) return reject('MEMBER', id, `${value.length} characters`);
  const members = parseCluster(value, id);
  if (!members.ok) return members;
  return members.value.length === 1 ? accept({ id, value }) : reject('MEMBER', id, 'more than one member');
}

const nameOf = (value: string): string => value.slice(0, value.indexOf('='));

/** The registry with one more member, or why it cannot come in; `exists`: it is there. */
export function withMember(registry: Registry, entry: Entry, now: number): Parsed<Registry> {
  const { members, size } = registry;
  if (members.some(({ id }) => id === entry.id)) return reject('EXISTS', entry.id, 'the member has come already');
  const namesake = members.slice(0, size).some(({ value }) => nameOf(value) === nameOf(entry.value));
  if (namesake) return reject('NAME', entry.id, `a member named ${nameOf(entry.value)} has come already`);
  if (members.length >= size + MAX_LATE) return reject('FULL', entry.id, `the cluster of ${size} is full`);
  return accept({ ...registry, members: [...members, entry], touched: now });
}

/** The text of a registry's file. */
export const printRegistry = (registry: Registry): string => `${JSON.stringify({ version: 1, ...registry })}\n`;

function parseEntries(value: unknown): Parsed<readonly Entry[]> {
  if (!Array.isArray(value)) return reject('REGISTRY', 'members', 'a list is expected');
  const entries: Entry[] = [];
  for (const item of value as unknown[]) {
    const { id, value: text } = (item ?? {}) as { id?: unknown; value?: unknown };
    if (typeof id !== 'string' || typeof text !== 'string') return reject('REGISTRY', 'members', 'id and value');
    const entry = parseEntry(id, text);
    if (!entry.ok) return entry;
    entries.push(entry.value);
  }
  return accept(entries);
}

/** Parses a registry's file. */
export function parseRegistry(text: string, token: string): Parsed<Registry> {
  const json = parseJsonObject(text, token, 262_144);
  if (!json.ok) return json;
  const size = wholeNumber(field(json.value, 'size'), 1, MAX_SIZE);
  const touched = wholeNumber(field(json.value, 'touched'), 0, Number.MAX_SAFE_INTEGER);
  if (field(json.value, 'version') !== 1 || size === undefined || touched === undefined)
    return reject('REGISTRY', token, 'version 1, size and touched are expected');
  const members = parseEntries(field(json.value, 'members'));
  return members.ok ? accept({ token, size, touched, members: members.value }) : members;
}
