/** What was found out about the ways between nodes: who measures, who judges and who shows agree on it here. */

/** Echo requests to one address. */
export interface EchoFigures {
  /** Of each packet, IPv4 header and all. */
  readonly bytes: number;
  readonly sent: number;
  readonly received: number;
  /** Median and worst round trip, in microseconds; absent when nothing came back. */
  readonly rttMicros?: number;
  readonly worstMicros?: number;
}

/** What a port nobody listens on does: `refused` proves that packets pass both ways, `silent` may be a firewall. */
export type PortAnswer = 'open' | 'refused' | 'silent';

/** What was measured along one way. */
export interface WayFigures {
  /** Through the network. */
  readonly overlay: EchoFigures;
  /** Bytes: what the devices promise, and the largest packet that came through whole. */
  readonly mtu: number;
  readonly largest?: number;
  readonly tcp?: PortAnswer;
  readonly udp?: PortAnswer;
  readonly load?: EchoFigures;
}

/**
 * What is known of containers on the other node. `answered`: there are some. `none`: no bridge of that node has an address in its subnet. Where no
 * container answers, what its host says of an address that is nobody's tells whether it forwards at all: `unreachable` (it does: it has looked for
 * the address behind its bridge), `refused` (a firewall says no) or `silent`.
 */
export type ContainersThere = 'answered' | 'none' | 'unreachable' | 'refused' | 'silent';

/** What was measured from a stand-in for a container: a namespace on a bridge of this node, as Docker would plug in a container. */
export interface ContainerFigures {
  readonly bridge: string;
  /** Address of the stand-in, and of the container that was measured. */
  readonly from: string;
  readonly to?: string;
  /** The other node's own address, from there. */
  readonly host: EchoFigures;
  readonly there: ContainersThere;
  /** Addresses that answered. */
  readonly count: number;
  /** An address that is somebody's, who does not answer: the host does not call it unreachable. */
  readonly mute?: string;
  readonly way?: WayFigures;
}

/** What was measured from one node to another. */
export interface PairFigures extends WayFigures {
  readonly from: string;
  readonly to: string;
  /** Of the other node. */
  readonly subnet: string;
  readonly publicIp: string;
  readonly backend: string;
  /** The route's state, as `routes` shows it. */
  readonly route: string;
  /** From public address to public address. */
  readonly underlay: EchoFigures;
  /** Absent when not asked for, when no bridge of this node is in its subnet, or when not even the nodes reach each other. */
  readonly containers?: ContainerFigures;
}

/** What follows from the figures. */
export interface PairVerdict {
  readonly result: 'ok' | 'warn' | 'fail';
  /** The likely cause, and what to do; absent when all is well. */
  readonly cause?: string;
  readonly fix?: string;
}

export type PairReport = PairFigures & PairVerdict;

/** More than this part lost under load is worth a word. */
const LOAD_LOSS = 0.01;

const lossOf = ({ sent, received }: EchoFigures): number => (sent === 0 ? 0 : (sent - received) / sent);
const isDead = ({ received }: EchoFigures): boolean => received === 0;

const PORTS: Readonly<Record<string, string>> = { udp: 'UDP port 8285', vxlan: 'UDP port 8472' };

function deadCause({ route, underlay, to, publicIp, backend }: PairFigures): Omit<PairVerdict, 'result'> {
  if (route !== 'ok') return { cause: `there is no working route to ${to}: ${route}`, fix: 'tsflannel plan' };
  if (isDead(underlay)) {
    return {
      cause: `${publicIp} does not answer either: ${to} is down, or the underlay does not lead there`,
      fix: 'tsflannel routes',
    };
  }
  const port = PORTS[backend];
  return {
    cause: port
      ? `${publicIp} answers, the tunnel does not: a firewall on the way drops ${port} (or the port the config names), or no daemon runs on ${to}`
      : `${publicIp} answers, its subnet does not: ${to} does not forward, or a router in between does not know the subnet`,
    fix: 'tsflannel doctor',
  };
}

