/**
 * The header that the TUN puts before each packet (IFF_VNET_HDR; struct virtio_net_hdr, 10 bytes, in the machine's order): what is left to
 * do to a packet that the kernel hands over unfinished, or what is done already on one it is given.
 */
export const VNET_HEADER = 10;

/** The transport checksum is only begun: it holds the pseudo header's sum. */
export const NEEDS_CHECKSUM = 1;
/** The checksum was verified. */
export const CHECKSUM_VALID = 2;

export const GSO_NONE = 0;
export const GSO_TCP4 = 1;
/** UDP datagrams of one length (USO). */
export const GSO_UDP = 5;
/** Beside GSO_TCP4: the first segment carries CWR. */
export const GSO_ECN = 0x80;

/** What the header says; one object used again and again. */
export interface Vnet {
  flags: number;
  /** Without GSO_ECN. */
  gso: number;
  headerLength: number;
  /** Payload bytes a segment. */
  size: number;
  checksumStart: number;
  checksumOffset: number;
}

export const createVnet = (): Vnet => ({
  flags: 0,
  gso: GSO_NONE,
  headerLength: 0,
  size: 0,
  checksumStart: 0,
  checksumOffset: 0,
});

export function readVnet(view: DataView, at: number, into: Vnet): void {
  into.flags = view.getUint8(at);
  into.gso = view.getUint8(at + 1) & ~GSO_ECN;
  into.headerLength = view.getUint16(at + 2, true);
  into.size = view.getUint16(at + 4, true);
  into.checksumStart = view.getUint16(at + 6, true);
  into.checksumOffset = view.getUint16(at + 8, true);
}

export function writeVnet(view: DataView, at: number, from: Vnet): void {
  view.setUint8(at, from.flags);
  view.setUint8(at + 1, from.gso);
  view.setUint16(at + 2, from.headerLength, true);
  view.setUint16(at + 4, from.size, true);
  view.setUint16(at + 6, from.checksumStart, true);
  view.setUint16(at + 8, from.checksumOffset, true);
}
