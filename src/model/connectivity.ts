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

/** What was measured from one node to another. */
export interface PairFigures {
  readonly from: string;
  readonly to: string;
  /** Of the other node. */
  readonly subnet: string;
  readonly publicIp: string;
  readonly backend: string;
  /** The route's state, as `routes` shows it. */
  readonly route: string;
  /** Through the network. */
  readonly overlay: EchoFigures;
  /** From public address to public address. */
  readonly underlay: EchoFigures;
  /** Bytes: what the devices promise, and the largest packet that came through whole. */
  readonly mtu: number;
  readonly largest?: number;
  readonly tcp?: PortAnswer;
  readonly udp?: PortAnswer;
  readonly load?: EchoFigures;
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

/** Pure: the likely cause of what the figures show. Ordered by what hurts most. */
export function judgePair(pair: PairFigures): PairVerdict {
  const { overlay, underlay, largest, mtu, load, to, tcp } = pair;
  if (isDead(overlay)) return { result: 'fail', ...deadCause(pair) };
  if (largest !== undefined && largest < mtu) {
    return {
      result: 'fail',
      cause: `packets of more than ${largest} bytes do not arrive, though the device takes ${mtu}: the path to ${to} is narrower than its interface says`,
      fix: `tsflannel config set --backend-option MTU=${largest}`,
    };
  }
  if (lossOf(overlay) > 0) {
    const also = lossOf(underlay) > 0 ? ', on the underlay too' : '';
    return {
      result: 'warn',
      cause: `${overlay.sent - overlay.received} of ${overlay.sent} requests were lost${also}`,
      fix: 'tsflannel routes --watch',
    };
  }
  if (load && lossOf(load) > LOAD_LOSS) {
    return {
      result: 'warn',
      cause: `${load.sent - load.received} of ${load.sent} packets were lost under load`,
      fix: 'tsflannel bench --help',
    };
  }
  if (tcp === 'silent')
    return {
      result: 'warn',
      cause: `TCP to ${to} itself is not answered: a firewall of that host drops it`,
      fix: 'tsflannel doctor',
    };
  return { result: 'ok' };
}
