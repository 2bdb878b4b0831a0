/** The contract of Kernel, for the real one and the fake one alike. */
import { benches, type KernelBench } from './bench.ts';
import { filterContract } from './part-filter.ts';
import { routeContract } from './part-route.ts';
import { wholeContract } from './part-whole.ts';

/** Runs it on benches that `open` makes, one for each test. */
export function kernelContract(name: string, open: () => Promise<KernelBench>): void {
  describe(`kernel contract: ${name}`, () => {
    const all = benches(open);
    wholeContract(all);
    routeContract(all);
    filterContract(all);
  });
}
