/**
 * The calls that change an etcd cluster itself: its members and who may do what. Each rejects as the calls of Kv do; an answer that was
 * lost is for the caller to read back.
 */
export interface Admin {
  /** Adds a member that has not started; resolves to its id. A learner does not vote until it is promoted; etcd takes one at a time. */
  addMember(peerUrls: readonly string[], how: { readonly learner: boolean }): Promise<bigint>;
  removeMember(id: bigint): Promise<void>;
  /** Makes a learner a voting member; rejects with ETCD_FAILED while it has not caught up. */
  promoteMember(id: bigint): Promise<void>;
  /** Adds the user, or gives the one that is there this password. */
  setUser(name: string, password: string): Promise<void>;
  /** Adds the role; one that is there is kept. */
  addRole(name: string): Promise<void>;
  /** Lets the role read and write all keys that begin with `prefix`. */
  grantPrefix(role: string, prefix: string): Promise<void>;
  grantRole(user: string, role: string): Promise<void>;
  /** From now on each request needs a user; `root` must be there, with the role root. */
  enableAuth(): Promise<void>;
  close(): void;
}
