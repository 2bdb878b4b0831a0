/**
 * store/ knows etcd as a key-value store with revisions (Kv) and, above it, flannel's schema (Store) and the view folded from it.
 * It must not know the kernel, backends or files. Everything it hands up is parsed; everything it writes is a guarded transaction.
 *
 * Kv is the small part of etcd that tsflannel uses. Three implementations pass one contract suite (test/contract/kv.ts):
 * etcd/ (our gRPC transport), etcd3/ (the etcd3 package) and memory/ (for tests and the simulator).
 * Revisions and lease ids are bigint here; keys and values are text (UTF-8).
 */

import { TsflannelError } from '../errors.ts';

export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
  readonly version: bigint;
  /** 0n: the key has no TTL. */
  readonly lease: bigint;
}

/** A list by its keys. */
export const byKey = (kvs: readonly KeyValue[]): Map<string, KeyValue> => new Map(kvs.map((kv) => [kv.key, kv]));

export interface RangeResult {
  readonly kvs: readonly KeyValue[];
  /** Store revision at which the range was read. */
  readonly revision: bigint;
  readonly clusterId: bigint;
}

export type Compare =
  /** 0n: the key must not exist. */
  | { readonly target: 'create' | 'mod'; readonly key: string; readonly revision: bigint }
  | { readonly target: 'lease'; readonly key: string; readonly lease: bigint };

export type Op =
  | { readonly op: 'put'; readonly key: string; readonly value: string; readonly lease?: bigint }
  | { readonly op: 'delete'; readonly key: string };

export interface TxnResult {
  readonly succeeded: boolean;
  readonly revision: bigint;
}

/** Raw frames of one watch stream, as etcd sends them; the algorithm above them is store/watcher.ts. */
export interface WatchFrame {
  readonly created: boolean;
  readonly canceled: boolean;
  /** Not 0n: the revision asked for was compacted away; this is the oldest one left. */
  readonly compactRevision: bigint;
  readonly revision: bigint;
  readonly clusterId: bigint;
  readonly events: readonly WatchEvent[];
}

export type WatchEvent =
  | { readonly type: 'put'; readonly kv: KeyValue }
  | { readonly type: 'delete'; readonly key: string; readonly modRevision: bigint };

export interface WatchStream {
  close(): void;
}

export interface MemberInfo {
  readonly id: bigint;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

export interface MemberStatus {
  readonly memberId: bigint;
  readonly clusterId: bigint;
  readonly leader: bigint;
  readonly version: string;
  /** Bytes of the database's file, and of what of it is in use; 0n in use where the member does not tell. */
  readonly dbSize: bigint;
  readonly dbSizeInUse: bigint;
  /** Revision of its store, which lags behind while it catches up. */
  readonly revision: bigint;
  readonly raftTerm: bigint;
  readonly raftIndex: bigint;
}

/**
 * All calls have a deadline and reject with a TsflannelError: ETCD_UNREACHABLE, ETCD_TIMEOUT, ETCD_AUTH, ETCD_NO_QUORUM or ETCD_FAILED.
 * Reads are retried over the endpoints; writes are sent once (a lost answer is for the caller to read back).
 */
export interface Kv {
  /**
   * Keys that begin with `prefix` (`exact`: this key only); linearizable unless `serializable`. With `revision`: as they were then; where
   * that is compacted, or yet to come, the call rejects with what {@link isRevisionGone} knows.
   */
  range(
    prefix: string,
    options?: { exact?: boolean; serializable?: boolean; keysOnly?: boolean; limit?: number; revision?: bigint },
  ): Promise<RangeResult>;
  /** One transaction: all `compares` hold -> `ops` are applied at one revision; else nothing is. */
  txn(compares: readonly Compare[], ops: readonly Op[]): Promise<TxnResult>;
  /** New etcd lease with this time to live in seconds. */
  grant(ttlSeconds: number): Promise<bigint>;
  /** Resets the TTL once; resolves to the seconds now left, 0 when the lease no longer exists. */
  keepAliveOnce(lease: bigint): Promise<number>;
  /** Revokes the lease and deletes its keys; a lease that is gone already is not an error. */
  revoke(lease: bigint): Promise<void>;
  /** Seconds left and granted; left -1 when the lease does not exist. */
  timeToLive(lease: bigint): Promise<{ left: number; granted: number }>;
  /**
   * Opens one raw stream from `startRevision` on (0n: from now on). Revisions come in order, each whole in one frame and once: etcd promises
   * it, and the watcher looks whether it is so. What a transport swallows on a stream that goes on cannot be seen by anybody. A `canceled` frame is handed up only for a compaction; what else ends
   * the stream comes as the error of `onEnd`, which is called once: without an error when the stream was closed from here.
   */
  watchStream(
    prefix: string,
    startRevision: bigint,
    onFrame: (frame: WatchFrame) => void,
    onEnd: (error?: Error) => void,
  ): WatchStream;
  /** Members and the status of the one member this client talks to (maintenance calls). */
  members(): Promise<readonly MemberInfo[]>;
  status(): Promise<MemberStatus>;
  /** Ends the streams, with an error, and the connections; the next call opens new ones. Not all clients can. */
  reconnect?(): void;
  /** Ends the streams and the connections. */
  close(): void;
}

/** A range at a revision that etcd does not have: compacted, or not come to. */
export const isRevisionGone = (error: unknown): boolean =>
  error instanceof TsflannelError && error.code === 'ETCD_FAILED' && error.why.includes('mvcc: required revision');

/** Where etcd is and who we are to it. TLS paths are files; the password never comes by argv. */
export interface KvOptions {
  readonly endpoints: readonly string[];
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly username?: string;
  readonly password?: string;
  /** Deadline of one call in milliseconds. */
  readonly timeoutMs: number;
}
