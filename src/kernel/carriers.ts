/** The lane of carriers and their tables, for every kernel: handed to the program that forwards, which alone knows what runs. Pure. */
import type { Lane } from './runs.ts';
import { type Carrier, type Forward, type Kind, keyOf, type Observed, OWN, type Step } from './state.ts';

/** What a kernel needs of a forwarder (forwarder/ is one; tests have a fake). */
export interface Carriers {
  /** Starts, or starts anew when the carrier differs from the running one. */
  start(carrier: Carrier): Promise<void>;
  /** Replaces the whole table, also that of a carrier which is started next. */
  setForwards(forwards: readonly Forward[]): void;
  /** `undefined`: nothing runs. */
  running(): { readonly carrier: Carrier; readonly forwards: readonly Forward[] } | undefined;
  stop(): Promise<void>;
  /** Calls `listener` when what ran has ended by itself; returns what ends that. Absent where nothing ends so. */
  onEnd?(listener: () => void): () => void;
}

/** The carrier that runs and its table; nothing without one (a command that only looks, beside the daemon). */
export function observeCarriers(
  carriers: Carriers | undefined,
  kinds: ReadonlySet<Kind>,
  state: Map<string, Observed>,
): void {
  const running = carriers?.running();
  for (const object of running ? [running.carrier, ...running.forwards] : []) {
    if (kinds.has(object.kind)) state.set(keyOf(object), { object, ours: true, owner: OWN.comment });
  }
}

/** The table after these steps. */
function tableAfter(table: ReadonlyMap<string, Forward>, steps: readonly Step[]): Map<string, Forward> {
  const after = new Map(table);
  for (const { action, object } of steps) {
    if (object.kind !== 'forward') continue;
    if (action === 'remove') after.delete(keyOf(object));
    else after.set(keyOf(object), object);
  }
  return after;
}

async function run(carriers: Carriers, steps: readonly Step[], table: readonly Forward[]): Promise<void> {
  const carrier = steps.findLast((step) => step.object.kind === 'carrier');
  if (carrier?.action === 'remove') return carriers.stop();
  // Before the start, so that its first packet finds a table, and after it: another device begins with an empty one.
  if (carrier) {
    carriers.setForwards(table);
    await carriers.start(carrier.object as Carrier);
  }
  if (carriers.running()) carriers.setForwards(table);
}

/**
 * A lane for one plan: entries that come before their carrier wait for it here. The table is set once a run, not once an entry.
 */
export function carrierLane(carriers: Carriers | undefined): Lane {
  let table: ReadonlyMap<string, Forward> = new Map(carriers?.running()?.forwards.map((one) => [keyOf(one), one]));
  return async (steps) => {
    if (!carriers) return steps.map(() => 'packets are forwarded by the daemon only');
    table = tableAfter(table, steps);
    await run(carriers, steps, [...table.values()]);
    return steps.map(() => undefined);
  };
}
