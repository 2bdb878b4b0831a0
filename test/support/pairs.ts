import type { PairReport } from '../../src/model/connectivity.ts';
import { until } from './until.ts';

/** Measures once more while something was lost: on a busy machine an answer is late, which counts as lost and is no fault of the path. */
export async function withoutLoss(measure: () => Promise<readonly PairReport[]>): Promise<readonly PairReport[]> {
  let pairs: readonly PairReport[] = [];
  const isWhole = async (): Promise<boolean> => {
    pairs = await measure();
    return !pairs.some(({ cause = '' }) => / were lost/.test(cause));
  };
  await until('nothing is lost', isWhole).catch(() => {});
  return pairs;
}
