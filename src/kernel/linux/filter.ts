/**
 * Packet filters: chains and jumps of ours in whichever tool Docker's rules are in, so that theirs and ours are seen by the same
 * packets in the order we mean. One process looks, one changes.
 */
import { readFile } from 'node:fs/promises';
import { TsflannelError } from '../../errors.ts';
import type { Lane } from '../runs.ts';
import { type FilterFacts, type Kind, keyOf, type Observed, OWN, type Step } from '../state.ts';
import { type FilterObject, parseSave, refusalOf, restoreText, type SavedFilters } from './filter-iptables.ts';
import { hasHook, isFilter, NFT_TABLE, nftText, parseNft } from './filter-nft.ts';
import { runTool, tryTool } from './tool.ts';

type Variant = FilterFacts['variant'];
type Reason = string | undefined;

interface Snapshot extends SavedFilters {
  readonly variant: Variant;
}

/** Programs of a variant; the plain names are the ones every installation has. */
interface Tools {
  /** What plain `iptables` is; `undefined`: there is none. */
  readonly plain: Variant | undefined;
}

const toolOf = (tools: Tools, variant: Variant, what: 'save' | 'restore'): string =>
  variant === tools.plain ? `iptables-${what}` : `${variant}-${what}`;

const isMissingTool = (error: unknown): boolean => error instanceof TsflannelError && error.code === 'TOOL_MISSING';

async function findTools(): Promise<Tools> {
  try {
    const { stdout } = await tryTool('iptables', ['-V']);
    return { plain: stdout.includes('nf_tables') ? 'iptables-nft' : 'iptables-legacy' };
  } catch (error) {
    if (isMissingTool(error)) return { plain: undefined };
    throw error;
  }
}

const EMPTY: SavedFilters = { objects: [], chains: new Set() };

/** A legacy program asked about a table that is not there would make it; this file names those that are. */
const hasLegacyTables = async (): Promise<boolean> =>
  (await readFile('/proc/net/ip_tables_names', 'utf8').catch(() => '')) !== '';

/** What a variant holds; nothing when it is not installed or has no tables in this namespace. */
async function save(tools: Tools, variant: Variant): Promise<SavedFilters> {
  if (variant === 'iptables-legacy' && !(await hasLegacyTables())) return EMPTY;
  try {
    return parseSave(await runTool(toolOf(tools, variant, 'save'), []));
  } catch (error) {
    if (isMissingTool(error)) return EMPTY;
    throw error;
  }
}

async function nftSnapshot(): Promise<Snapshot> {
  const { exitCode, stdout } = await tryTool('nft', ['-j', 'list', 'table', ...NFT_TABLE]);
  return { variant: 'nft', chains: new Set(), objects: exitCode === 0 ? parseNft(stdout) : [] };
}

const hasDocker = (saved: SavedFilters): boolean => saved.chains.has('filter/DOCKER');

/** Everything of ours, in the tool that is the right one now: Docker's, else the host's plain one. */
async function look(tools: Tools): Promise<Snapshot> {
  if (tools.plain === undefined) return nftSnapshot();
  const mine = await save(tools, tools.plain);
  if (hasDocker(mine)) return { variant: tools.plain, ...mine };
  const other: Variant = tools.plain === 'iptables-nft' ? 'iptables-legacy' : 'iptables-nft';
  const theirs = await save(tools, other);
  return hasDocker(theirs) ? { variant: other, ...theirs } : { variant: tools.plain, ...mine };
}

async function restore(tool: string, steps: readonly Step[]): Promise<Reason> {
  const { exitCode, stderr } = await tryTool(tool, ['--noflush', '--wait=10'], restoreText(steps));
  return exitCode === 0 ? undefined : `${tool}: ${stderr.trim().replace(/\s+/g, ' ') || `exit status ${exitCode}`}`;
}

/** All steps in one transaction; only if that is refused, one by one, to learn which of them it was. */
async function applyIptables(tool: string, steps: readonly Step[], again: () => Promise<Snapshot>): Promise<Reason[]> {
  if ((await restore(tool, steps)) === undefined) return steps.map(() => undefined);
  const reasons: Reason[] = [];
  for (const step of steps) reasons.push(await restore(tool, [step]));
  const left = new Set((await again()).objects.map(keyOf));
  return reasons.map((reason, i) => {
    const step = steps[i]!;
    return step.action === 'remove' && !left.has(keyOf(step.object)) ? undefined : reason;
  });
}

function objectsAfter(objects: readonly FilterObject[], steps: readonly Step[]): readonly FilterObject[] {
  const after = new Map(objects.map((object) => [keyOf(object), object]));
  for (const { action, object } of steps) {
    if (action === 'remove') after.delete(keyOf(object));
    else if (isFilter(object)) after.set(keyOf(object), object);
  }
  return [...after.values()];
}

const isHomeless = ({ action, object }: Step): boolean =>
  action !== 'remove' && object.kind === 'jump' && !hasHook(object);

async function applyNft(now: Snapshot, steps: readonly Step[]): Promise<Reason[]> {
  const objects = objectsAfter(
    now.objects,
    steps.filter((step) => !isHomeless(step)),
  );
  // nft reads no program from a socket, which is what a child's stdin is; it takes one as an argument.
  const { exitCode, stderr } = await tryTool('nft', [nftText(objects)]);
  const refusal = exitCode === 0 ? undefined : `nft: ${stderr.trim().replace(/\s+/g, ' ')}`;
  return steps.map((step) => (isHomeless(step) ? 'there is no such chain without iptables' : refusal));
}

/** The filters of one kernel. Methods reject with TOOL_MISSING (neither iptables nor nft) and TOOL_FAILED. */
export interface Filters {
  /** Our chains and jumps into `state`. */
  observe(kinds: ReadonlySet<Kind>, state: Map<string, Observed>): Promise<void>;
  /** Which tool the rules belong into, and whether Docker has its chain for the administrator there. */
  facts(seen?: boolean): Promise<FilterFacts>;
  /** The lane of chains and jumps. */
  readonly lane: Lane;
}

export function filters(): Filters {
  let tools: Promise<Tools> | undefined;
  /** The last look: a plan is made from one, so neither its facts nor its application need another. */
  let last: Snapshot | undefined;

  const toolsNow = (): Promise<Tools> => {
    tools ??= findTools();
    return tools;
  };
  async function snapshot(): Promise<Snapshot> {
    last = await look(await toolsNow());
    return last;
  }

  async function apply(steps: readonly Step[]): Promise<Reason[]> {
    const chosen = (last ?? (await snapshot())).variant;
    if (chosen === 'nft') return applyNft(await snapshot(), steps);
    return applyIptables(toolOf(await toolsNow(), chosen, 'restore'), steps, snapshot);
  }

  return {
    async observe(kinds, state) {
      for (const object of (await snapshot()).objects) {
        if (kinds.has(object.kind)) state.set(keyOf(object), { object, ours: true, owner: OWN.comment });
      }
    },
    async facts(seen = false) {
      const { variant, chains } = (seen ? last : undefined) ?? (await snapshot());
      return { variant, dockerUser: chains.has('filter/DOCKER-USER') };
    },
    lane: async (steps) => {
      const refusals = steps.map((step) => refusalOf(step.object));
      const writable = steps.filter((_, i) => refusals[i] === undefined);
      const reasons = writable.length === 0 ? [] : await apply(writable);
      const byStep = new Map(writable.map((step, i) => [step, reasons[i]]));
      return steps.map((step, i) => refusals[i] ?? byStep.get(step));
    },
  };
}
