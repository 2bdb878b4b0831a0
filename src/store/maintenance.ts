/** An alarm a member has raised: `nospace` ends all writes of the cluster until it is disarmed. */
export interface Alarm {
  readonly memberId: bigint;
  readonly kind: 'nospace' | 'corrupt' | 'unknown';
}

/**
 * The calls that look after a cluster's data. Those about one member (`defragment`, `snapshot`) go to the one this client talks to, so it
 * is opened with that member's endpoints only. Each rejects as the calls of Kv do.
 */
export interface Maintenance {
  /** Forgets all that was overwritten or deleted before this revision; watchers from before it begin anew. */
  compact(revision: bigint): Promise<void>;
  /** Gives free pages of the database back to the file system; the member answers nobody meanwhile. */
  defragment(): Promise<void>;
  alarms(): Promise<readonly Alarm[]>;
  disarm(alarm: Alarm): Promise<void>;
  /** Streams the database of the member, with the sha256 of it as its last 32 bytes. */
  snapshot(take: (chunk: Uint8Array) => Promise<void>): Promise<void>;
  close(): void;
}
