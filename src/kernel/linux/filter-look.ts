/** Which tools hold packet filters here, and what of it is ours: Docker's tool is the right one, what is in another is a stray. */
import { readFile, realpath } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { TsflannelError } from '../../errors.ts';
import type { FilterVariant } from '../state.ts';
import { type FilterObject, parseSave, type SavedFilters } from './filter-iptables.ts';
import { NFT_TABLE, parseNft } from './filter-nft.ts';
import { runTool, tryTool } from './tool.ts';

/** All of ours, in the tool that is the right one now and (as strays) in others. */
export interface Snapshot extends SavedFilters {
  readonly variant: FilterVariant;
  /** What plain `iptables` is; `undefined`: there is none. */
  readonly plain: FilterVariant | undefined;
}

/** The plain names are the ones every installation has. */
export const toolOf = (plain: FilterVariant | undefined, variant: FilterVariant, what: 'save' | 'restore'): string =>
  variant === plain ? `iptables-${what}` : `${variant}-${what}`;

const isMissingTool = (error: unknown): boolean => error instanceof TsflannelError && error.code === 'TOOL_MISSING';

/** The file that `iptables` in PATH really is: it is another one once the alternative was switched. */
async function findProgram(): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const found = await realpath(join(folder, 'iptables')).catch(() => undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function askVariant(): Promise<FilterVariant> {
  const stdout = await runTool('iptables', ['-V']);
  return stdout.includes('nf_tables') ? 'iptables-nft' : 'iptables-legacy';
}

const EMPTY: SavedFilters = { objects: [], chains: new Set(), dockerUser: false };

/** A legacy program asked about a table that is not there would make it; this file names those that are. */
const legacyTables = (): Promise<string> => readFile('/proc/net/ip_tables_names', 'utf8').catch(() => '');

/** What a variant holds; nothing when it is not installed or has no tables in this namespace. */
async function save(plain: FilterVariant, variant: FilterVariant): Promise<SavedFilters> {
  if (variant === 'iptables-legacy' && (await legacyTables()) === '') return EMPTY;
  try {
    return parseSave(await runTool(toolOf(plain, variant, 'save'), []));
  } catch (error) {
    if (isMissingTool(error)) return EMPTY;
    throw error;
  }
}

async function ownTable(): Promise<readonly FilterObject[]> {
  const { exitCode, stdout } = await tryTool('nft', ['-j', 'list', 'table', ...NFT_TABLE]);
  return exitCode === 0 ? parseNft(stdout) : [];
}

/** From the time without iptables; without nft there was none. */
async function ownTableLeft(): Promise<readonly FilterObject[]> {
  try {
    return await ownTable();
  } catch (error) {
    if (isMissingTool(error)) return [];
    throw error;
  }
}

const hasDocker = (saved: SavedFilters): boolean => saved.chains.has('filter/DOCKER');

const strays = (objects: readonly FilterObject[], stray: FilterVariant): FilterObject[] =>
  objects.map((object) => ({ ...object, stray }));

async function lookAt(plain: FilterVariant, before: FilterVariant | undefined): Promise<Snapshot> {
  const other: FilterVariant = plain === 'iptables-nft' ? 'iptables-legacy' : 'iptables-nft';
  const [mine, theirs] = [await save(plain, plain), await save(plain, other)];
  const isTheirs = !hasDocker(mine) && hasDocker(theirs);
  const [chosen, unused] = isTheirs ? [theirs, mine] : [mine, theirs];
  const left = before === undefined || before === 'nft' ? strays(await ownTableLeft(), 'nft') : [];
  return {
    ...chosen,
    plain,
    variant: isTheirs ? other : plain,
    objects: [...chosen.objects, ...strays(unused.objects, isTheirs ? plain : other), ...left],
  };
}

/** Looks, again and again. */
export interface Looker {
  /** Rejects with TOOL_MISSING (neither iptables nor nft) and TOOL_FAILED. */
  look(): Promise<Snapshot>;
  /** The last look. */
  last(): Snapshot | undefined;
  /** Whether the tool was switched or the legacy one came into use since the last look, of which nobody tells; costs no process. */
  isStale(): Promise<boolean>;
}

const signs = async (): Promise<string> => `${await findProgram()} ${await legacyTables()}`;

export function createLooker(): Looker {
  let last: Snapshot | undefined;
  let lastSigns: string | undefined;
  let known: { readonly program: string; readonly variant: FilterVariant } | undefined;

  async function plainNow(): Promise<FilterVariant | undefined> {
    const program = await findProgram();
    if (program === undefined) return undefined;
    if (known?.program !== program) known = { program, variant: await askVariant() };
    return known.variant;
  }

  return {
    async look() {
      lastSigns = await signs();
      const plain = await plainNow();
      last = plain
        ? await lookAt(plain, last?.variant)
        : { ...EMPTY, plain, variant: 'nft', objects: await ownTable() };
      return last;
    },
    last: () => last,
    isStale: async () => lastSigns !== undefined && lastSigns !== (await signs()),
  };
}
