import type { SocketAddress } from './sockets.ts';

/** Words of the memory that the threads of one measurement share. */
export const FLAG = { go: 0, stop: 1 } as const;
export const FLAGS_BYTES = 8;

/** How long a call on a socket may take before the thread looks at the flags again. */
export const WAKE_MS = 100;
/** The first moments of a TCP stream are not counted. */
export const WARM_UP_MS = 300;
/** Bytes that open a stream, so that nobody else's connection is counted. */
export const TOKEN_BYTES = 16;

interface Common {
  readonly flags: SharedArrayBuffer;
  /** How long it sends after `go`; a receiver ends by `stop` or EOF, and some seconds later at the latest. */
  readonly ms: number;
}

export interface TcpSendJob extends Common {
  readonly kind: 'tcp-send';
  readonly from: number;
  readonly to: SocketAddress;
  readonly token: Uint8Array;
  /** Congestion control, where not the system's. */
  readonly congestion: string | undefined;
}
export interface TcpReceiveJob extends Common {
  readonly kind: 'tcp-receive';
  /** A listening socket. */
  readonly fd: number;
  readonly token: Uint8Array;
}
export interface DatagramJob<K extends 'udp-receive' | 'echo' | 'round-trip'> extends Common {
  readonly kind: K;
  /** A connected socket. */
  readonly fd: number;
}
export interface UdpSendJob extends Common {
  readonly kind: 'udp-send';
  readonly fd: number;
  readonly size: number;
  readonly rate: number;
}

/** What one thread does. */
export type Job =
  | TcpSendJob
  | TcpReceiveJob
  | UdpSendJob
  | DatagramJob<'udp-receive'>
  | DatagramJob<'echo'>
  | DatagramJob<'round-trip'>;

/** What it found out; fields by kind. */
export interface Results {
  readonly 'tcp-send': { readonly retransmits: number };
  readonly 'tcp-receive': { readonly bytes: number; readonly bitsPerSecond: number };
  readonly 'udp-send': { readonly sent: number; readonly ms: number };
  readonly 'udp-receive': { readonly received: number; readonly overflowed: number };
  readonly echo: { readonly answered: number };
  readonly 'round-trip': { readonly times: Float64Array; readonly unanswered: number };
}
export type ResultOf<J extends Job> = Results[J['kind']];

/** What is left to do when all is prepared. */
export type Work<K extends keyof Results> = (isStopped: () => boolean) => Results[K];

/** First `ready` (its sockets are open), then the result; or why there is none. */
export type WorkerMessage = 'ready' | { readonly result: unknown } | { readonly error: string };
