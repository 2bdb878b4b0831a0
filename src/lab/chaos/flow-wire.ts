/** What the harness and the ends of the flows say to each other, one JSON document a line. Times are milliseconds of the monotonic clock. */

/** UDP and TCP. */
export const FLOW_PORT = 9000;

/** A container to send to. */
export interface Target {
  readonly id: number;
  readonly ip: string;
}

/** Numbers of packets, `first` to before `end`. */
export type Range = readonly [first: number, end: number];

/** Those of each sender. */
export type Ranges = Readonly<Record<number, Range>>;

export type FlowQuestion =
  | { readonly ask: 'send'; readonly targets: readonly Target[] }
  /** Opens the long stream to this address, or ends it. */
  | { readonly ask: 'stream'; readonly to?: string }
  /** Forget what came. */
  | { readonly ask: 'reset' }
  /** How many were sent, by target. */
  | { readonly ask: 'mark' }
  /** When the latest packet that came was sent, by sender. */
  | { readonly ask: 'heard' }
  /** What came of these, by sender. */
  | { readonly ask: 'collect'; readonly ranges: Ranges };

/** Packets that did not come, one after the other: `from` and `to` are when those around them were sent. */
export interface Hole {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

export interface Arrived {
  readonly received: number;
  readonly repeated: number;
  /** Meant for another. */
  readonly strayed: number;
  /** Sent to an address that was another's, and is this one's by now: a subnet was leased by another node before the sender heard of it. */
  readonly overtaken: number;
  /** The longest ones, the longest first. */
  readonly holes: readonly Hole[];
  /** When the last hole ended; 0 without holes. */
  readonly lostUntil: number;
}

export interface StreamSeen {
  /** How often it broke and was opened again. */
  readonly resets: number;
  readonly stallMs: number;
}

export interface FlowAnswer {
  readonly marks?: Readonly<Record<number, number>>;
  /** Datagrams this end was too slow for, since its start: told before any sender is asked for its mark, and when all was collected. */
  readonly overflowed?: number;
  readonly heard?: Readonly<Record<number, number>>;
  readonly arrived?: Readonly<Record<number, Arrived>>;
  readonly stream?: StreamSeen;
}
