/**
 * Packet filters: chains and jumps of ours in whichever tool Docker's rules are in, so that theirs and ours are seen by the same
 * packets in the order we mean; what of ours is in another tool goes. One process looks, one changes.
 */
import { FLANNELD } from '../adopt.ts';
import type { Lane } from '../runs.ts';
import { type FilterFacts, type FilterVariant, type Kind, keyOf, type Observed, OWN, type Step } from '../state.ts';
import { type FilterObject, isFlannelds, refusalOf, restoreText } from './filter-iptables.ts';
import { createLooker, type Looker, type Snapshot, toolOf } from './filter-look.ts';
import { hasHook, isFilter, nftText } from './filter-nft.ts';
import { refusalIn, tryNft } from './nft.ts';
import { tryTool } from './tool.ts';

type Reason = string | undefined;

/** Told of each program that changes filters for us. */
type Started = (pid: number) => void;

async function restore(tool: string, steps: readonly Step[], started: Started): Promise<Reason> {
  const { exitCode, stderr } = await tryTool(tool, ['--noflush', '--wait=10'], { input: restoreText(steps), started });
  return exitCode === 0 ? undefined : `${tool}: ${stderr.trim().replace(/\s+/g, ' ') || `exit status ${exitCode}`}`;
}

/** What a change is made with. */
interface Change {
  readonly looker: Looker;
  readonly now: Snapshot;
  readonly started: Started;
}

/** All steps in one transaction; only if that is refused, one by one, to learn which of them it was. */
async function applyIptables(tool: string, steps: readonly Step[], { looker, started }: Change): Promise<Reason[]> {
  if ((await restore(tool, steps, started)) === undefined) return steps.map(() => undefined);
  const reasons: Reason[] = [];
  for (const step of steps) reasons.push(await restore(tool, [step], started));
  const left = new Set((await looker.look()).objects.map(keyOf));
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

async function applyNft(steps: readonly Step[], { looker, now, started }: Change): Promise<Reason[]> {
  const { objects } = now.variant === 'nft' ? await looker.look() : now;
  const after = objectsAfter(
    objects.filter(({ stray }) => now.variant === 'nft' || stray === 'nft'),
    steps.filter((step) => !isHomeless(step)),
  );
  const refusal = refusalIn(await tryNft(nftText(after), [], started));
  return steps.map((step) => (isHomeless(step) ? 'there is no such chain without iptables' : refusal));
}

/** Each step in the tool its object is in. */
async function applyAll(steps: readonly Step[], change: Change): Promise<ReadonlyMap<Step, Reason>> {
  const { now } = change;
  const variantOf = ({ object }: Step): FilterVariant => (isFilter(object) ? object.stray : undefined) ?? now.variant;
  const reasons = new Map<Step, Reason>();
  for (const [variant, mine] of Map.groupBy(steps, variantOf)) {
    const given =
      variant === 'nft'
        ? await applyNft(mine, change)
        : await applyIptables(toolOf(now.plain, variant, 'restore'), mine, change);
    for (const [i, step] of mine.entries()) reasons.set(step, given[i]);
  }
  return reasons;
}

/** The filters of one kernel. Methods reject with TOOL_MISSING (neither iptables nor nft) and TOOL_FAILED. */
export interface Filters {
  /** Our chains and jumps into `state`. */
  observe(kinds: ReadonlySet<Kind>, state: Map<string, Observed>): Promise<void>;
  /** Which tool the rules belong into, and whether Docker has its chain for the administrator there. */
  facts(seen?: boolean): Promise<FilterFacts>;
  /** The lane of chains and jumps. */
  readonly lane: Lane;
  /** For whoever listens: the pid of each program that changes filters for us, before it does. */
  onChild(started: Started): () => void;
  /** As Looker's. */
  isStale(): Promise<boolean>;
  /** The tool of the last look. */
  variant(): FilterVariant | undefined;
}

export function filters(): Filters {
  const looker = createLooker();
  const ears = new Set<Started>();
  const started: Started = (pid) => {
    for (const ear of ears) ear(pid);
  };

  return {
    async observe(kinds, state) {
      for (const object of (await looker.look()).objects) {
        const ours = !isFlannelds(object);
        if (kinds.has(object.kind)) state.set(keyOf(object), { object, ours, owner: ours ? OWN.comment : FLANNELD });
      }
    },
    async facts(seen = false) {
      const { variant, dockerUser } = (seen ? looker.last() : undefined) ?? (await looker.look());
      return { variant, dockerUser };
    },
    lane: async (steps) => {
      const refusals = steps.map(refusalOf);
      const writable = steps.filter((_, i) => refusals[i] === undefined);
      // A plan is made from the last look, so its application needs no other.
      const now = looker.last() ?? (await looker.look());
      const reasons = await applyAll(writable, { looker, now, started });
      return steps.map((step, i) => refusals[i] ?? reasons.get(step));
    },
    onChild(ear) {
      ears.add(ear);
      return () => void ears.delete(ear);
    },
    isStale: () => looker.isStale(),
    variant: () => looker.last()?.variant,
  };
}
