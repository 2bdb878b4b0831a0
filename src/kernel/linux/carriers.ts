/** The lane of carriers and their tables: handed to the forwarder, which is the only one who knows what runs. */
import type { Forwarder } from '../../forwarder/forwarder.ts';
import type { Lane } from '../runs.ts';
import { type Carrier, type Forward, keyOf, type Observed, OWN, type Step } from '../state.ts';

/** The carrier that runs and its table; nothing without a forwarder (a command that only looks from outside the daemon). */
export function observeCarriers(forwarder: Forwarder | undefined, state: Map<string, Observed>): void {
  const running = forwarder?.running();
  for (const object of running ? [running.carrier, ...running.forwards] : []) {
    state.set(keyOf(object), { object, ours: true, owner: OWN.comment });
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

async function run(forwarder: Forwarder, steps: readonly Step[], table: readonly Forward[]): Promise<void> {
  const carrier = steps.findLast((step) => step.object.kind === 'carrier');
  if (carrier?.action === 'remove') return forwarder.stop();
  if (carrier) await forwarder.start(carrier.object as Carrier);
  if (forwarder.running()) forwarder.setForwards(table);
}

/**
 * A lane for one plan: entries that come before their carrier (the source check stands before the tunnel) wait for it here.
 * The table is set once a run, not once an entry.
 */
export function carrierLane(forwarder: Forwarder | undefined): Lane {
  let table: ReadonlyMap<string, Forward> = new Map(forwarder?.running()?.forwards.map((one) => [keyOf(one), one]));
  return async (steps) => {
    if (!forwarder) return steps.map(() => 'packets are forwarded by the daemon only');
    table = tableAfter(table, steps);
    await run(forwarder, steps, [...table.values()]);
    return steps.map(() => undefined);
  };
}
