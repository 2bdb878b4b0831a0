import { closeSync, constants, openSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { TsflannelError } from '../errors.ts';
import type { Carrier } from '../kernel/state.ts';
import { errnoText } from '../sys/libc.ts';
import { createMemory, type Memory, setText } from '../sys/memory.ts';
import { SOCKADDR, writeSockaddr } from '../sys/messages.ts';
import { loadPacketIo, type PacketIo } from '../sys/packet-io.ts';
import * as socket from '../sys/socket.ts';
import type { Descriptors, Offloads } from './job.ts';
import { VNET_HEADER } from './vnet.ts';

/** O_NONBLOCK | O_CLOEXEC, which sockets and eventfds take too. */
const FLAGS = constants.O_NONBLOCK | socket.SOCK_CLOEXEC;
const SIOCGIFINDEX = 0x8933;
const SIOCSIFTXQLEN = 0x8943;
const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const TUNSETVNETHDRSZ = 0x400454d8;
const IFF_TUN = 0x1;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
/** TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO_ECN; and TUN_F_USO4 with TUN_F_USO6, which the kernel takes together only. */
const OFFLOAD_TCP = 0x1 | 0x2 | 0x8;
const OFFLOAD_UDP = 0x20 | 0x40;
/** struct ifreq: the name in 16 bytes, then flags. */
const IFREQ = 40;
const IFREQ_FLAGS = 16;

const SOCKET_BUFFER = 4 << 20;
/** Packets that wait for the thread while others have its processor: 40 ms of 100,000/s. The kernel's 500 are lost sooner. */
const DEVICE_QUEUE = 4000;
/** A process that was killed lets go of device and port a moment later. */
const HELD_MS = 2000;
const RETRY_MS = 20;
const { EACCES, EADDRINUSE, EBUSY, EPERM } = osConstants.errno;

/** What was opened, and which of the wanted offloads this kernel has. */
export interface Opened {
  readonly fds: Descriptors;
  readonly offloads: Offloads;
}

interface Opening {
  readonly io: PacketIo;
  readonly memory: Memory;
  /** IFREQ bytes of the memory, to pass arguments in. */
  readonly scratch: number;
  readonly carrier: Carrier;
  /** What has been opened so far, to be closed if a later step fails. */
  readonly opened: number[];
}

const refusal = (detail: string, errno: number): TsflannelError =>
  errno === EPERM || errno === EACCES
    ? new TsflannelError('NOT_ROOT', { detail })
    : new TsflannelError('KERNEL_REFUSED', { detail, why: errnoText(errno) }, errno);

function must({ io }: Opening, result: number, detail: string): number {
  if (result < 0) throw refusal(detail, io.errno());
  return result;
}

/** As `must`, for a call that returns a descriptor. */
function mustOpen(opening: Opening, fd: number, detail: string): number {
  opening.opened.push(must(opening, fd, detail));
  return fd;
}

function openUdp(opening: Opening): number {
  const { io, memory, scratch, carrier } = opening;
  const detail = `opening UDP port ${carrier.port}`;
  const udp = mustOpen(opening, io.socket(socket.AF_INET, socket.SOCK_DGRAM | FLAGS, 0), detail);
  const options = socket.createIntOptions(io, memory);
  // Without CAP_NET_ADMIN over the machine the forced size is refused; the plain one is cut to net.core.rmem_max and wmem_max.
  if (options.set(udp, socket.SO_RCVBUFFORCE, SOCKET_BUFFER) < 0) options.set(udp, socket.SO_RCVBUF, SOCKET_BUFFER);
  if (options.set(udp, socket.SO_SNDBUFFORCE, SOCKET_BUFFER) < 0) options.set(udp, socket.SO_SNDBUF, SOCKET_BUFFER);
  // A datagram too big for its path is refused rather than cut up: see oversize.ts.
  must(opening, options.set(udp, socket.IP_MTU_DISCOVER, socket.IP_PMTUDISC_DO), detail);
  writeSockaddr(memory.view, scratch, Number(carrier.local.value), carrier.port);
  must(opening, io.bind(udp, memory.base + scratch, SOCKADDR), detail);
  return udp;
}

function openClone(opening: Opening): number {
  try {
    const tun = openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK);
    opening.opened.push(tun);
    return tun;
  } catch (error) {
    throw refusal('opening /dev/net/tun', -((error as NodeJS.ErrnoException).errno ?? 0));
  }
}

