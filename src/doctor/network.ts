/** Addresses: which interface, which public address, and whose addresses the network of the containers would take. */
import { overlapsOf } from '../config/check.ts';
import { containsIp, isSpecialIp4, printIp, printPrefix, sameIp } from '../model/address.ts';
import type { Lease } from '../model/lease.ts';
import { type Check, fail, faults, isUp, ok, on, skip, type Verdict, warn } from './check.ts';
import type { Evidence } from './evidence.ts';

const nameOf = (lease: Lease): string => lease.nodeName ?? printPrefix(lease.subnet);

/** What QEMU, VirtualBox and Vagrant give to each guest alike. */
const isGuestNat = (text: string): boolean => /^10\.0\.2\./.test(text);

function iface(evidence: Evidence): Verdict {
  const { iface: looked } = evidence;
  if (!('seen' in looked)) return fail(looked.unseen);
  const { name, ip } = looked.seen;
  const text = printIp(ip);
  if (isGuestNat(text)) return warn(`${name} has ${text}, which virtual machines behind NAT all have`);
  return ok(`${name}, ${text}`);
}

function localAddress({ network, kernel }: Evidence): Verdict {
  return on(network, ({ own }) =>
    on(kernel, (state) => {
      if (!own) return skip('this node has no lease');
      const here = [...state.values()].some(
        ({ object }) => object.kind === 'address' && sameIp(object.ip, own.publicIp),
      );
      const text = printIp(own.publicIp);
      return here ? ok(`${text} is on an interface`) : warn(`no interface has ${text}`);
    }),
  );
}

function sharedBy(leases: Iterable<Lease>, key: (lease: Lease) => string | undefined): string[] {
  const groups = Map.groupBy([...leases], key);
  return [...groups].flatMap(([value, group]) =>
    value === undefined || group.length < 2
      ? []
      : [`${value}: ${group.map((each) => `${nameOf(each)} (${printPrefix(each.subnet)})`).join(' and ')}`],
  );
}

const uniqueAddress = ({ network }: Evidence): Verdict =>
  on(network, ({ leases }) =>
    faults(
      sharedBy(leases.values(), ({ publicIp }) => printIp(publicIp)),
      `${leases.size} leases, each at an address of its own`,
    ),
  );

const uniqueNode = ({ network }: Evidence): Verdict =>
  on(network, ({ leases }) =>
    faults(
      sharedBy(leases.values(), ({ nodeId }) => nodeId),
      'each node has an id of its own',
    ),
  );

function overlap({ network, kernel }: Evidence): Verdict {
  return on(network, ({ own, network: { network: prefix } }) =>
    on(kernel, (state) =>
      faults(
        overlapsOf(prefix, state, own?.subnet).conflicts,
        `no route of this host leads into ${printPrefix(prefix)}`,
      ),
    ),
  );
}

/** Servers this host needs, at addresses that the containers' network takes. */
function servers({ network, host, etcd }: Evidence): Verdict {
  return on(network, ({ network: { network: prefix } }) => {
    const names = host.nameservers.map((ip) => ({ what: 'name server', ip }));
    const endpoints =
      'seen' in etcd ? etcd.seen.endpoints.flatMap(({ endpoint: { ip } }) => (ip ? [{ what: 'etcd', ip }] : [])) : [];
    const inside = [...names, ...endpoints].filter(({ ip }) => containsIp(prefix, ip));
    return faults(
      inside.map(({ what, ip }) => `${what} ${printIp(ip)} lies in ${printPrefix(prefix)}`),
      'name servers and etcd are outside the network',
    );
  });
}

function peerRoutes({ peers, iface: looked }: Evidence): Verdict {
  return on(peers, (list) =>
    on(looked, ({ name }) =>
      faults(
        list
          .filter(({ device }) => device !== name)
          .map(
            ({ lease, device }) =>
              `${printIp(lease.publicIp)} (${nameOf(lease)}) is routed to ${device ?? 'nowhere'}, not to ${name}`,
          ),
        `the routes to ${list.length} peers lead out by ${name}`,
      ),
    ),
  );
}

function port(evidence: Evidence): Verdict {
  const { network, host, kernel } = evidence;
  return on(network, ({ network: { backend } }) => {
    if (backend.type === 'host-gw') return skip('backend host-gw has no port');
    const taken = host.ports.filter((bound) => bound.port === backend.port);
    const runs = isUp(evidence);
    const device = backend.type === 'vxlan' ? `flannel.${backend.vni}` : 'flannel0';
    const has = 'seen' in kernel && kernel.seen.has(`link/${device}`);
    if (taken.length === 0)
      return runs && backend.type === 'udp'
        ? fail(`nobody listens at UDP ${backend.port}`)
        : ok(`UDP ${backend.port} is free`);
    if (has || (backend.type === 'udp' && runs)) return ok(`UDP ${backend.port} is ${device}'s`);
    const who = taken.map(({ ip }) => printIp(ip)).join(', ');
    return fail(
      `another program listens at UDP ${backend.port} (${isSpecialIp4(taken[0]!.ip) ? 'all addresses' : who})`,
    );
  });
}

export const networkChecks: readonly Check[] = [
  {
    id: 'interface',
    group: 'network',
    title: 'it is clear by which interface peers are reached',
    why: 'peers send to its address; on virtual machines the first interface is often a NAT that no other machine reaches (k3s-io/k3s#72)',
    fix: ['tsflannel up --iface eth1 --help', 'ip -brief address'],
    judge: iface,
  },
  {
    id: 'public-ip',
    group: 'network',
    title: 'the public address in our lease is on an interface',
    why: 'peers send to it; an address of a NAT router works only if it passes the port on, and peers then need SourceCheck subnet',
    fix: ['tsflannel up --public-ip 192.0.2.1 --help', 'tsflannel leases'],
    judge: localAddress,
  },
  {
    id: 'public-ip-unique',
    group: 'network',
    title: 'no two nodes have one public address',
    why: 'packets for both go to whoever answers ARP; seen with Vagrant’s 10.0.2.15 and copied --public-ip',
    fix: ['tsflannel leases', 'tsflannel leases release --help'],
    judge: uniqueAddress,
  },
  {
    id: 'node-id-unique',
    group: 'network',
    title: 'no two leases are of one node',
    why: 'a cloned disk has the id of its original; both would renew one lease',
    fix: ['tsflannel leases', 'tsflannel leases release --help'],
    judge: uniqueNode,
  },
  {
    id: 'overlap',
    group: 'network',
    title: 'the network takes no addresses of this host’s other networks',
    why: 'containers could not reach those addresses, or this host would lose them (flannel-io/flannel#611)',
    fix: ['ip route show', 'tsflannel config set --help'],
    judge: overlap,
  },
  {
    id: 'servers',
    group: 'network',
    title: 'name servers and etcd are outside the network',
    why: 'packets to them would go into the tunnel as soon as the network’s route is there',
    fix: ['tsflannel config set --help', 'cat /etc/resolv.conf'],
    judge: servers,
  },
  {
    id: 'peer-routes',
    group: 'network',
    title: 'peers are routed to the interface of the network',
    why: 'tunnel packets go by another interface and come with another source address: peers that check sources drop them',
    fix: ['ip route show', 'tsflannel up --iface eth1 --help'],
    judge: peerRoutes,
  },
  {
    id: 'port',
    group: 'network',
    title: 'the tunnel’s port is ours',
    why: 'no other program can take packets of peers (VMware NSX uses 8472 too: flannel-io/flannel#710)',
    fix: ['ss -ulpn', 'tsflannel config set --backend-option Port=8473 --help'],
    judge: port,
  },
];
