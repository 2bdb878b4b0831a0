import { type Memory, setPointer } from '../sys/memory.ts';

/**
 * The arrays that recvmmsg and sendmmsg take, for `count` datagrams of one buffer each, built once. Layouts are those of 64-bit Linux:
 * mmsghdr {msghdr 56 bytes, length}, iovec {base, length}, sockaddr_in {family, port, address}.
 */
export interface Messages {
  /** Numeric address of message `i`: what the system call takes. */
  addressOf(i: number): number;
  /** Which bytes (offset in the memory) message `i` sends or receives into. */
  setData(i: number, offset: number, length: number): void;
  setPeer(i: number, address: number, port: number): void;
  /** Address the datagram came from. */
  peerOf(i: number): number;
  /** Bytes received. */
  lengthOf(i: number): number;
}

const MMSGHDR = 64;
const IOVEC = 16;
export const SOCKADDR = 16;
const AF_INET = 2;

/** Writes a sockaddr_in at `offset`. */
export function writeSockaddr(view: DataView, offset: number, address: number, port: number): void {
  view.setUint16(offset, AF_INET, true);
  view.setUint16(offset + 2, port);
  view.setUint32(offset + 4, address);
}

export function createMessages(memory: Memory, count: number): Messages {
  const { base, view } = memory;
  const headers = memory.reserve(count * MMSGHDR);
  const iovecs = memory.reserve(count * IOVEC);
  const peers = memory.reserve(count * SOCKADDR);
  for (let i = 0; i < count; i++) {
    const header = headers + i * MMSGHDR;
    setPointer(view, header, base + peers + i * SOCKADDR);
    view.setUint32(header + 8, SOCKADDR, true);
    setPointer(view, header + 16, base + iovecs + i * IOVEC);
    setPointer(view, header + 24, 1);
    view.setUint16(peers + i * SOCKADDR, AF_INET, true);
  }
  return {
    addressOf: (i) => base + headers + i * MMSGHDR,
    setData(i, offset, length) {
      setPointer(view, iovecs + i * IOVEC, base + offset);
      view.setUint32(iovecs + i * IOVEC + 8, length, true);
    },
    setPeer: (i, address, port) => writeSockaddr(view, peers + i * SOCKADDR, address, port),
    peerOf: (i) => view.getUint32(peers + i * SOCKADDR + 4),
    lengthOf: (i) => view.getUint32(headers + i * MMSGHDR + 56, true),
  };
}
