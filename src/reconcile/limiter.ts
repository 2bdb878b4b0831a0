import { printObject } from '../kernel/print.ts';
import { keyOf, type Plan, type Step } from '../kernel/state.ts';

/** An object that somebody else keeps changing back. */
export interface Fight {
  readonly key: string;
  readonly restores: number;
}

/** At most one restore per object per 5 s: two programs that restore each other's wishes at full speed help nobody. */
export interface Limiter {
  /** Splits a plan into what may be applied now and what has to wait. */
  admit(plan: Plan, now: number): { readonly now: Plan; readonly waitMs: number };
  /** Notes what was applied. */
  applied(step: Step, now: number): void;
  fights(): readonly Fight[];
}

const PAUSE_MS = 5_000;
const FORGET_MS = 60_000;

interface Memory {
  readonly text: string;
  restoredAt: number;
  restores: number;
}

const key = (step: Step): string => keyOf(step.object);

/** No history yet. */
export function createLimiter(): Limiter {
  const memory = new Map<string, Memory>();

  const isRestore = (step: Step): Memory | undefined => {
    const known = memory.get(key(step));
    return known && step.action !== 'remove' && known.text === printObject(step.object) ? known : undefined;
  };

  const waitFor = (step: Step, now: number): number => {
    const known = isRestore(step);
    return known && known.restores > 0 ? Math.max(0, known.restoredAt + PAUSE_MS - now) : 0;
  };

  return {
    admit(plan, now) {
      const waits = plan.map((step) => waitFor(step, now));
      return { now: plan.filter((_, i) => waits[i] === 0), waitMs: Math.max(0, ...waits.filter((ms) => ms > 0)) };
    },
    applied(step, now) {
      const known = isRestore(step);
      if (known) {
        known.restores = now - known.restoredAt > FORGET_MS ? 1 : known.restores + 1;
        known.restoredAt = now;
      } else if (step.action === 'remove') {
        memory.delete(key(step));
      } else {
        memory.set(key(step), { text: printObject(step.object), restoredAt: now, restores: 0 });
      }
    },
    fights: () =>
      [...memory].filter(([, { restores }]) => restores > 1).map(([name, { restores }]) => ({ key: name, restores })),
  };
}
