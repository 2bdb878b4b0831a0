import { SOCKADDR, writeSockaddr } from '../sys/messages.ts';
import * as socket from '../sys/socket.ts';
import { BUFFER, type Context } from './context.ts';
import { fragmentationNeeded } from './icmp.ts';
import { DROP, mustNotFragment, type Span } from './packet.ts';
import type { Datagram } from './queue.ts';

const TOO_BIG = DROP['too-big'];
/** Outer IPv4 20 + UDP 8. */
const OVERHEAD = 28;
/** No IPv4 link is smaller (RFC 791). */
const MIN_MTU = 68;

/** MTU for packets to a peer as the kernel knows the path: only a connected socket tells (ip(7), IP_MTU). */
function createPathMtu({ io, memory, table, job }: Context, options: socket.IntOptions): (row: number) => number {
  const address = memory.reserve(SOCKADDR);
  const withAddress = (ip: number, port: number): [number, number] => {
    writeSockaddr(memory.view, address, ip, port);
    return [memory.base + address, SOCKADDR];
  };
  return (row) => {
    const fd = io.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, 0);
    io.bind(fd, ...withAddress(job.local, 0));
    io.connect(fd, ...withAddress(table.hop[row]!, table.port[row]!));
    const mtu = options.get(fd, socket.IP_MTU) - OVERHEAD;
    if (fd >= 0) io.close(fd);
    return Math.max(mtu, MIN_MTU);
  };
}

/**
 * For a datagram that the underlay cannot take whole (EMSGSIZE): its sender is told the size that fits, or, if it allows fragments, the
 * datagram leaves in fragments of the underlay, which the peer's kernel puts together. Takes also its table row and the address of its
 * prebuilt message.
 */
export function createOversize(context: Context): (datagram: Datagram, row: number, message: number) => void {
  const { io, memory, table, counters, answers, job } = context;
  const options = socket.createIntOptions(io, memory);
  const pathMtu = createPathMtu(context, options);
  const copy: Span = { bytes: memory.bytes, view: memory.view, at: memory.reserve(BUFFER), length: 0 };

  function sendInFragments(message: number): boolean {
    options.set(job.fds.udp, socket.IP_MTU_DISCOVER, socket.IP_PMTUDISC_WANT);
    const sent = io.sendmmsg(job.fds.udp, message, 1, 0);
    options.set(job.fds.udp, socket.IP_MTU_DISCOVER, socket.IP_PMTUDISC_DO);
    return sent === 1;
  }

  /** The packet in one piece, as it is quoted. */
  function joined({ headAt, headLength, restAt, restLength }: Datagram): Span {
    memory.bytes.copyWithin(copy.at, headAt, headAt + headLength);
    memory.bytes.copyWithin(copy.at + headLength, restAt, restAt + restLength);
    copy.length = headLength + restLength;
    return copy;
  }

  return (datagram, row, message) => {
    const span = joined(datagram);
    if (!mustNotFragment(span) && sendInFragments(message)) {
      counters.sent(table.peer[row]!, 1, span.length);
      return;
    }
    counters.dropped(TOO_BIG, 1);
    if (mustNotFragment(span) && answers.allowed()) answers.toHost(span, fragmentationNeeded(pathMtu(row)));
  };
}
