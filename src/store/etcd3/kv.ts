/**
 * store/etcd3/ knows how the calls of store/kv.ts are made through the etcd3 package: a second opinion when our own transport is in doubt.
 * It must not know flannel's schema, and uses only the package's raw calls: its watcher loses events, its lease never times out, its
 * default policies repeat writes (docs/adr/0001-etcd-client.md).
 */
import type { IDuplexStream, ILeaseKeepAliveRequest, ILeaseKeepAliveResponse } from 'etcd3';
import { failureOf } from '../../etcd-client/failure.ts';
import type { Kv, KvOptions } from '../kv.ts';
import { compareMessage, keyValue, memberStatus, opMessage, rangeMessage } from './messages.ts';
import { call, openSession, type Session } from './session.ts';
import { openWatch } from './watch.ts';

const keyCalls = (session: Session): Pick<Kv, 'range' | 'txn'> => ({
  range: (prefix, { exact = false, serializable = false, keysOnly = false, limit = 0, revision = 0n } = {}) =>
    call(
      session,
      async ({ kv }) => {
        const request = {
          ...rangeMessage(prefix, exact),
          serializable,
          keys_only: keysOnly,
          limit,
          revision: String(revision),
        };
        const { header, kvs } = await kv.range(request);
        const at = { revision: BigInt(header.revision), clusterId: BigInt(header.cluster_id) };
        return { kvs: kvs.map(keyValue), ...at };
      },
      true,
    ),
  txn: (compares, ops) =>
    call(session, async ({ kv }) => {
      const request = { compare: compares.map(compareMessage), success: ops.map(opMessage) };
      const { succeeded, header } = await kv.txn(request);
      return { succeeded, revision: BigInt(header.revision) };
    }),
});

type KeepAlive = IDuplexStream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>;

const firstAnswer = (stream: KeepAlive, lease: bigint): Promise<number> =>
  new Promise((resolve, reject) => {
    stream.on('data', ({ TTL }) => {
      resolve(Math.max(0, Number(TTL)));
      stream.end();
    });
    stream.on('error', reject);
    stream.write({ ID: String(lease) });
  });

const isGone = (error: unknown): boolean => failureOf(error).detail.includes('lease not found');

const leaseCalls = (session: Session): Pick<Kv, 'grant' | 'keepAliveOnce' | 'revoke' | 'timeToLive'> => ({
  grant: (ttlSeconds) => call(session, async (c) => BigInt((await c.leaseClient.leaseGrant({ TTL: ttlSeconds })).ID)),
  keepAliveOnce: (lease) =>
    call(
      session,
      async ({ leaseClient }) =>
        firstAnswer(await leaseClient.leaseKeepAlive({ deadline: Date.now() + session.timeoutMs }), lease),
      true,
    ),
  revoke: (lease) =>
    call(session, async ({ leaseClient }) => {
      await leaseClient.leaseRevoke({ ID: String(lease) }).catch((error: unknown) => {
        if (!isGone(error)) throw error;
      });
    }),
  timeToLive: (lease) =>
    call(
      session,
      async ({ leaseClient }) => {
        const { TTL, grantedTTL } = await leaseClient.leaseTimeToLive({ ID: String(lease) });
        return { left: Number(TTL), granted: Number(grantedTTL) };
      },
      true,
    ),
});

const clusterCalls = (session: Session): Pick<Kv, 'members' | 'status'> => ({
  members: () =>
    call(
      session,
      async ({ cluster }) => {
        const { members } = await cluster.memberList({});
        return members.map(({ ID, name, peerURLs, clientURLs, isLearner }) => ({
          id: BigInt(ID),
          name,
          peerUrls: peerURLs,
          clientUrls: clientURLs,
          isLearner,
        }));
      },
      true,
    ),
  status: () => call(session, async ({ maintenance }) => memberStatus(await maintenance.status()), true),
});

/** Kv over the etcd3 package. Throws USAGE or ETCD_TLS when the options are not usable. */
export function openEtcd3Kv(options: KvOptions): Kv {
  const session = openSession(options);
  const watch = openWatch(session);
  return {
    ...keyCalls(session),
    ...leaseCalls(session),
    watchStream: watch.stream,
    ...clusterCalls(session),
    close() {
      watch.close();
      session.close();
    },
  };
}
