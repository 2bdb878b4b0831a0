import type { Memory } from '../sys/memory.ts';
import { SOCKADDR, writeSockaddr } from '../sys/messages.ts';
import type { PacketIo } from '../sys/packet-io.ts';
import { buildIcmpError, ICMP_MAX, type IcmpError } from './icmp.ts';
import type { Job } from './job.ts';
import { createLimiter } from './limiter.ts';
import { type Span, sourceOf } from './packet.ts';

/** ICMP errors of this node. */
export interface Answers {
  /** Whether one more may be sent now: all are limited together. */
  allowed(): boolean;
  /** To a sender on this host. */
  toHost(offender: Span, error: IcmpError): void;
  /** To a sender behind the peer at `hop`:`port`. */
  toPeer(offender: Span, error: IcmpError, hop: number, port: number): void;
}

const PER_SECOND = 1000;
const BURST = 50;

/**
 * Errors to our own containers leave by a raw socket, as the kernel's own do: one written into the TUN would come from a local address
 * and be dropped as a martian (fib_validate_source) unless the device has accept_local.
 */
export function createAnswers(job: Job, io: PacketIo, memory: Memory): Answers {
  const at = memory.reserve(ICMP_MAX);
  const receiver = memory.reserve(SOCKADDR);
  const packet: Span = { bytes: memory.bytes, view: memory.view, at, length: ICMP_MAX };
  const limiter = createLimiter(PER_SECOND, BURST);
  function send(fd: number, offender: Span, error: IcmpError): void {
    const length = buildIcmpError(packet, offender, error, job.self.address);
    if (length > 0) io.sendto(fd, memory.base + at, length, 0, memory.base + receiver, SOCKADDR);
  }
  return {
    allowed: () => limiter(performance.now()),
    toHost(offender, error) {
      writeSockaddr(memory.view, receiver, sourceOf(offender), 0);
      send(job.fds.raw, offender, error);
    },
    toPeer(offender, error, hop, port) {
      writeSockaddr(memory.view, receiver, hop, port);
      send(job.fds.udp, offender, error);
    },
  };
}
