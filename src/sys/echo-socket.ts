/** A raw ICMP socket that sends echo requests, and hears the replies and the requests of others, with the kernel's time of arrival. */
import { TsflannelError } from '../errors.ts';
import { errnoText, libc } from './libc.ts';

const AF_INET = 2;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const SOCK_NONBLOCK = 0x800;
const IPPROTO_ICMP = 1;
/** Level and option: a mask of the types that are not wanted. */
const SOL_RAW = 255;
const ICMP_FILTER = 1;
const NOT_ECHO = ~((1 << 0) | (1 << 8));
const NOT_ECHO_OR_ERROR = NOT_ECHO & ~(1 << 3);
/** Sets DF, and forgets what the kernel has learned of the path. */
const IPPROTO_IP = 0;
const IP_MTU_DISCOVER = 10;
const IP_PMTUDISC_PROBE = 3;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const MSG_DONTWAIT = 0x40;
const SIOCGSTAMPNS = 0x8907;
const CLOCK_REALTIME = 0;
/** An IPv4 header with options and the little we send: what is longer is cut off. */
const PACKET = 256;

export interface EchoSocket {
  /** To an IPv4 address (a number); `false` when the kernel refuses, for want of a route perhaps. */
  send(to: number, packet: Uint8Array): boolean;
  /** The next packet that has arrived, IPv4 header first, valid until the next call, and when (real time, ns); `undefined`: none waits. */
  receive(): { readonly packet: Uint8Array; readonly at: bigint } | undefined;
  /** Real time in ns, of the same clock. */
  now(): bigint;
  close(): void;
}

const nanoseconds = (timespec: Buffer): bigint =>
  timespec.readBigInt64LE(0) * 1_000_000_000n + timespec.readBigInt64LE(8);

/** How a socket differs from one that only asks now and then. */
export interface EchoSocketOptions {
  /** Packets that do not fit are refused or lost, never fragmented. */
  readonly whole?: boolean;
  /** It hears too that a destination is unreachable. */
  readonly errors?: boolean;
  /** Bytes that may wait to be read: what a process that is late would lose was not lost on the way. */
  readonly room?: number;
}

function setOption(fd: number, level: number, option: number, value: number): void {
  const data = Buffer.alloc(4);
  data.writeInt32LE(value);
  libc().setsockopt(fd, level, option, data, data.length);
}

/** Throws NOT_ROOT, KERNEL_REFUSED. */
export function openEchoSocket({ whole, errors, room }: EchoSocketOptions = {}): EchoSocket {
  const c = libc();
  const fd = c.socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP);
  if (fd < 0) {
    const why = errnoText(c.errno());
    if (/EPERM|EACCES/.test(why)) throw new TsflannelError('NOT_ROOT', { detail: 'open a raw socket' });
    throw new TsflannelError('KERNEL_REFUSED', { detail: 'opening a raw socket', why });
  }
  setOption(fd, SOL_RAW, ICMP_FILTER, errors ? NOT_ECHO_OR_ERROR : NOT_ECHO);
  if (whole) setOption(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  if (room !== undefined) setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, room);
  const data = Buffer.alloc(PACKET);
  const timespec = Buffer.alloc(16);
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  // The first call makes the kernel note the time of each packet from now on.
  c.ioctlPointer(fd, SIOCGSTAMPNS, timespec);
  return {
    send(to, packet) {
      address.writeUInt32BE(to, 4);
      return c.sendto(fd, packet, packet.length, 0, address, address.length) === packet.length;
    },
    receive() {
      const size = c.recv(fd, data, PACKET, MSG_DONTWAIT);
      if (size < 0) return undefined;
      c.ioctlPointer(fd, SIOCGSTAMPNS, timespec);
      return { packet: data.subarray(0, size), at: nanoseconds(timespec) };
    },
    now() {
      c.clockGettime(CLOCK_REALTIME, timespec);
      return nanoseconds(timespec);
    },
    close: () => void c.close(fd),
  };
}
