/**
 * sys/ knows how to call the operating system where Node has no function for it: netlink sockets, ioctl on TUN devices.
 * It must not know routes, links or what they are for: kernel/linux and the forwarder give these calls a meaning.
 * This file is pure: netlink messages to bytes and back. Numbers are in host byte order, which is little-endian on every
 * machine koffi is built for (x64, arm64); values that netlink wants in network order say so in their name.
 */

/** nlmsghdr.nlmsg_flags and the message types that netlink itself uses. */
export const NLM = {
  REQUEST: 0x1,
  MULTI: 0x2,
  ACK: 0x4,
  DUMP_INTR: 0x10,
  DUMP: 0x300,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  APPEND: 0x800,
  /** Flag of an error message: attributes follow the echoed header. */
  ACK_TLVS: 0x200,
} as const;
export const NLMSG = { ERROR: 2, DONE: 3, OVERRUN: 4 } as const;

const HEADER = 16;
const NESTED = 0x8000;
const TYPE_MASK = 0x3fff;
const align = (length: number): number => (length + 3) & ~3;

/** What is asked: `body` is the family's fixed header followed by attributes. */
export interface Request {
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
}

/** One message as received. `port` is the netlink port of the program that caused it, 0 for the kernel itself. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly port: number;
  readonly payload: Buffer;
}

/** One attribute; the data is copied, padding added. */
export function attribute(type: number, data: Uint8Array): Buffer {
  const buffer = Buffer.alloc(align(4 + data.length));
  buffer.writeUInt16LE(4 + data.length, 0);
  buffer.writeUInt16LE(type, 2);
  buffer.set(data, 4);
  return buffer;
}

const numeric = (type: number, size: number, write: (buffer: Buffer) => void): Buffer => {
  const buffer = Buffer.alloc(align(4 + size));
  buffer.writeUInt16LE(4 + size, 0);
  buffer.writeUInt16LE(type, 2);
  write(buffer);
  return buffer;
};

export const u8 = (type: number, value: number): Buffer => numeric(type, 1, (b) => b.writeUInt8(value, 4));
export const u32 = (type: number, value: number): Buffer => numeric(type, 4, (b) => b.writeUInt32LE(value, 4));
/** A 16-bit number in network byte order (ports). */
export const u16network = (type: number, value: number): Buffer => numeric(type, 2, (b) => b.writeUInt16BE(value, 4));
/** Text ended by a zero byte. */
export const text = (type: number, value: string): Buffer => attribute(type, Buffer.from(`${value}\0`, 'utf8'));
export const nested = (type: number, ...children: Buffer[]): Buffer =>
  attribute(type | NESTED, Buffer.concat(children));

/** The whole message with its header. */
export function frame(request: Request, sequence: number): Buffer {
  const length = HEADER + request.body.length;
  const buffer = Buffer.alloc(align(length));
  buffer.writeUInt32LE(length, 0);
  buffer.writeUInt16LE(request.type, 4);
  buffer.writeUInt16LE(request.flags | NLM.REQUEST, 6);
  buffer.writeUInt32LE(sequence, 8);
  buffer.set(request.body, HEADER);
  return buffer;
}

/** The messages of one datagram; a truncated tail ends the list. Payloads are views of `datagram`. */
export function messagesOf(datagram: Buffer): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at + HEADER <= datagram.length; ) {
    const length = datagram.readUInt32LE(at);
    if (length < HEADER || at + length > datagram.length) break;
    messages.push({
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      port: datagram.readUInt32LE(at + 12),
      payload: datagram.subarray(at + HEADER, at + length),
    });
    at += align(length);
  }
  return messages;
}

/** Attributes from `offset` on, by type (the last of a kind wins); views, a truncated tail is left out. */
export function attributesOf(payload: Buffer, offset: number): Map<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  for (let at = offset; at + 4 <= payload.length; ) {
    const length = payload.readUInt16LE(at);
    if (length < 4 || at + length > payload.length) break;
    attributes.set(payload.readUInt16LE(at + 2) & TYPE_MASK, payload.subarray(at + 4, at + length));
    at += align(length);
  }
  return attributes;
}

/** Attribute text up to its zero byte. */
export function textOf(data: Buffer | undefined): string | undefined {
  if (data === undefined) return undefined;
  const end = data.indexOf(0);
  return data.toString('utf8', 0, end < 0 ? data.length : end);
}

export const u32of = (data: Buffer | undefined): number | undefined =>
  data !== undefined && data.length >= 4 ? data.readUInt32LE(0) : undefined;

/** How the kernel answered one request: `errno` 0 is an acknowledgement; `detail` is the kernel's own sentence, if it gave one. */
export interface Answer {
  readonly errno: number;
  readonly detail?: string;
}

const NLMSGERR_ATTR_MSG = 1;

/** An NLMSG_ERROR payload (negative errno, echoed header, extended-ack attributes). Requests are sent with NETLINK_CAP_ACK. */
export function answerOf(message: Message): Answer {
  const errno = message.payload.length >= 4 ? Math.abs(message.payload.readInt32LE(0)) : 0;
  if ((message.flags & NLM.ACK_TLVS) === 0) return { errno };
  const detail = textOf(attributesOf(message.payload, 4 + HEADER).get(NLMSGERR_ATTR_MSG));
  return detail === undefined ? { errno } : { errno, detail };
}
