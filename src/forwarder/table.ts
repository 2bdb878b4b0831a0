/**
 * The carrier's table: which addresses belong to which peer. The daemon's thread flattens forwards into rows (disjoint ranges in order)
 * and publishes them in shared memory; the worker copies them when the generation has changed. Two halves are used in turn, so that
 * neither side ever waits: a copy is good if the generation is still the same after it.
 */

/** Addresses `first` to `last` belong to the peer at `hop`:`port`; `peer` is the index of its counters. All in host order. */
export interface Row {
  readonly first: number;
  readonly last: number;
  readonly hop: number;
  readonly port: number;
  readonly peer: number;
}

/** Rows at most: all /24 of a /8. */
export const MAX_ROWS = 65_536;

/** The row of whoever has none, and the index of its counters. */
export const NOBODY = MAX_ROWS;

const COLUMNS = ['first', 'last', 'hop', 'port', 'peer', 'hops'] as const;
type Column = (typeof COLUMNS)[number];
type Columns = Readonly<Record<Column, Uint32Array>>;

/** Numbers before the columns: generation, then row and hop counts of each half. */
const HEADER = 16;
const GENERATION = 0;
const ROWS = 2;
const HOPS = 4;

/** Shared memory of one table; pages that are never written take no room. */
export const createSharedTable = (): SharedArrayBuffer =>
  new SharedArrayBuffer(4 * (HEADER + 2 * COLUMNS.length * MAX_ROWS));

function columnsAt(buffer: ArrayBufferLike, start: number): Columns {
  const column = (i: number) => new Uint32Array(buffer, 4 * (start + i * MAX_ROWS), MAX_ROWS);
  return Object.fromEntries(COLUMNS.map((name, i) => [name, column(i)])) as Record<Column, Uint32Array>;
}

const sharedViews = (buffer: SharedArrayBuffer) => ({
  header: new Int32Array(buffer, 0, HEADER),
  halves: [columnsAt(buffer, HEADER), columnsAt(buffer, HEADER + COLUMNS.length * MAX_ROWS)] as const,
});

/** Puts rows (disjoint, in order, at most MAX_ROWS) in place of the former ones. One writer only. */
export function publishRows(buffer: SharedArrayBuffer, rows: readonly Row[]): void {
  const { header, halves } = sharedViews(buffer);
  const generation = Atomics.load(header, GENERATION) + 1;
  const half = generation & 1;
  const columns = halves[half as 0 | 1];
  rows.forEach((row, i) => {
    columns.first[i] = row.first;
    columns.last[i] = row.last;
    columns.hop[i] = row.hop;
    columns.port[i] = row.port;
    columns.peer[i] = row.peer;
  });
  const hops = Uint32Array.from(new Set(rows.map((row) => row.hop))).sort();
  columns.hops.set(hops);
  Atomics.store(header, ROWS + half, rows.length);
  Atomics.store(header, HOPS + half, hops.length);
  Atomics.store(header, GENERATION, generation);
}

/** The worker's own copy; `generation` 0 means that no table has been published yet. */
export interface Table extends Columns {
  generation: number;
  rows: number;
  hopCount: number;
}

export function createTable(): Table {
  const columns = Object.fromEntries(COLUMNS.map((name) => [name, new Uint32Array(MAX_ROWS + 1)])) as Record<
    Column,
    Uint32Array
  >;
  columns.peer[NOBODY] = NOBODY;
  return { ...columns, generation: 0, rows: 0, hopCount: 0 };
}

/** Returns a function that brings `table` up to date with the shared one; costs one load when nothing changed. */
export function tableReader(buffer: SharedArrayBuffer, table: Table): () => void {
  const { header, halves } = sharedViews(buffer);
  const copy = (from: Columns, half: number): void => {
    table.rows = Atomics.load(header, ROWS + half);
    table.hopCount = Atomics.load(header, HOPS + half);
    for (const name of COLUMNS) {
      table[name].set(from[name].subarray(0, name === 'hops' ? table.hopCount : table.rows));
    }
  };
  return () => {
    for (let now = Atomics.load(header, GENERATION); now !== table.generation; ) {
      copy(halves[(now & 1) as 0 | 1], now & 1);
      table.generation = now;
      now = Atomics.load(header, GENERATION);
    }
  };
}

/** How many of the first `count` (ascending) values are not above `value`. */
function countUpTo(values: Uint32Array, count: number, value: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the row that holds the address, or -1. */
export function lookup(table: Table, address: number): number {
  const row = countUpTo(table.first, table.rows, address) - 1;
  return row >= 0 && address <= table.last[row]! ? row : -1;
}

/** Whether some peer sends from this outer address. */
export function isHop(table: Table, address: number): boolean {
  const at = countUpTo(table.hops, table.hopCount, address) - 1;
  return at >= 0 && table.hops[at] === address;
}
