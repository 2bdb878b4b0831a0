import { faultTests } from '../support/chaos.ts';

/** Rows of the fault matrix (docs/reliability.md) that CI has time for; `tsflannel lab chaos` runs all. */
const ROWS = ['1', '3', '16'];

for (const backend of ['vxlan', 'udp', 'host-gw'] as const)
  describe(`what goes wrong in the field: ${backend}`, () => faultTests(backend, ROWS));