/** Attaches to the device. Looks for it by the UDP socket first: TUNSETIFF would make one where there is none. */
function openTun(opening: Opening, udp: number): number {
  const { io, memory, scratch, carrier } = opening;
  const detail = `attaching to ${carrier.device}`;
  memory.bytes.fill(0, scratch, scratch + IFREQ);
  setText(memory, scratch, carrier.device);
  must(opening, io.ioctl(udp, SIOCGIFINDEX, memory.base + scratch), detail);
  const tun = openClone(opening);
  memory.view.setUint32(scratch + IFREQ_FLAGS, IFF_TUN | IFF_NO_PI | IFF_VNET_HDR, true);
  must(opening, io.ioctl(tun, TUNSETIFF, memory.base + scratch), detail);
  memory.view.setInt32(scratch + IFREQ_FLAGS, DEVICE_QUEUE, true);
  must(opening, io.ioctl(udp, SIOCSIFTXQLEN, memory.base + scratch), `setting the queue of ${carrier.device}`);
  memory.view.setInt32(scratch, VNET_HEADER, true);
  must(opening, io.ioctl(tun, TUNSETVNETHDRSZ, memory.base + scratch), detail);
  return tun;
}

/**
 * Turns on what the kernel has of the wanted offloads, step by step. What is not wanted is turned off: offloads stay on a persistent
 * device when the program that asked for them has gone.
 */
function negotiate(
  { io, memory }: Opening,
  { tun, udp }: Pick<Descriptors, 'tun' | 'udp'>,
  wanted: Offloads,
): Offloads {
  const options = socket.createIntOptions(io, memory);
  const device = (flags: number): boolean => io.ioctl(tun, TUNSETOFFLOAD, flags) === 0;
  const both = wanted.tcp && wanted.udp && device(OFFLOAD_TCP | OFFLOAD_UDP);
  const tcp = both || (wanted.tcp && device(OFFLOAD_TCP));
  if (!tcp) device(0);
  return {
    tcp,
    udp: both,
    segment: wanted.segment && options.set(udp, socket.UDP_SEGMENT, 0) === 0,
    gro: wanted.gro && options.set(udp, socket.UDP_GRO, 1) === 0,
  };
}

function openAll(opening: Opening, wanted: Offloads): Opened {
  const { io } = opening;
  const udp = openUdp(opening);
  const tun = openTun(opening, udp);
  const raw = io.socket(socket.AF_INET, socket.SOCK_RAW | FLAGS, socket.IPPROTO_RAW);
  mustOpen(opening, raw, 'opening a raw socket');
  const wake = mustOpen(opening, io.eventfd(0, FLAGS), 'making an eventfd');
  return { fds: { tun, udp, raw, wake }, offloads: negotiate(opening, { tun, udp }, wanted) };
}

const isHeld = (error: unknown): boolean =>
  error instanceof TsflannelError && (error.cause === EBUSY || error.cause === EADDRINUSE);

/**
 * Opens all that a carrier needs; its device must be there already. Waits up to 2 s for another process to let go of device and port.
 * Throws KERNEL_REFUSED or NOT_ROOT.
 */
export async function openCarrier(carrier: Carrier, wanted: Offloads): Promise<Opened> {
  const io = loadPacketIo();
  const memory = createMemory(1);
  const scratch = memory.reserve(IFREQ);
  for (const end = performance.now() + HELD_MS; ; await sleep(RETRY_MS)) {
    const opened: number[] = [];
    try {
      return openAll({ io, memory, scratch, carrier, opened }, wanted);
    } catch (error) {
      for (const fd of opened) closeSync(fd);
      if (!isHeld(error) || performance.now() > end) throw error;
    }
  }
}

export function closeCarrier(descriptors: Descriptors): void {
  for (const fd of Object.values(descriptors) as number[]) closeSync(fd);
}
