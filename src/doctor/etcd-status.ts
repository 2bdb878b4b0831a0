import { on, skip, type Verdict } from './check.ts';
import type { EtcdEvidence, Evidence } from './evidence.ts';

const statuses = ({ endpoints }: EtcdEvidence) =>
  endpoints.flatMap(({ url, status }) => ('seen' in status ? [{ url, ...status.seen }] : []));

/** Judges the status of every endpoint that answers. */
export const withStatus = (
  { etcd }: Evidence,
  judge: (list: ReturnType<typeof statuses>, all: EtcdEvidence) => Verdict,
): Verdict =>
  on(etcd, (seen) => {
    const list = statuses(seen);
    return list.length === 0 ? skip('no endpoint answers') : judge(list, seen);
  });
