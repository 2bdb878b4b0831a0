/** The machine: how it is set, what else runs on it, its counters, its clock, its disks. */
import { type Check, fail, faults, isNode, ok, on, repairable, skip, type Verdict, warn } from './check.ts';
import type { Evidence } from './evidence.ts';

function checksums({ host }: Evidence): Verdict {
  const wrong = host.counters.get('UdpInCsumErrors') ?? 0;
  return wrong === 0
    ? ok('no datagram with a wrong checksum has come')
    : warn(`${wrong} datagrams with a wrong checksum have come (UdpInCsumErrors)`);
}

function buffers({ host }: Evidence): Verdict {
  const full = (host.counters.get('UdpRcvbufErrors') ?? 0) + (host.counters.get('UdpSndbufErrors') ?? 0);
  return full === 0
    ? ok('no datagram was dropped for want of room')
    : warn(`${full} datagrams were dropped for want of room`);
}

function conntrack({ host }: Evidence): Verdict {
  const [count, max] = ['nf_conntrack_count', 'nf_conntrack_max'].map((name) =>
    Number(host.sysctls.get(`net.netfilter.${name}`) ?? Number.NaN),
  );
  if (count === undefined || max === undefined || !(max > 0)) return skip('the kernel does not track connections here');
  const text = `${count} of ${max} entries are in use`;
  return count > max * 0.9 ? fail(text) : ok(text);
}

function forwarding(evidence: Evidence): Verdict {
  const value = evidence.host.sysctls.get('net.ipv4.ip_forward');
  if (value === '1') return ok('net.ipv4.ip_forward is 1');
  if (!isNode(evidence)) return ok('net.ipv4.ip_forward is 0; up turns it on');
  return repairable(fail('net.ipv4.ip_forward is 0'), { kind: 'sysctl', name: 'net.ipv4.ip_forward', value: '1' });
}

/** The kernel takes the larger of the two; 1 is strict. */
function reversePath({ host, iface, peers }: Evidence): Verdict {
  return on(iface, ({ name }) => {
    const of = (which: string) => Number(host.sysctls.get(`net.ipv4.conf.${which}.rp_filter`) ?? 0);
    if (Math.max(of('all'), of(name)) !== 1) return ok(`rp_filter of ${name} is not strict`);
    const strays = 'seen' in peers ? peers.seen.filter(({ device }) => device !== undefined && device !== name) : [];
    if (strays.length === 0) return ok(`rp_filter of ${name} is strict, and the routes to all peers lead there`);
    return repairable(fail(`rp_filter of ${name} is strict, but the route to ${strays.length} peers leads elsewhere`), {
      kind: 'sysctl',
      name: `net.ipv4.conf.${name}.rp_filter`,
      value: '2',
    });
  });
}

function clock({ host }: Evidence): Verdict {
  if (host.now.getUTCFullYear() < 2025) return fail(`this host believes it is ${host.now.toISOString()}`);
  return on(host.synchronised, (yes) =>
    yes ? ok('the clock is synchronised') : warn('the kernel says that its clock is not synchronised'),
  );
}

const SMALL = 1 << 20;

const folders = ({ host }: Evidence): Verdict =>
  faults(
    host.folders.flatMap(({ path, problem, freeBytes }) => {
      if (problem !== undefined) return [`${path}: ${problem}`];
      return freeBytes !== undefined && freeBytes < SMALL ? [`${path}: only ${freeBytes} bytes are free`] : [];
    }),
    'files can be written',
  );

function secrets({ host }: Evidence): Verdict {
  const open = host.secrets.filter(({ mode }) => (mode & 0o077) !== 0);
  const text = open.map(({ path, mode }) => `${path} has mode ${mode.toString(8)}`);
  const verdict = faults(text, 'nobody else can read keys and client.json', warn);
  if (open.length === 0) return verdict;
  return repairable(verdict, ...open.map(({ path }) => ({ kind: 'mode' as const, path, mode: 0o600 })));
}

