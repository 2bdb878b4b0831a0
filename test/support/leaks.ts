/** The last line of every test that touches a host; the chaos lab looks with the same eyes. */
import assert from 'node:assert/strict';
import { difference, type Snapshot } from '../../src/lab/snapshot.ts';
import { until } from './until.ts';

export { commandsOnly, difference, type Snapshot, type SnapshotOptions, snapshot } from '../../src/lab/snapshot.ts';

/** What was killed a moment ago may take a moment to be gone. */
const GONE_MS = 10_000;

/** Fails with what has come or gone since, unless that is over soon. `except` are lines that may come or go. */
export async function leftNothing(
  before: Snapshot,
  look: () => Promise<Snapshot>,
  message?: string,
  except: readonly RegExp[] = [],
): Promise<void> {
  let left = '';
  const isClean = async (): Promise<boolean> => {
    left = difference(before, await look(), except);
    return left === '';
  };
  await until('nothing is left', isClean, GONE_MS).catch(() => assert.equal(left, '', message));
}
