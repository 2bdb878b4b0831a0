/**
 * The source check of kernel backends: one table of nftables, written whole where it is new, else element by element. Without nft, or on
 * a kernel that lacks what the table needs, there is none, and `problem` says why.
 */
import { TsflannelError } from '../../errors.ts';
import type { SourceCounters } from '../../model/carrier-report.ts';
import { eachSliced, inTurns, type Sliced } from '../../model/sliced.ts';
import type { NetlinkSocket } from '../../sys/netlink-socket.ts';
import { equal } from '../equal.ts';
import type { Lane } from '../runs.ts';
import type { GuardSettings } from '../source-check.ts';
import {
  type Guard,
  type KernelState,
  type Kind,
  keyOf,
  type Observed,
  OWN,
  type Source,
  type Step,
} from '../state.ts';
import { refusalIn, tryNft } from './nft.ts';
import {
  changesBatch,
  changesText,
  changingElements,
  type ElementChanges,
  overlapping,
  SOURCE_TABLE,
  type SourceChange,
} from './source-elements.ts';
import { parsingCounters, parsingTable } from './source-json.ts';
import { emptyTable, otherRules, refusalOf, wholeTable, withoutTable } from './source-text.ts';
import { type ToolResult, tryTool } from './tool.ts';

/** The table as last seen or written; `settings` absent: there is none, or it is damaged and has to be written anew. */
interface Table {
  readonly settings?: GuardSettings | undefined;
  readonly sources: ReadonlyMap<string, Source>;
}

const NONE: Table = { sources: new Map() };

const notWithoutNft = (error: unknown): undefined => {
  if (error instanceof TsflannelError && error.code === 'TOOL_MISSING') return undefined;
  throw error;
};

/** nft's JSON of the table; undefined: there is none. */
async function list(): Promise<string | undefined> {
  const result: ToolResult | undefined = await tryTool('nft', ['-j', 'list', 'table', ...SOURCE_TABLE]).catch(
    notWithoutNft,
  );
  return result?.exitCode === 0 ? result.stdout : undefined;
}

/** A table with all the kernel has to know for ours. */
const PROBE: GuardSettings = {
  check: 'strict',
  network: { family: 4, address: 0x0a000000n, length: 8 },
  subnet: { family: 4, address: 0x0a000000n, length: 24 },
  underlay: 'lo',
  tunnel: { device: 'lo', port: 1, vni: 1 },
};

/** Lets the kernel look at a transaction without doing it. */
async function probe(): Promise<string | undefined> {
  const result = await tryNft(emptyTable(PROBE), ['-c']).catch(notWithoutNft);
  return result ? refusalIn(result) : 'nft is not installed (apt-get install nftables)';
}

function settingsAfter(steps: readonly Step[]): GuardSettings | 'none' | 'as it is' {
  const last = steps.findLast(({ object }) => object.kind === 'guard');
  if (!last) return 'as it is';
  return last.action !== 'remove' && last.object.kind === 'guard' && last.object.settings
    ? last.object.settings
    : 'none';
}

/** What becomes of the sources that these steps are about, by key; undefined: it goes. */
function* changed(table: Table, steps: readonly Step[]): Sliced<ReadonlyMap<string, Source | undefined>> {
  const to = new Map<string, Source | undefined>();
  for (const { action, object } of steps)
    if (object.kind === 'source') to.set(keyOf(object), action === 'remove' ? undefined : object);
  const come = [...to.values()].flatMap((source) => source?.subnet ?? []);
  // Leases do not overlap: one of them is of a lease that has ended, whose removal comes last in a plan.
  for (const key of yield* overlapping(come, table.sources)) if (!to.has(key)) to.set(key, undefined);
  return to;
}

function sourcesAfter(table: Table, to: ReadonlyMap<string, Source | undefined>): Map<string, Source> {
  const after = new Map(table.sources);
  for (const [key, source] of to) {
    if (source) after.set(key, source);
    else after.delete(key);
  }
  return after;
}

/** The table after these steps, and what leads there: changes of its sets alone, or the whole of it. */
type Transition = { readonly after: Table } & (
  | { readonly changes: ElementChanges }
  /** The transaction that writes other settings into the table as it stands, where that is known. */
  | { readonly inPlace?: string }
);

function* transition(table: Table, steps: readonly Step[]): Sliced<Transition> {
  const settings = settingsAfter(steps);
  if (settings === 'none') return { after: NONE };
  const to = yield* changed(table, steps);
  const sources = sourcesAfter(table, to);
  const changing = () => {
    const each = [...to].map(([key, source]): SourceChange => ({ from: table.sources.get(key), to: source }));
    return changingElements(each, sources.values());
  };
  if (settings === 'as it is') return { after: { ...table, sources }, changes: yield* changing() };
  const after = { settings, sources };
  if (!table.settings) return { after };
  return { after, inPlace: changesText(yield* changing()) + otherRules(table.settings, settings) };
}

