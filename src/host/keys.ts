import { TsflannelError } from '../errors.ts';
import { systemClock } from '../model/clock.ts';
import { duration } from '../model/duration.ts';
import { printable } from '../model/parsed.ts';
import type { EtcdFlags } from '../output/flags.ts';
import type { KeyValue, Kv, WatchEvent } from '../store/kv.ts';
import { type Meaning, meaningOf } from '../store/meaning.ts';
import { watchPrefix } from '../store/watcher.ts';
import { resolveConnection } from './connection.ts';
import { openKv } from './kv.ts';

/** etcd and which of its keys a command is about. */
export interface Keys {
  readonly kv: Kv;
  /** Of flannel's keys. */
  readonly prefix: string;
  /** The key, or what all keys begin with where `exact` is false. */
  readonly key: string;
  readonly exact: boolean;
}

/** A key with what it means; `left` are the seconds of its etcd lease. */
export interface Shown {
  readonly kv: KeyValue;
  readonly meaning: Meaning;
  readonly left?: number;
}

/** A name is below flannel's prefix, a path is itself; one that ends with a slash, or none at all, stands for all below it. */
function keyOf(text: string | undefined, prefix: string, all: boolean): Pick<Keys, 'key' | 'exact'> {
  const given = text ?? '';
  const key = given.startsWith('/') ? given : `${prefix}/${given}`;
  if (!all && !key.startsWith(`${prefix}/`)) throw new TsflannelError('KEY_OUTSIDE', { key: printable(key), prefix });
  return { key, exact: !key.endsWith('/') };
}

/** Opens etcd for a command on keys. Throws USAGE or KEY_OUTSIDE. */
export async function openKeys(flags: EtcdFlags & { readonly all: boolean }, text: string | undefined): Promise<Keys> {
  const { kv, prefix } = await resolveConnection(flags);
  const about = keyOf(text, prefix, flags.all);
  return { kv: await openKv(kv), prefix, ...about };
}

async function show({ kv, prefix }: Keys, entry: KeyValue): Promise<Shown> {
  const meaning = meaningOf(entry, prefix);
  if (entry.lease === 0n) return { kv: entry, meaning };
  const { left } = await kv.timeToLive(entry.lease);
  return { kv: entry, meaning, left };
}

/** The keys as they are, with what they mean. Rejects with KEY_MISSING where one key was asked for. */
export async function getKeys(keys: Keys): Promise<readonly Shown[]> {
  const { kv, key, exact, prefix } = keys;
  const { kvs } = await kv.range(key, { exact });
  if (exact && kvs.length === 0)
    throw new TsflannelError('KEY_MISSING', { key: printable(key), detail: `all of flannel's are below ${prefix}/` });
  return Promise.all(kvs.map((entry) => show(keys, entry)));
}

/** A change to one key, read and judged; nothing is written yet. */
export interface KeyChange {
  readonly before?: Shown;
  /** Things to know before it is done. */
  readonly warnings: readonly string[];
}

const liveLease = ({ meaning, left = 0 }: Shown): readonly string[] =>
  meaning.kind === 'lease' && left > 0
    ? [`${meaning.text}: this is a live lease (${duration(left)} left), its node uses the subnet`]
    : [];

/** What a put or delete of this key would do. Rejects with USAGE for more than one key. */
export async function judgeChange(keys: Keys, value: string | undefined): Promise<KeyChange> {
  const { kv, key, exact, prefix } = keys;
  if (!exact) throw new TsflannelError('USAGE', { detail: `${printable(key)} stands for many keys; name one` });
  const entry = (await kv.range(key, { exact: true })).kvs[0];
  const before = entry && (await show(keys, entry));
  const invalid = value === undefined ? undefined : meaningOf({ key, value }, prefix).invalid;
  const warnings = [
    ...(before ? liveLease(before) : []),
    ...(before?.meaning.kind === 'config' && value === undefined ? ['without the config no node can start'] : []),
    ...(invalid === undefined ? [] : [`flannel would not take the value: ${invalid}`]),
  ];
  return { warnings, ...(before && { before }) };
}

/** Writes or deletes the key if it is still as it was judged; it stays on its etcd lease. Rejects with KEY_CHANGED. */
export async function changeKey({ kv, key }: Keys, { before }: KeyChange, value: string | undefined): Promise<bigint> {
  const revision = before?.kv.modRevision ?? 0n;
  const guard = { target: before ? ('mod' as const) : ('create' as const), key, revision };
  const lease = before?.kv.lease ?? 0n;
  const put = { op: 'put' as const, key, value: value ?? '', ...(lease !== 0n && { lease }) };
  const done = await kv.txn([guard], [value === undefined ? { op: 'delete', key } : put]);
  if (!done.succeeded) throw new TsflannelError('KEY_CHANGED', { key: printable(key) });
  return done.revision;
}

/** One change seen by `watchKeys`, or what is there at the beginning. */
export interface Seen {
  readonly event: 'is' | 'put' | 'delete';
  readonly key: string;
  readonly revision: bigint;
  readonly value?: string;
  readonly meaning?: Meaning;
}

const seenPut = (kv: KeyValue, prefix: string, event: 'is' | 'put'): Seen => ({
  event,
  key: kv.key,
  revision: kv.modRevision,
  value: kv.value,
  meaning: meaningOf(kv, prefix),
});

const seen = (event: WatchEvent, prefix: string): Seen =>
  event.type === 'put'
    ? seenPut(event.kv, prefix, 'put')
    : { event: 'delete', key: event.key, revision: event.modRevision };

/** Tells of the keys as they are, and of each change, until SIGINT; across lost connections, without a gap. */
export async function watchKeys(keys: Keys, tell: (seen: Seen) => void, notice: (line: string) => void): Promise<void> {
  const { kv, prefix, key, exact } = keys;
  const wanted = ({ key: name }: Seen) => !exact || name === key;
  const ended = new Promise<void>((resolve) => process.once('SIGINT', () => resolve()));
  const watcher = watchPrefix(kv, key, {
    clock: systemClock,
    random: Math.random,
    onSnapshot: (kvs) =>
      kvs
        .map((each) => seenPut(each, prefix, 'is'))
        .filter(wanted)
        .forEach(tell),
    onEvents: (events) =>
      events
        .map((each) => seen(each, prefix))
        .filter(wanted)
        .forEach(tell),
    onState: (state) => notice(state.connected ? 'connected' : `not connected: ${state.error}`),
  });
  await ended;
  watcher.close();
}
