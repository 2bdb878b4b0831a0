import { type Memory, setPointer } from './memory.ts';

/**
 * The arrays that recvmmsg and sendmmsg take, built once. Layouts are those of 64-bit Linux: mmsghdr {msghdr 56 bytes, length}, iovec
 * {base, length}, sockaddr_in {family, port, address}, cmsghdr {length, level, type} and its value.
 */
export interface Messages {
  /** Numeric address of message `i`: what the system call takes. */
  addressOf(i: number): number;
  /** Lets message `i` consist of `count` iovecs from `first`. */
  setIovecs(i: number, first: number, count: number): void;
  setPeer(i: number, address: number, port: number): void;
  /** For a connected socket. */
  setNoPeer(i: number): void;
  /** Lets the kernel cut message `i` into datagrams of `size` bytes; 0: it is one datagram. */
  setSegmentSize(i: number, size: number): void;
  /** Makes room for what the kernel says about message `i`: before each receive. */
  expectControl(i: number): void;
  /** Address the datagram came from. */
  peerOf(i: number): number;
  /** Bytes received. */
  lengthOf(i: number): number;
  /** Length of each datagram where the kernel joined several (UDP_GRO); 0: it is one. */
  segmentSizeOf(i: number): number;
}

const MMSGHDR = 64;
const MSGHDR_CONTROL_LENGTH = 40;
const MMSGHDR_LENGTH = 56;
const CONTROL = 32;
const CMSG_HEADER = 16;
const CMSG_SPACE = 24;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const UDP_GRO = 104;
export const SOCKADDR = 16;
const AF_INET = 2;

/** Writes a sockaddr_in at `offset`. */
export function writeSockaddr(view: DataView, offset: number, address: number, port: number): void {
  view.setUint16(offset, AF_INET, true);
  view.setUint16(offset + 2, port);
  view.setUint32(offset + 4, address);
}

/** An array of iovecs: pieces of memory to read from or to write into. */
export interface Iovecs {
  /** Offset of the array in the memory. */
  readonly at: number;
  set(i: number, offset: number, length: number): void;
}

const IOVEC = 16;

export function createIovecs({ base, view, reserve }: Memory, count: number): Iovecs {
  const at = reserve(count * IOVEC);
  return {
    at,
    set(i, offset, length) {
      setPointer(view, at + i * IOVEC, base + offset);
      view.setUint32(at + i * IOVEC + 8, length, true);
    },
  };
}

export function createMessages(memory: Memory, count: number, iovecs: Iovecs): Messages {
  const { base, view } = memory;
  const headers = memory.reserve(count * MMSGHDR);
  const peers = memory.reserve(count * SOCKADDR);
  const controls = memory.reserve(count * CONTROL);
  const setControlLength = (i: number, length: number): void =>
    view.setUint32(headers + i * MMSGHDR + MSGHDR_CONTROL_LENGTH, length, true);
  for (let i = 0; i < count; i++) {
    const header = headers + i * MMSGHDR;
    setPointer(view, header, base + peers + i * SOCKADDR);
    view.setUint32(header + 8, SOCKADDR, true);
    setPointer(view, header + 32, base + controls + i * CONTROL);
    view.setUint16(peers + i * SOCKADDR, AF_INET, true);
  }
  return {
    addressOf: (i) => base + headers + i * MMSGHDR,
    setIovecs(i, first, length) {
      setPointer(view, headers + i * MMSGHDR + 16, base + iovecs.at + first * IOVEC);
      view.setUint32(headers + i * MMSGHDR + 24, length, true);
    },
    setPeer: (i, address, port) => writeSockaddr(view, peers + i * SOCKADDR, address, port),
    setNoPeer(i) {
      setPointer(view, headers + i * MMSGHDR, 0);
      view.setUint32(headers + i * MMSGHDR + 8, 0, true);
    },
    setSegmentSize(i, size) {
      setControlLength(i, size === 0 ? 0 : CMSG_SPACE);
      if (size === 0) return;
      const control = controls + i * CONTROL;
      setPointer(view, control, CMSG_HEADER + 2);
      view.setUint32(control + 8, SOL_UDP, true);
      view.setUint32(control + 12, UDP_SEGMENT, true);
      view.setUint16(control + CMSG_HEADER, size, true);
    },
    expectControl: (i) => setControlLength(i, CONTROL),
    peerOf: (i) => view.getUint32(peers + i * SOCKADDR + 4),
    lengthOf: (i) => view.getUint32(headers + i * MMSGHDR + MMSGHDR_LENGTH, true),
    segmentSizeOf(i) {
      const control = controls + i * CONTROL;
      const length = view.getUint32(headers + i * MMSGHDR + MSGHDR_CONTROL_LENGTH, true);
      const isGro =
        length >= CMSG_HEADER + 4 &&
        view.getUint32(control + 8, true) === SOL_UDP &&
        view.getUint32(control + 12, true) === UDP_GRO;
      return isGro ? Math.max(0, view.getInt32(control + CMSG_HEADER, true)) : 0;
    },
  };
}
