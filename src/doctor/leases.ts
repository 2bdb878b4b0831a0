/** Leases: ours, those of the others, and those nobody can believe; and the files that tell others of ours. */
import { printIp, printPrefix } from '../model/address.ts';
import { duration } from '../model/duration.ts';
import { backendName } from '../model/lease.ts';
import { isNearlyFull, usageText } from '../model/report.ts';
import { parseSubnetEnv } from '../model/subnet-env.ts';
import { type Check, fail, faults, isNode, isUp, ok, on, skip, type Verdict, warn } from './check.ts';
import type { Evidence } from './evidence.ts';

function own(evidence: Evidence): Verdict {
  return on(evidence.network, ({ own: lease, savedAt }) => {
    if (savedAt !== undefined) return skip(`etcd does not tell; the view on disk is of ${savedAt}`);
    if (lease) return ok(`${printPrefix(lease.subnet)} is leased by this node at ${printIp(lease.publicIp)}`);
    return isUp(evidence)
      ? fail('a daemon runs, and etcd has no lease of this node')
      : ok('no lease yet; up takes one');
  });
}

const LITTLE = 0.25;

function time({ network }: Evidence): Verdict {
  return on(network, ({ own: lease, time: seen }) => {
    if (!lease) return skip('this node has no lease');
    if (lease.etcd.leaseId === '0') return ok('it is a reservation, and has no end');
    if (!seen) return skip('etcd does not tell');
    const text = `${duration(seen.left)} of ${duration(seen.granted)} are left`;
    return seen.left < seen.granted * LITTLE ? warn(text) : ok(text);
  });
}

/** So many refused leases are shown, each with its key as `etcd get` takes it. */
const MAX_REFUSED = 20;

function hostile({ network }: Evidence): Verdict {
  return on(network, ({ rejections, leases }) => {
    const texts = [...rejections.values()].map(
      ({ where, code, detail }) => `${where.slice(where.indexOf('/subnets/') + 1)}: ${code}: ${detail}`,
    );
    const codes = [...new Set([...rejections.values()].map(({ code }) => code))];
    const verdict = faults(texts, `${leases.size} leases, all believed`, warn, MAX_REFUSED);
    return { ...verdict, fix: [...codes.map((code) => `tsflannel explain ${code}`), ...SHOW] };
  });
}

function backends({ network }: Evidence): Verdict {
  return on(network, ({ network: { backend }, leases }) =>
    faults(
      [...leases.values()]
        .filter(({ peer }) => backendName(peer) !== backend.type)
        .map(
          ({ subnet, peer, nodeName, publicIp }) =>
            `${nodeName ?? printIp(publicIp)} (${printPrefix(subnet)}) speaks ${backendName(peer)}`,
        ),
      `all nodes speak ${backend.type}`,
    ),
  );
}

const subnets = ({ network }: Evidence): Verdict =>
  on(network, ({ usage }) => (isNearlyFull(usage) ? warn(usageText(usage)) : ok(usageText(usage))));

function subnetFile(evidence: Evidence): Verdict {
  const { path, text, mode } = evidence.host.subnetFile;
  const { status } = evidence.daemon;
  if (text === undefined)
    return isNode(evidence) ? fail(`there is no ${path}`) : ok(`${path} is not there; up writes it`);
  const parsed = parseSubnetEnv(text, path);
  if (!parsed.ok) return fail(`${path}: ${parsed.rejection.detail}`);
  const { subnet, mtu } = parsed.value;
  const shown = `${printIp(subnet.ip)}/${subnet.length}`;
  if (mode !== undefined && (mode & 0o444) !== 0o444)
    return fail(`${path} has mode ${mode.toString(8)}: others cannot read it`);
  return on(evidence.network, ({ own: lease, savedAt }) => {
    if (!lease)
      return savedAt === undefined
        ? warn(`${path} says ${shown}, and no lease stands behind it`)
        : skip('etcd does not tell');
    if (subnet.ip.value !== lease.subnet.address + 1n || subnet.length !== lease.subnet.length)
      return fail(`${path} says ${shown}, the lease ${printPrefix(lease.subnet)}`);
    if ('seen' in status && status.seen.mtu !== mtu)
      return fail(`${path} says MTU ${mtu}, the daemon ${status.seen.mtu}`);
    return ok(`${path} says ${shown}, MTU ${mtu}`);
  });
}

const SHOW = ['tsflannel leases', 'tsflannel etcd get subnets/'];

export const leaseChecks: readonly Check[] = [
  {
    id: 'lease',
    group: 'leases',
    title: 'this node holds a lease',
    why: 'without it another node may be given the same subnet; a daemon that runs takes it again',
    fix: ['tsflannel leases', 'tsflannel up --detach'],
    judge: own,
  },
  {
    id: 'lease-time',
    group: 'leases',
    title: 'the lease has been renewed',
    why: 'the daemon renews it long before its end; when it ends the subnet is given to another node',
    fix: ['tsflannel status', 'tsflannel up --detach'],
    judge: time,
  },
  {
    id: 'leases',
    group: 'leases',
    title: 'every lease in etcd can be believed',
    why: 'an entry is damaged, hostile, of another network, or overlaps an older one: no route is made for it',
    fix: SHOW,
    judge: hostile,
  },
  {
    id: 'backends',
    group: 'leases',
    title: 'all nodes speak the backend of the config',
    why: 'nodes of different backends cannot send to each other; flanneld and our daemons heed a new backend at their next start only',
    fix: ['tsflannel routes', 'tsflannel config get'],
    judge: backends,
  },
  {
    id: 'subnets',
    group: 'leases',
    title: 'there are subnets for more nodes',
    why: 'when all are leased no node can join',
    fix: ['tsflannel leases release --dead --help', 'tsflannel leases'],
    judge: subnets,
  },
  {
    id: 'subnet-env',
    group: 'leases',
    title: 'subnet.env tells of the lease',
    why: 'Docker takes its options from it; the daemon writes it when it is ready, and after each change (flannel-io/flannel#2253)',
    fix: ['tsflannel up --detach', 'tsflannel status'],
    judge: subnetFile,
  },
];
