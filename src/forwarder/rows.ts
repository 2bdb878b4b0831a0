import type { Forward } from '../kernel/state.ts';
import type { Row } from './table.ts';

/** Adds the row unless it is empty. */
const add = (rows: Row[], row: Row, first: number, last: number): void => {
  if (first <= last) rows.push({ ...row, first, last });
};

/**
 * Ranges that may lie within one another (never cross: they were prefixes) as disjoint ones in order; the narrower wins where two hold an
 * address, as in the kernel's routing table. Of two equal ones the later wins.
 */
export function flatten(nested: readonly Row[]): Row[] {
  const sorted = [...nested].sort((a, b) => a.first - b.first || b.last - a.last);
  const rows: Row[] = [];
  const open: Row[] = [];
  let next = 0;
  const close = (row: Row): void => {
    add(rows, row, next, row.last);
    next = Math.max(next, row.last + 1);
  };
  for (const row of sorted) {
    while (open.length > 0 && open.at(-1)!.last < row.first) close(open.pop()!);
    const outer = open.at(-1);
    if (outer) add(rows, outer, next, row.first - 1);
    next = row.first;
    open.push(row);
  }
  while (open.length > 0) close(open.pop()!);
  return rows;
}

/** Rows of these forwards; `peerOf` names the counters of each. IPv6 has no place in this wire format. */
export const rowsOf = (forwards: readonly Forward[], peerOf: (forward: Forward) => number): Row[] =>
  flatten(
    forwards
      .filter(({ subnet, nextHop }) => subnet.family === 4 && nextHop.family === 4)
      .map((forward) => {
        const first = Number(forward.subnet.address);
        const last = first + 2 ** (32 - forward.subnet.length) - 1;
        return { first, last, hop: Number(forward.nextHop.value), port: forward.port, peer: peerOf(forward) };
      }),
  );
