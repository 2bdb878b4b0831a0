import { errnoText } from '../sys/libc.ts';
import { createMemory, type Memory, setText } from '../sys/memory.ts';
import { SOCKADDR, writeSockaddr } from '../sys/messages.ts';
import { loadPacketIo, type PacketIo } from '../sys/packet-io.ts';
import * as socket from '../sys/socket.ts';

const SOL_SOCKET = 1;
const SO_REUSEADDR: socket.IntOption = [SOL_SOCKET, 2];
const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;
const SO_MEMINFO = 55;
/** Ninth word of SO_MEMINFO: datagrams dropped for want of room. */
const MEMINFO_DROPS = 32;
const IPPROTO_TCP = 6;
const TCP_INFO = 11;
const TCP_CONGESTION = 13;
const TCP_INFO_RETRANSMITS = 100;
const OPTION = 128;
const BUFFER = 4 << 20;

/** An IPv4 address (as a number) and a port. */
export interface SocketAddress {
  readonly ip: number;
  readonly port: number;
}

/** Blocking sockets, for threads of their own. Every call that fails throws with the kernel's reason. */
export interface Sockets {
  readonly io: PacketIo;
  readonly memory: Memory;
  /** Every call on the socket returns after `timeoutMs` at the latest. */
  open(type: 'tcp' | 'udp', timeoutMs: number): number;
  bind(fd: number, address: SocketAddress): void;
  connect(fd: number, address: SocketAddress): void;
  listen(fd: number): void;
  /** `undefined` when nobody came in time. */
  accept(fd: number, timeoutMs: number): number | undefined;
  local(fd: number): SocketAddress;
  /** Path MTU the kernel knows for a connected socket. */
  mtu(fd: number): number;
  /** By the kernel's name for it: `cubic`. */
  setCongestion(fd: number, name: string): void;
  /** Segments that were sent again, of a TCP socket. */
  retransmits(fd: number): number;
  /** Datagrams dropped because the socket was full. */
  overflowed(fd: number): number;
  close(fd: number): void;
}

function createBase(io: PacketIo, memory: Memory) {
  const { view, base } = memory;
  const value = memory.reserve(OPTION);
  const size = memory.reserve(8);
  const must = (result: number, what: string): number => {
    if (result < 0) throw new Error(`${what}: ${errnoText(io.errno())}`);
    return result;
  };
  /** Word at `offset` of what the option holds. */
  const word = (fd: number, level: number, name: number, offset: number): number => {
    view.setInt32(size, OPTION, true);
    must(io.getsockopt(fd, level, name, base + value, base + size), 'getsockopt');
    return view.getUint32(value + offset, true);
  };
  const timeout = (fd: number, ms: number): void => {
    view.setBigInt64(value, BigInt(Math.floor(ms / 1000)), true);
    view.setBigInt64(value + 8, BigInt((ms % 1000) * 1000), true);
    for (const name of [SO_RCVTIMEO, SO_SNDTIMEO])
      must(io.setsockopt(fd, SOL_SOCKET, name, base + value, 16), 'timeout');
  };
  return { must, word, timeout };
}

/** `size`: bytes of memory the caller will reserve for itself. */
export function createSockets(size = 0): Sockets {
  const io = loadPacketIo();
  const memory = createMemory(size + 1024);
  const { view, base } = memory;
  const { must, word, timeout } = createBase(io, memory);
  const options = socket.createIntOptions(io, memory);
  const address = memory.reserve(SOCKADDR);
  const length = memory.reserve(4);
  const at = ({ ip, port }: SocketAddress): readonly [number, number] => {
    writeSockaddr(view, address, ip, port);
    return [base + address, SOCKADDR];
  };
  const fillable = (): readonly [number, number] => {
    view.setInt32(length, SOCKADDR, true);
    return [base + address, base + length];
  };
  return {
    io,
    memory,
    open(type, timeoutMs) {
      const kind = type === 'tcp' ? socket.SOCK_STREAM : socket.SOCK_DGRAM;
      const fd = must(io.socket(socket.AF_INET, kind | socket.SOCK_CLOEXEC, 0), `a ${type} socket`);
      timeout(fd, timeoutMs);
      if (type === 'tcp') options.set(fd, SO_REUSEADDR, 1);
      else if (options.set(fd, socket.SO_RCVBUFFORCE, BUFFER) < 0) options.set(fd, socket.SO_RCVBUF, BUFFER);
      return fd;
    },
    bind: (fd, to) => void must(io.bind(fd, ...at(to)), `port ${to.port}`),
    connect: (fd, to) => void must(io.connect(fd, ...at(to)), 'connecting'),
    listen: (fd) => void must(io.listen(fd, 64), 'listening'),
    accept(fd, timeoutMs) {
      const accepted = io.accept(fd, ...fillable());
      if (accepted < 0) return undefined;
      timeout(accepted, timeoutMs);
      return accepted;
    },
    local(fd) {
      must(io.getsockname(fd, ...fillable()), 'getsockname');
      return { ip: view.getUint32(address + 4), port: view.getUint16(address + 2) };
    },
    mtu: (fd) => must(options.get(fd, socket.IP_MTU), 'the path MTU'),
    setCongestion(fd, name) {
      const at = memory.reserve(name.length + 1);
      setText(memory, at, name);
      must(io.setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, base + at, name.length), `congestion control ${name}`);
    },
    retransmits: (fd) => word(fd, IPPROTO_TCP, TCP_INFO, TCP_INFO_RETRANSMITS),
    overflowed: (fd) => word(fd, SOL_SOCKET, SO_MEMINFO, MEMINFO_DROPS),
    close: (fd) => void io.close(fd),
  };
}
