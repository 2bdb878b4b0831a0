/** The daemon: whether it runs, is ready, and what it says of itself. */
import { type Check, fail, isUp, ok, on, skip, type Verdict, warn } from './check.ts';
import type { Evidence } from './evidence.ts';

function daemon(evidence: Evidence): Verdict {
  const { pid, ping } = evidence.daemon;
  if ('seen' in ping) return ok(`pid ${ping.seen.pid}`);
  return fail(pid === undefined ? `no daemon runs: ${ping.unseen}` : `pid ${pid} does not answer: ${ping.unseen}`);
}

function ready(evidence: Evidence): Verdict {
  return on(evidence.daemon.ping, (seen) => {
    if (seen.waitingFor !== undefined) return fail(`it waits: ${seen.waitingFor}`);
    return seen.ready ? ok('subnet.env and routes are in place') : fail('it is not ready');
  });
}

/** How the daemon begins the detail of a check that is no fault. */
const WARNING = 'warning: ';

/** A check that the daemon makes of itself, told again here. */
const told =
  (name: string) =>
  (evidence: Evidence): Verdict =>
    on(evidence.daemon.status, ({ checks }) => {
      const own = checks.find((one) => one.name === name);
      if (!own) return skip('it does not say');
      return own.state === 'ok' ? ok(own.detail) : fail(own.detail);
    });

function cached({ daemon: { status } }: Evidence): Verdict {
  return on(status, ({ cachedAt }) =>
    cachedAt === undefined ? ok('it has seen etcd') : warn(`it lives by what it saw of etcd at ${cachedAt}`),
  );
}

/** A pid file names a process that lives, and its socket does not answer. */
function stuck(evidence: Evidence): Verdict {
  const { pid, ping } = evidence.daemon;
  if ('seen' in ping) return ok('it answers at once');
  if (!isUp(evidence)) return skip('no daemon runs');
  return fail(`pid ${pid} is alive and silent`, `kill -CONT ${pid}`, `kill -KILL ${pid}`, 'tsflannel up --detach');
}

/** What is late is late for everybody: renewals, answers, health. */
function turns(evidence: Evidence): Verdict {
  return on(evidence.daemon.status, ({ checks }) => {
    const own = checks.find(({ name }) => name === 'turns');
    if (!own) return skip('it does not say');
    return own.detail.startsWith(WARNING) ? warn(own.detail.slice(WARNING.length)) : ok(own.detail);
  });
}

export const daemonChecks: readonly Check[] = [
  {
    id: 'daemon',
    group: 'daemon',
    title: 'the daemon runs and answers',
    why: 'without it routes stay as they are, nobody renews the lease, and new nodes are not reached',
    fix: ['tsflannel up --detach', 'systemctl status tsflannel'],
    judge: daemon,
  },
  {
    id: 'daemon-stuck',
    group: 'daemon',
    title: 'the daemon is not stopped or hanging',
    why: 'its process is stopped (SIGSTOP, a debugger), starved of CPU, or hangs in the kernel',
    fix: ['tsflannel up --detach'],
    judge: stuck,
  },
  {
    id: 'daemon-turns',
    group: 'daemon',
    title: 'the daemon comes to what is due in time',
    why: 'it works on something for so long that renewals, answers and changes of the network wait: a mistake of tsflannel to be reported',
    fix: ['tsflannel bundle', 'tsflannel status'],
    judge: turns,
  },
  {
    id: 'daemon-ready',
    group: 'daemon',
    title: 'the daemon is ready',
    why: 'it waits for etcd, a config or an interface',
    fix: ['tsflannel status', 'tsflannel etcd status'],
    judge: ready,
  },
  {
    id: 'daemon-etcd',
    group: 'daemon',
    title: 'the daemon is connected to etcd',
    why: 'it forwards as before, but learns of no new node and cannot renew its lease',
    fix: ['tsflannel etcd status'],
    judge: told('etcd'),
  },
  {
    id: 'daemon-view',
    group: 'daemon',
    title: 'the daemon has seen etcd since its start',
    why: 'it was started while etcd was away, with the view that it had kept on disk',
    fix: ['tsflannel etcd status'],
    judge: cached,
  },
  {
    id: 'daemon-lease',
    group: 'daemon',
    title: 'the daemon is sure of its lease',
    why: 'etcd has not confirmed it, or somebody else took it',
    fix: ['tsflannel leases', 'tsflannel etcd status'],
    judge: told('lease'),
  },
  {
    id: 'refused',
    group: 'daemon',
    title: 'the kernel refuses nothing',
    why: 'the daemon asked the kernel for something that it does not do; it tries again',
    fix: ['tsflannel plan'],
    judge: told('kernel'),
  },
  {
    id: 'fights',
    group: 'daemon',
    title: 'nobody undoes what the daemon does',
    why: 'another program (a network manager, a firewall, flanneld) takes away what the daemon restores, over and over',
    fix: ['tsflannel plan', 'tsflannel doctor --check managers'],
    judge: told('fights'),
  },
  {
    id: 'removals',
    group: 'daemon',
    title: 'no removals wait for a confirmation',
    why: 'more than half of the peers vanished at once; their routes stay until a second look at etcd confirms it',
    fix: ['tsflannel leases', 'tsflannel etcd status'],
    judge: told('removals'),
  },
  {
    id: 'sources',
    group: 'daemon',
    title: 'no peer is kept out by the source check',
    why: 'its packets come from another address than its lease says: NAT, or flanneld with --public-ip',
    fix: ['tsflannel config set --backend-option SourceCheck=subnet --help', 'tsflannel leases'],
    judge: told('sources'),
  },
  {
    id: 'one-way',
    group: 'daemon',
    title: 'packets pass both ways to every peer, and are not lost',
    why: 'the daemons ask each other all the time: this one has heard of a peer that answers nothing, some, or only one way',
    fix: ['tsflannel routes', 'tsflannel test connectivity'],
    judge: told('peers'),
  },
];
