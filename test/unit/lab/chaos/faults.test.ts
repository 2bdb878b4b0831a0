import assert from 'node:assert/strict';
import { describeFaults, faultsFor } from '../../../../src/lab/chaos/faults.ts';

/** Rows that compare daemons. */
const COMPARED = [1, 7, 10, 11, 15, 16, 19, 21, 22];

describe('chaos: which faults another daemon can be put to', () => {
  it('has one of each compared row, and says so', () => {
    for (const row of COMPARED) {
      const faults = describeFaults([String(row)]);
      assert.ok(
        faults.some(({ anyDaemon }) => anyDaemon),
        `row ${row}`,
      );
    }
  });

  it('leaves out what only tsflannel can be asked for', () => {
    const to = (own: boolean) => faultsFor([], { backend: 'vxlan', own, former: false }).map(({ name }) => name);
    assert.ok(to(true).includes('down-and-up'));
    assert.ok(!to(false).includes('down-and-up'));
    const said = describeFaults([]).filter(({ anyDaemon }) => anyDaemon);
    assert.deepEqual(
      to(false),
      said.map(({ name }) => name),
    );
  });
});
