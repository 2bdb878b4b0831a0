import type { Context } from './context.ts';
import { fragmentationNeeded } from './icmp.ts';
import { SOCKADDR, writeSockaddr } from './messages.ts';
import { DROP, mustNotFragment, type Span } from './packet.ts';
import * as socket from './socket.ts';

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
    const fd = io.socket(socket.AF_INET, socket.SOCK_DGRAM, 0);
    io.bind(fd, ...withAddress(job.local, 0));
    io.connect(fd, ...withAddress(table.hop[row]!, table.port[row]!));
    const mtu = options.get(fd, socket.IP_MTU) - OVERHEAD;
    if (fd >= 0) io.close(fd);
    return Math.max(mtu, MIN_MTU);
  };
}

/**
 * For a packet that the underlay cannot take whole (EMSGSIZE): its sender is told the size that fits, or, if it allows fragments, the
 * datagram leaves in fragments of the underlay, which the peer's kernel puts together. Takes the packet, its table row and the address
 * of its prebuilt message.
 */
export function createOversize(context: Context): (span: Span, row: number, message: number) => void {
  const { io, memory, table, counters, answers, job } = context;
  const options = socket.createIntOptions(io, memory);
  const pathMtu = createPathMtu(context, options);

  function sendInFragments(message: number): boolean {
    options.set(job.fds.udp, socket.IP_MTU_DISCOVER, socket.IP_PMTUDISC_WANT);
    const sent = io.sendmmsg(job.fds.udp, message, 1, 0);
    options.set(job.fds.udp, socket.IP_MTU_DISCOVER, socket.IP_PMTUDISC_DO);
    return sent === 1;
  }

  return (span, row, message) => {
    if (!mustNotFragment(span) && sendInFragments(message)) {
      counters.sent(table.peer[row]!, 1, span.length);
      return;
    }
    counters.dropped(TOO_BIG, 1);
    if (mustNotFragment(span)) answers.toHost(span, fragmentationNeeded(pathMtu(row)));
  };
}