const refusalOfStep = ({ action, object }: Step): string | undefined =>
  action !== 'remove' && object.kind === 'guard' && object.settings ? refusalOf(object.settings) : undefined;

/** The source check of one kernel. */
export interface Sources {
  /** The table and its sources into `state`; what is as `before` is taken from there. */
  observe(kinds: ReadonlySet<Kind>, state: Map<string, Observed>, before?: KernelState): Promise<void>;
  /** The lane of guard and sources. */
  readonly lane: Lane;
  /** Why there can be no check here; asked once while it can be. */
  problem(): Promise<string | undefined>;
  counters(): Promise<SourceCounters | undefined>;
}

/** Puts those of these kinds into `state`; returns the sources by key. */
function* noting(
  objects: readonly (Guard | Source)[],
  kinds: ReadonlySet<Kind>,
  state: Map<string, Observed>,
  before?: KernelState,
): Sliced<ReadonlyMap<string, Source>> {
  const sources = new Map<string, Source>();
  yield* eachSliced(objects, (object) => {
    const key = keyOf(object);
    if (object.kind === 'source') sources.set(key, object);
    if (!kinds.has(object.kind)) return;
    const known = before?.get(key);
    state.set(key, known?.ours && equal(known.object, object) ? known : { object, ours: true, owner: OWN.comment });
  });
  return sources;
}

/** nft's refusal of the transaction. */
const byNft = async (text: string): Promise<string | undefined> =>
  text === '' ? undefined : refusalIn(await tryNft(text));

const anew = ({ settings, sources }: Table): readonly string[] =>
  settings ? wholeTable(settings, [...sources.values()]) : [withoutTable()];

/** In place where that can be: what is written anew lets forged packets in for the time between two transactions. */
async function rewrite(after: Table, inPlace: string | undefined): Promise<string | undefined> {
  if (inPlace !== undefined && (await byNft(inPlace)) === undefined) return undefined;
  for (const text of anew(after)) {
    const refusal = await byNft(text);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** `socket` is one of nfnetlink; it is asked for when it is needed, and may throw KERNEL_REFUSED. */
export function sources(socket: () => NetlinkSocket): Sources {
  let table = NONE;
  /** Transactions begun and ended so far. */
  let writes = 0;
  let isProven = false;

  async function observe(kinds: ReadonlySet<Kind>, state: Map<string, Observed>, before?: KernelState): Promise<void> {
    const since = writes;
    const json = await list();
    const seen = json === undefined ? undefined : await inTurns(parsingTable(json));
    const sources = await inTurns(noting(seen ? [seen.guard, ...seen.sources] : [], kinds, state, before));
    // What was written meanwhile, by a pass beside this look, is newer.
    if (writes === since)
      table = seen ? { settings: seen.guard.damage ? undefined : seen.guard.settings, sources } : NONE;
  }

  /**
   * Over our own socket, since starting nft takes longer than all else on a peer's way into the kernel. What the kernel refuses, nft
   * tries too: it says why.
   */
  async function change(changes: ElementChanges): Promise<string | undefined> {
    const batch = changesBatch(changes);
    if (batch && socket().batch(batch).errno === 0) return undefined;
    return byNft(changesText(changes));
  }

  async function run(steps: readonly Step[]): Promise<string | undefined> {
    writes++;
    const next = await inTurns(transition(table, steps));
    const refusal = await ('changes' in next ? change(next.changes) : rewrite(next.after, next.inPlace));
    writes++;
    if (refusal === undefined) table = next.after;
    return refusal;
  }

  /** All in one transaction; only if that is refused, one by one, to learn which of them it was. */
  const lane: Lane = async (steps) => {
    const unfit = steps.map(refusalOfStep);
    if (unfit.some((reason) => reason !== undefined)) return steps.map((_, i) => unfit[i] ?? 'there is no table');
    const refusal = await run(steps);
    if (refusal === undefined || steps.length === 1) return steps.map(() => refusal);
    const reasons: (string | undefined)[] = [];
    for (const step of steps) reasons.push(await run([step]));
    return reasons;
  };

  return {
    observe,
    lane,
    async problem() {
      const reason = isProven ? undefined : await probe();
      isProven = reason === undefined;
      return reason;
    },
    async counters() {
      const json = await list();
      return json === undefined ? undefined : inTurns(parsingCounters(json));
    },
  };
}
