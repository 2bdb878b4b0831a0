/** Peers, tried just now: the way to each by the underlay and through the tunnel, and how large a packet it takes. */
import { printIp } from '../model/address.ts';
import { type Check, faults, ok, on, skip, type Verdict } from './check.ts';
import type { Evidence, PeerEvidence } from './evidence.ts';

const nameOf = ({ lease }: PeerEvidence): string => `${lease.nodeName ?? 'the node'} at ${printIp(lease.publicIp)}`;

const eachPeer = (evidence: Evidence, fine: string, fault: (peer: PeerEvidence) => string | undefined): Verdict =>
  on(evidence.peers, (peers) =>
    peers.length === 0
      ? skip('there are no peers')
      : faults(
          peers.flatMap((peer) => fault(peer) ?? []),
          fine,
        ),
  );

const underlay = (evidence: Evidence): Verdict =>
  eachPeer(evidence, 'every peer answers ping at its public address', (peer) =>
    peer.underlay ? undefined : `${nameOf(peer)} does not answer ping`,
  );

/** A peer that answers by the underlay and not through the tunnel: its port is closed to us, or ours to it. */
const overlay = (evidence: Evidence): Verdict =>
  eachPeer(evidence, 'every peer answers through the tunnel', (peer) => {
    if (peer.overlay !== false) return undefined;
    return peer.underlay
      ? `${nameOf(peer)} answers ping there, but not through the tunnel`
      : `${nameOf(peer)} answers neither there nor through the tunnel`;
  });

function pathMtu(evidence: Evidence): Verdict {
  return on(evidence.iface, ({ mtu }) =>
    eachPeer(evidence, `packets of ${mtu} bytes reach every peer`, (peer) => {
      const { underlayMtu } = peer;
      return underlayMtu !== undefined && underlayMtu < mtu
        ? `${nameOf(peer)} takes packets of at most ${underlayMtu} bytes, our interface sends ${mtu}`
        : undefined;
    }),
  );
}

/** The MTU that the daemon gives to containers. */
function tunnelMtu(evidence: Evidence): Verdict {
  return on(evidence.daemon.status, ({ mtu }) =>
    eachPeer(evidence, `packets of ${mtu} bytes pass to every peer`, (peer) => {
      const { overlay: answers, overlayMtu } = peer;
      if (!answers || overlayMtu === undefined || overlayMtu >= mtu) return undefined;
      return `${nameOf(peer)}: packets of at most ${overlayMtu} bytes pass, containers send ${mtu}`;
    }),
  );
}

function alone(evidence: Evidence): Verdict {
  return on(evidence.network, ({ leases }) =>
    leases.size > 1 ? ok(`${leases.size - 1} peers`) : ok('no other node has a lease yet'),
  );
}

export const peerChecks: readonly Check[] = [
  {
    id: 'peers',
    group: 'peers',
    title: 'there are other nodes',
    why: 'a network of one node needs no tunnel',
    fix: ['tsflannel join --help'],
    judge: alone,
  },
  {
    id: 'peer-underlay',
    group: 'peers',
    title: 'every peer answers at its public address',
    why: 'the node is down, its address has changed, or the network between drops ICMP',
    fix: ['tsflannel routes', 'tsflannel leases release --dead --help'],
    judge: underlay,
  },
  {
    id: 'peer-tunnel',
    group: 'peers',
    title: 'every peer answers through the tunnel',
    why: 'the tunnel’s UDP port is blocked on the way there or back, or the peer’s daemon never came up (flannel-io/flannel#423)',
    fix: [
      'tsflannel doctor --check port-in --check port-out',
      'tsflannel config set --backend-option Port=8473 --help',
      'tsflannel routes',
    ],
    judge: overlay,
  },
  {
    id: 'path-mtu',
    group: 'peers',
    title: 'full packets reach every peer',
    why: 'a link on the way takes smaller packets than our interface sends: large answers vanish, connections hang (flannel-io/flannel#841)',
    fix: ['tsflannel config set --backend-option MTU=1450 --help', 'ip link set dev eth0 mtu 1450'],
    judge: pathMtu,
  },
  {
    id: 'tunnel-mtu',
    group: 'peers',
    title: 'the largest packets of containers reach every peer',
    why: 'containers are told an MTU that does not fit through the tunnel',
    fix: ['tsflannel config set --backend-option MTU=1450 --help', 'tsflannel docker apply'],
    judge: tunnelMtu,
  },
];