function managers({ host }: Evidence): Verdict {
  if (host.networkManagerKeepsOff === false)
    return warn('NetworkManager runs and is not told to leave flannel devices alone');
  if (host.programs.has('systemd-network'))
    return warn('systemd-networkd runs: it may take away routes that it did not make');
  return ok(host.networkManagerKeepsOff ? 'NetworkManager leaves our devices alone' : 'nobody else manages devices');
}

const flanneld = ({ host }: Evidence): Verdict =>
  host.programs.has('flanneld') ? fail('flanneld runs in this network namespace') : ok('no flanneld runs here');

export const hostChecks: readonly Check[] = [
  {
    id: 'root',
    group: 'host',
    title: 'doctor may look everywhere',
    why: 'without root the kernel hides packet filters, sockets and programs of others: those checks are skipped',
    fix: ['sudo tsflannel doctor'],
    judge: ({ host }) => (host.root ? ok('run by root') : warn('not run by root')),
  },
  {
    id: 'ip-forward',
    group: 'host',
    title: 'the kernel forwards packets',
    why: 'packets between containers and other nodes pass this host; with net.ipv4.ip_forward=0 it drops them',
    fix: ['sysctl -w net.ipv4.ip_forward=1'],
    judge: forwarding,
  },
  {
    id: 'rp-filter',
    group: 'host',
    title: 'the kernel takes packets of peers whichever way they come',
    why: 'with a strict rp_filter a packet is dropped that comes in by another interface than its answer would go out by',
    fix: ['sysctl -w net.ipv4.conf.all.rp_filter=2'],
    judge: reversePath,
  },
  {
    id: 'conntrack',
    group: 'host',
    title: 'there is room to track connections',
    why: 'when the table is full the kernel drops the first packet of each new connection',
    fix: ['sysctl -w net.netfilter.nf_conntrack_max=262144'],
    judge: conntrack,
  },
  {
    id: 'checksums',
    group: 'host',
    title: 'datagrams come in with right checksums',
    why: 'a sender’s checksum offload is at fault, on a peer or its network card; such datagrams are dropped',
    fix: ['ethtool -K flannel.1 tx-checksum-ip-generic off', 'tsflannel doctor --check offload'],
    judge: checksums,
  },
  {
    id: 'buffers',
    group: 'host',
    title: 'UDP sockets keep up',
    why: 'the udp carrier or another program does not empty its socket as fast as packets come',
    fix: ['sysctl -w net.core.rmem_max=8388608', 'tsflannel config set --backend vxlan --help'],
    judge: buffers,
  },
  {
    id: 'clock',
    group: 'host',
    title: 'the clock is right',
    why: 'TLS certificates are judged by it, and logs of several nodes cannot be compared; leases do not depend on it',
    fix: ['timedatectl set-ntp true'],
    judge: clock,
  },
  {
    id: 'folders',
    group: 'host',
    title: 'state and run folders can be written',
    why: 'who this node is, its view of etcd and subnet.env are kept there; without room it loses its subnet at the next start',
    fix: ['df -h /var/lib/tsflannel /run/tsflannel /run/flannel'],
    judge: folders,
  },
  {
    id: 'secrets',
    group: 'host',
    title: 'keys are readable for root only',
    why: 'whoever reads the key can write to etcd, and so redirect the packets of every node',
    fix: ['chmod 600 /etc/tsflannel/client.json'],
    judge: secrets,
  },
  {
    id: 'flanneld',
    group: 'host',
    title: 'no flanneld runs beside this node',
    why: 'two daemons would lease two subnets for one host and fight over flannel0, flannel.1 and subnet.env',
    fix: ['systemctl disable --now flanneld'],
    judge: flanneld,
  },
  {
    id: 'managers',
    group: 'host',
    title: 'no network manager takes our devices',
    why: 'NetworkManager and systemd-networkd remove routes and devices that they do not know (flannel-io/flannel#1070)',
    fix: ['nmcli device set flannel.1 managed no', 'networkctl status'],
    judge: managers,
  },
];
