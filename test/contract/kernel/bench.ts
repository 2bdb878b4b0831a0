/** What the parts of the contract are written with. */
import assert from 'node:assert/strict';
import { printObject } from '../../../src/kernel/print.ts';
import type { Kernel, KernelObject, KernelState, Kind, Plan, Step, StepOutcome } from '../../../src/kernel/state.ts';
import { PATHS, SYSCTLS } from './objects.ts';

/** A host with `eth0` up at 10.200.0.1/24, and nothing of ours. */
export interface KernelBench {
  readonly kernel: Kernel;
  /** Another program makes the object. */
  foreign(object: KernelObject): Promise<void>;
  /** Another program takes it away. */
  removeBehindBack(object: KernelObject): Promise<void>;
  close(): Promise<void>;
}

export const step = (action: Step['action'], object: KernelObject, previous?: KernelObject): Step => ({
  action,
  object,
  ...(previous && { previous }),
  because: 'the test',
});
export const create = (...objects: KernelObject[]): Plan => objects.map((object) => step('create', object));
export const remove = (...objects: KernelObject[]): Plan => objects.map((object) => step('remove', object, object));
export const wanted = (objects: readonly KernelObject[]) => objects.map((object) => ({ object, because: 'the test' }));
export const results = (outcomes: readonly StepOutcome[]): string[] => outcomes.map(({ result }) => result);

/** A fresh bench for each test of the block it is called in. */
export function benches(open: () => Promise<KernelBench>) {
  let bench: KernelBench;
  beforeEach(async () => {
    bench = await open();
  });
  afterEach(() => bench.close());
  const observe = (kinds?: readonly Kind[]): Promise<KernelState> =>
    bench.kernel.observe({ paths: PATHS, sysctls: SYSCTLS, ...(kinds && { kinds: new Set(kinds) }) });
  return {
    kernel: (): Kernel => bench.kernel,
    foreign: (object: KernelObject) => bench.foreign(object),
    removeBehindBack: (object: KernelObject) => bench.removeBehindBack(object),
    observe,
    /** What is ours, as text, in a fixed order. */
    ours: async (kinds?: readonly Kind[]): Promise<string[]> =>
      [...(await observe(kinds)).values()]
        .filter((one) => one.ours)
        .map((one) => printObject(one.object))
        .sort(),
    /** Applies the plan, all of which has to succeed. */
    async done(plan: Plan): Promise<void> {
      const outcomes = await bench.kernel.apply(plan);
      const others = outcomes.filter(({ result }) => result !== 'done');
      assert.deepEqual(
        others.map(({ step: { object }, result, error }) => [printObject(object), result, error]),
        [],
      );
    },
    /** Applies the plan, whose last step has to fail for this reason. */
    async refused(plan: Plan, reason: RegExp): Promise<void> {
      const last = (await bench.kernel.apply(plan)).at(-1);
      assert.equal(last?.result, 'failed', last && printObject(last.step.object));
      assert.match(last.error ?? '', reason);
    },
  };
}

export type Benches = ReturnType<typeof benches>;
