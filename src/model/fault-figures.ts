/** What a fault may cost. Milliseconds; `Infinity` where only an end is asked for. */
export interface Budget {
  /** Longest time without a packet between any two containers; 0: no packet is lost. */
  readonly gapMs: number;
  /** From the end of the fault until every node has what it wants and every pair is answered. */
  readonly healMs: number;
  /** Share of all packets that may be lost. */
  readonly lostShare?: number;
}

/** What one fault cost. */
export interface FaultResult {
  readonly row: number;
  readonly name: string;
  readonly sent: number;
  readonly lost: number;
  /** Packets that came twice, or to another than the one they were for. */
  readonly repeated: number;
  readonly gapMs: number;
  readonly healMs: number;
  /** All was well in the end; if not, `healMs` is how long it was waited for. */
  readonly healed: boolean;
  /** The long TCP stream: how often it broke, and its longest silence. */
  readonly resets: number;
  readonly stallMs: number;
  /** Lines that a host shows now and did not before, or the other way round. */
  readonly leaks: readonly string[];
  /** Subnets that two nodes had at once, and reads of subnet.env that were neither absent nor whole. */
  readonly duplicates: number;
  /** How long the fault itself took. */
  readonly tookMs: number;
  readonly budget: Budget;
  /** Figures of the fault's own, as `CPU 0.4 %`. */
  readonly notes: readonly string[];
  /** What is out of its budget, and what was found not to be as promised; empty: well. */
  readonly failures: readonly string[];
}
