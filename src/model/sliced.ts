/**
 * Long work in slices: a pure function over thousands of entries yields now and then, and who calls it says whether others get their turn
 * there. The process must answer (renewals, the control socket, health) while a large cluster is looked at.
 */
export type Sliced<T> = Generator<undefined, T, undefined>;

/** Entries of one slice: a lease costs some 20 µs from its JSON to what the kernel is to have. */
export const SLICE = 250;

/** All of it now. */
export function atOnce<T>(work: Sliced<T>): T {
  let step = work.next();
  while (!step.done) step = work.next();
  return step.value;
}

/** Timers and sockets get their turn after each slice; work of one slice is done before this returns. */
export async function inTurns<T>(work: Sliced<T>): Promise<T> {
  let step = work.next();
  while (!step.done) {
    await new Promise((resolve) => setImmediate(resolve));
    step = work.next();
  }
  return step.value;
}

/** Does this for each of them, a slice at a time. */
export function* eachSliced<T>(items: Iterable<T>, act: (item: T) => void): Sliced<void> {
  let left = SLICE;
  for (const item of items) {
    if (left-- === 0) {
      left = SLICE - 1;
      yield;
    }
    act(item);
  }
}
