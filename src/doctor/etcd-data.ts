/** What etcd holds and lets us do: members, alarms, space, rights, and flannel’s config wherever it is. */
import { type Check, fail, faults, ok, on, skip, type Verdict, warn } from './check.ts';
import { withStatus } from './etcd-status.ts';
import type { Evidence } from './evidence.ts';

/** etcd's own quota unless told otherwise. */
const QUOTA = 2n << 30n;

const space = (evidence: Evidence): Verdict =>
  withStatus(evidence, (list) => {
    const near = list.filter(({ dbSize }) => dbSize > (QUOTA / 10n) * 8n);
    const megabytes = (bytes: bigint) => `${bytes >> 20n} MiB`;
    return faults(
      near.map(
        ({ url, dbSize }) =>
          `the database of ${url} has ${megabytes(dbSize)}; 2048 MiB are allowed unless --quota-backend-bytes says more`,
      ),
      `the largest database has ${megabytes(list.reduce((most, { dbSize }) => (dbSize > most ? dbSize : most), 0n))}`,
      warn,
    );
  });

function alarms({ etcd }: Evidence): Verdict {
  return on(etcd, (seen) =>
    on(seen.alarms, (list) =>
      faults(
        list.map(({ kind, memberId }) => `alarm ${kind} of member ${memberId.toString(16)}`),
        'no alarm is raised',
      ),
    ),
  );
}

function members({ etcd }: Evidence): Verdict {
  return on(etcd, (seen) =>
    on(seen.members, (list) => {
      const voters = list.filter(({ isLearner }) => !isLearner).length;
      if (voters === 1) return warn('one member: without it no node can join, and no lease be renewed');
      if (voters % 2 === 0) return warn(`${voters} members bear no more failures than ${voters - 1}`);
      return ok(`${voters} members bear ${(voters - 1) / 2} failures`);
    }),
  );
}

function rights({ etcd }: Evidence): Verdict {
  return on(etcd, ({ writable, prefix }) => {
    if ('seen' in writable) return ok(`keys below ${prefix}/ may be written`);
    return writable.code === 'ETCD_AUTH' || writable.code === 'ETCD_NOSPACE'
      ? fail(writable.unseen)
      : skip(writable.unseen);
  });
}

function config({ etcd }: Evidence): Verdict {
  return on(etcd, ({ config: looked, prefix }) => {
    if (!('seen' in looked)) return looked.code === 'ETCD_AUTH' ? fail(looked.unseen) : skip(looked.unseen);
    if (looked.seen === undefined) return fail(`there is no ${prefix}/config`);
    if (looked.seen.ok) return ok(`${prefix}/config is valid`);
    const { where, detail } = looked.seen.rejection;
    return fail(`${where}: ${detail}`);
  });
}

function elsewhere({ etcd }: Evidence): Verdict {
  return on(etcd, ({ config: looked, elsewhere: found, prefix }) =>
    on(looked, (entry) => {
      if (entry !== undefined) return ok(`the config is at ${prefix}`);
      if (found.length === 0) return ok('none of the usual prefixes has a config');
      return fail(
        `there is a config at ${found.join(', ')}, none at ${prefix}`,
        `tsflannel status --etcd-prefix ${found[0]}`,
        `tsflannel up --etcd-prefix ${found[0]} --help`,
      );
    }),
  );
}

function oldStore({ etcd }: Evidence): Verdict {
  return on(etcd, ({ v2, endpoints }) =>
    on(v2, (has) => {
      if (!has) return ok('the v2 store has no config of flannel’s');
      return fail(
        'the config is in etcd’s v2 store only',
        `tsflannel config import --from-v2 ${endpoints[0]?.url ?? 'http://127.0.0.1:2379'}`,
      );
    }),
  );
}

export const etcdDataChecks: readonly Check[] = [
  {
    id: 'etcd-alarms',
    group: 'etcd',
    title: 'etcd has raised no alarm',
    why: 'with alarm nospace etcd refuses all writes; with alarm corrupt its members differ',
    fix: ['tsflannel etcd compact', 'tsflannel etcd defrag', 'tsflannel etcd alarm disarm'],
    judge: alarms,
  },
  {
    id: 'etcd-space',
    group: 'etcd',
    title: 'etcd’s database is far from its quota',
    why: 'at the quota etcd refuses all writes',
    fix: ['tsflannel etcd compact', 'tsflannel etcd defrag'],
    judge: space,
  },
  {
    id: 'etcd-members',
    group: 'etcd',
    title: 'etcd survives the loss of a member',
    why: 'three members bear one failure, five bear two; an even number bears no more than one less',
    fix: ['tsflannel token create', 'tsflannel join --help'],
    judge: members,
  },
  {
    id: 'etcd-rights',
    group: 'etcd',
    title: 'we may read and write flannel’s keys',
    why: 'the user or certificate has no role with readwrite on the prefix',
    fix: ['tsflannel init --help', 'tsflannel status --etcd-username flannel --help'],
    judge: rights,
  },
  {
    id: 'config',
    group: 'etcd',
    title: 'etcd has a valid network config',
    why: 'no node can start without it; nodes that run go on with the last valid one',
    fix: ['tsflannel config get', 'tsflannel config set --network 172.17.0.0/16'],
    judge: config,
  },
  {
    id: 'prefix',
    group: 'etcd',
    title: 'the config is not below another prefix',
    why: 'CentOS and kube-up keep it elsewhere than flannel does (flannel-io/flannel#1168)',
    fix: ['tsflannel status --etcd-prefix /atomic.io/network', 'tsflannel up --help'],
    judge: elsewhere,
  },
  {
    id: 'v2',
    group: 'etcd',
    title: 'the config is not in etcd’s v2 store alone',
    why: 'flannel before 0.18, and etcdctl with ETCDCTL_API=2, wrote there; nothing newer looks there (flannel-io/flannel#1191)',
    fix: ['tsflannel config import --from-v2 http://127.0.0.1:2379'],
    judge: oldStore,
  },
];
