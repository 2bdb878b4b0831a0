/**
 * kernel/memory/ is a fake host for tests: the Kernel contract without a kernel, with hooks to be a vandal. It keeps what the real
 * one keeps, refuses what the real one refuses, and must not know more than the contract suite proves of both.
 */
import { type Carriers, carrierLane, observeCarriers } from '../carriers.ts';
import { collateral, mustBeMadeAnew } from '../links.ts';
import { printObject } from '../print.ts';
import { applyInRuns, type Lane } from '../runs.ts';
import type {
  FilterFacts,
  Kernel,
  KernelObject,
  KernelState,
  Kind,
  Observed,
  ObserveQuery,
  Plan,
  Step,
} from '../state.ts';
import { keyOf } from '../state.ts';
import { fakeCarriers } from './carriers.ts';
import { fakeHost, type Host, ownerOf } from './host.ts';

/** A fake kernel and what other programs do to it. */
export interface MemoryKernel extends Kernel {
  /** Another program makes the object, or changes it; throws when the kernel would refuse it. Rings. */
  foreign(object: KernelObject): void;
  /** Another program takes the object away. Rings. */
  removeBehindBack(key: string): void;
  /** From now on every step on this key fails for this reason; `undefined`: no longer. */
  refuse(key: string, reason: string | undefined): void;
}

type Bell = (kinds: ReadonlySet<Kind>) => void;

/** A change of a link takes these with it. */
const WITH_LINK: readonly Kind[] = ['link', 'address', 'route', 'neighbour', 'fdb'];
const CARRIED: ReadonlySet<Kind> = new Set(['carrier', 'forward']);
const SILENT: ReadonlySet<Kind> = new Set(['sysctl', 'file', 'carrier', 'forward']);

/** Our table of the packet filter is there whole. */
const CHECKED: ReadonlySet<Kind> = new Set(['guard', 'source']);

const rungBy = (kind: Kind): ReadonlySet<Kind> => {
  if (SILENT.has(kind)) return new Set();
  if (kind === 'chain' || kind === 'jump') return new Set(['chain', 'jump']);
  if (CHECKED.has(kind)) return CHECKED;
  if (kind === 'address') return new Set(['address', 'route']);
  return new Set(kind === 'link' ? WITH_LINK : [kind]);
};

const isEntry = (object: KernelObject): boolean => object.kind === 'neighbour' || object.kind === 'fdb';

/** Of filters the contract shows ours alone, of neighbours and forwarding entries those on our devices. */
const isShown = (object: KernelObject, ours: boolean): boolean =>
  ours || !(isEntry(object) || object.kind === 'chain' || object.kind === 'jump');

function observe(host: Host, query: ObserveQuery): Map<string, Observed> {
  const state = new Map<string, Observed>();
  for (const [key, object] of host.objects) {
    if (query.kinds && !query.kinds.has(object.kind)) continue;
    if (object.kind === 'sysctl' && !query.sysctls.includes(object.name)) continue;
    if (object.kind === 'file' && !query.paths.includes(object.path)) continue;
    const owner = ownerOf(host, object);
    if (isShown(object, owner.ours)) state.set(key, { object, ...owner });
  }
  return state;
}

function create(host: Host, object: KernelObject): string | undefined {
  // A permanent entry takes the place of a learnt one, a chain of ours is written whole, a setting is always there.
  const mayStand = isEntry(object) || object.kind === 'chain' || object.kind === 'sysctl' || object.kind === 'file';
  if (!mayStand && host.objects.has(keyOf(object))) return 'file already exists (EEXIST)';
  return host.put(object);
}

function replace(host: Host, step: Step): string | undefined {
  const { object, previous } = step;
  const isAnew = object.kind === 'link' && previous?.kind === 'link' && mustBeMadeAnew(previous, object);
  if (isAnew) host.drop(keyOf(previous));
  return host.put(object);
}

function applyStep(host: Host, step: Step): string | undefined {
  if (step.action === 'create') return create(host, step.object);
  if (step.action === 'replace') return replace(host, step);
  return remove(host, step.previous ?? step.object);
}

/** A setting has no "gone", and a route of another program under the same key is not the one that was meant. */
function remove(host: Host, object: KernelObject): string | undefined {
  const found = host.objects.get(keyOf(object));
  const isOther = found?.kind === 'route' && printObject(found) !== printObject(object);
  return object.kind === 'sysctl' || isOther ? undefined : host.drop(keyOf(object));
}

/** Bells of all monitors, rung as the kernel rings them: a little later. */
function tower(): {
  readonly ring: (kinds: ReadonlySet<Kind>) => void;
  readonly hang: (bell: Bell) => { close(): void };
  readonly clear: () => void;
} {
  const bells = new Set<Bell>();
  return {
    ring(kinds) {
      if (kinds.size === 0) return;
      for (const bell of bells) setImmediate(() => bells.has(bell) && bell(kinds));
    },
    hang(bell) {
      const own: Bell = (kinds) => bell(kinds);
      bells.add(own);
      return { close: () => void bells.delete(own) };
    },
    clear: () => bells.clear(),
  };
}

/** A fresh fake host, with a fake of the forwarder unless one is given. */
export function memoryKernel({ forwarder = fakeCarriers() }: { readonly forwarder?: Carriers } = {}): MemoryKernel {
  const host = fakeHost();
  const refused = new Map<string, string>();
  const { ring, hang, clear } = tower();
  /** A lane of its own for each step: none here gains by going together. */
  const lane = (): Lane => async (steps) =>
    steps.map((step) => refused.get(keyOf(step.object)) ?? applyStep(host, step));

  async function observeAll(query: ObserveQuery): Promise<KernelState> {
    const state = observe(host, query);
    observeCarriers(forwarder, query.kinds ?? CARRIED, state);
    return state;
  }

  async function apply(plan: Plan) {
    const carriers = carrierLane(forwarder);
    const outcomes = await applyInRuns(plan, ({ kind }) =>
      kind === 'carrier' || kind === 'forward' ? carriers : lane(),
    );
    ring(collateral(outcomes));
    return outcomes;
  }

  return {
    observe: observeAll,
    apply,
    filterFacts: async (): Promise<FilterFacts> => ({
      variant: 'iptables-nft',
      dockerUser: host.objects.has('jump/filter/FORWARD/DOCKER-USER'),
    }),
    sourceCounters: async () => undefined,
    monitor: hang,
    close: async () => clear(),
    foreign(object) {
      const refusal = host.put(object);
      if (refusal !== undefined) throw new Error(`${keyOf(object)}: ${refusal}`);
      ring(rungBy(object.kind));
    },
    removeBehindBack(key) {
      const kind = host.objects.get(key)?.kind;
      host.drop(key);
      if (kind) ring(rungBy(kind));
    },
    refuse(key, reason) {
      if (reason === undefined) refused.delete(key);
      else refused.set(key, reason);
    },
  };
}