type Fault = PairVerdict | undefined;

function narrowFault({ largest, mtu, to }: PairFigures): Fault {
  if (largest === undefined || largest >= mtu) return undefined;
  return {
    result: 'fail',
    cause: `packets of more than ${largest} bytes do not arrive, though the device takes ${mtu}: the path to ${to} is narrower than its interface says`,
    fix: `tsflannel config set --backend-option MTU=${largest}`,
  };
}

function lossFault({ overlay, underlay, load }: WayFigures & { readonly underlay?: EchoFigures }): Fault {
  if (lossOf(overlay) > 0) {
    const also = underlay && lossOf(underlay) > 0 ? ', on the underlay too' : '';
    return {
      result: 'warn',
      cause: `${overlay.sent - overlay.received} of ${overlay.sent} requests were lost${also}`,
      fix: 'tsflannel routes --watch',
    };
  }
  if (!load || lossOf(load) <= LOAD_LOSS) return undefined;
  return {
    result: 'warn',
    cause: `${load.sent - load.received} of ${load.sent} packets were lost under load`,
    fix: 'tsflannel bench --help',
  };
}

function tcpFault({ tcp, to }: PairFigures): Fault {
  if (tcp !== 'silent') return undefined;
  return {
    result: 'warn',
    cause: `TCP to ${to} itself is not answered: a firewall of that host drops it`,
    fix: 'tsflannel doctor',
  };
}

const failed = (cause: string): PairVerdict => ({ result: 'fail', cause, fix: 'tsflannel doctor' });

/** Between the two hosts all is well; what stops packets of containers then is one of the hosts. */
function forwardFault(pair: PairFigures, { host, there, bridge, from, mute }: ContainerFigures): Fault {
  const { to, subnet } = pair;
  if (isDead(host)) {
    return failed(
      `${pair.from} does not forward what its containers send: ${to} answers the host itself, but not ${from} behind ${bridge} (FORWARD policy or a rule of ${pair.from})`,
    );
  }
  if (there === 'silent' || there === 'refused') {
    const how =
      there === 'refused' ? 'a firewall there refuses it' : 'FORWARD policy or a rule of that host; look there';
    return failed(`${to} answers itself, but does not forward to containers in ${subnet}: ${how}`);
  }
  if (mute === undefined) return undefined;
  return {
    result: 'warn',
    cause: `${to} forwards, but ${mute} behind it does not answer: Docker 28 and newer drop what comes from other hosts unless direct routing is allowed there, or the container has a firewall`,
    fix: 'tsflannel doctor',
  };
}

function containerWayFault({ to, mtu }: PairFigures, { bridge, way, to: container }: ContainerFigures): Fault {
  if (!way) return undefined;
  if (isDead(way.overlay)) return failed(`the container ${container} of ${to} does not answer, ${to} itself does`);
  if (way.largest === undefined || way.largest >= way.mtu) return lossFault(way);
  if (way.largest >= mtu) {
    return {
      result: 'warn',
      cause: `${bridge} takes packets of ${way.mtu} bytes, the network of ${mtu}: what containers send larger is cut or lost`,
      fix: 'tsflannel docker apply',
    };
  }
  return failed(
    `packets of more than ${way.largest} bytes do not reach containers of ${to}: a bridge there is narrower`,
  );
}

const worst = (faults: readonly Fault[]): Fault =>
  faults.find((fault) => fault?.result === 'fail') ?? faults.find((fault) => fault !== undefined);

/** Pure: the likely cause of what the figures show. Failures before warnings, the way of the hosts before that of their containers. */
export function judgePair(pair: PairFigures): PairVerdict {
  if (isDead(pair.overlay)) return { result: 'fail', ...deadCause(pair) };
  const { containers } = pair;
  const ofContainers = containers && [forwardFault(pair, containers), containerWayFault(pair, containers)];
  return worst([narrowFault(pair), lossFault(pair), tcpFault(pair), ...(ofContainers ?? [])]) ?? { result: 'ok' };
}
