import { type Lease, parseLease } from '../model/lease.ts';
import type { Parsed } from '../model/parsed.ts';
import type { KeyValue } from './kv.ts';

/** A key and value under `<prefix>/subnets/` as a lease, or why it is none. */
export const parseLeaseKv = ({ key, value, lease, createRevision, modRevision }: KeyValue): Parsed<Lease> =>
  parseLease(value, { key, leaseId: String(lease), created: String(createRevision), modified: String(modRevision) });
