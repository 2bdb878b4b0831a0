import { TsflannelError } from '../errors.ts';
import { type Prefix, printPrefix } from '../model/address.ts';
import type { NetworkConfig } from '../model/network-config.ts';
import type { Store } from '../store/store.ts';
import { type ConfigEntry, createView } from '../store/view.ts';
import { buildConfig, type ConfigWish, checkedConfig } from './build.ts';
import { leaseConflict, type Overlap } from './check.ts';

/** What to write: parts merged into what is there, or a whole JSON text. */
export type ConfigInput = { readonly wish: ConfigWish } | { readonly raw: string };

export interface WriteOptions {
  /** Write in spite of overlaps and of live leases that cannot follow. */
  readonly force: boolean;
  readonly dryRun: boolean;
  /** What this host's routes say to the network. */
  readonly overlap: (network: Prefix) => Promise<Overlap>;
}

export interface WriteResult {
  readonly raw: string;
  readonly before: string | undefined;
  readonly changed: boolean;
  readonly config: NetworkConfig;
  /** Things the user should know: expected overlaps, what --force passed over. */
  readonly notes: readonly string[];
}

const canonical = (raw: string): string => JSON.stringify(JSON.parse(raw));

function pass(error: TsflannelError, force: boolean): string {
  if (!force) throw error;
  return `forced: ${error.message}`;
}

async function overlapNotes(network: Prefix, { overlap, force }: WriteOptions): Promise<string[]> {
  const { conflicts, notes } = await overlap(network);
  const route = conflicts[0];
  return [
    ...notes,
    ...(route === undefined
      ? []
      : [pass(new TsflannelError('NETWORK_OVERLAP', { network: printPrefix(network), route }), force)]),
  ];
}

async function leaseNotes(
  store: Store,
  now: ConfigEntry | undefined,
  next: NetworkConfig,
  force: boolean,
): Promise<string[]> {
  if (!now?.parsed.ok) return [];
  const view = createView(store.prefix);
  view.reset((await store.snapshot()).kvs);
  const detail = leaseConflict(now.parsed.value, next, view.leases().values());
  return detail === undefined ? [] : [pass(new TsflannelError('CONFIG_LEASES', { detail }), force)];
}

/**
 * Checks a config and writes it, guarded by the revision it was read at. Throws USAGE, CONFIG_INVALID, NETWORK_OVERLAP, CONFIG_LEASES,
 * CONFIG_CHANGED or what the store throws; nothing is written then.
 */
export async function writeNetworkConfig(
  store: Store,
  input: ConfigInput,
  options: WriteOptions,
): Promise<WriteResult> {
  const now = await store.config();
  const raw = 'raw' in input ? input.raw.trim() : buildConfig(input.wish, now?.raw);
  const config = checkedConfig(raw, now?.raw);
  const text = canonical(raw);
  const changed = now === undefined || !now.parsed.ok || canonical(now.raw) !== text;
  // What is in use already is nobody's to refuse.
  if (!changed) return { raw: text, before: now.raw, changed, config, notes: [] };
  const notes = [
    ...(await overlapNotes(config.network, options)),
    ...(await leaseNotes(store, now, config, options.force)),
  ];
  if (!options.dryRun && !(await store.putConfig(text, now?.modRevision ?? 0n))) {
    throw new TsflannelError('CONFIG_CHANGED', { revision: String(now?.modRevision ?? 0n) });
  }
  return { raw: text, before: now?.raw, changed, config, notes };
}
