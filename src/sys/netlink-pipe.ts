/** The bare descriptor of a netlink socket: datagrams out, messages in. */
import { ERRNO, type Libc } from './libc.ts';
import { type Message, messagesOf } from './netlink.ts';

const MSG_DONTWAIT = 0x40;
/** The kernel fills at most 32 KB a message part of a dump. */
const READ_BYTES = 64 << 10;

/** Datagrams out and in, and the sequence numbers used so far. */
export interface Pipe {
  /** 0, or the errno. */
  write(data: Buffer): number;
  /** One datagram's messages, or the errno. They are valid until the next read. */
  peek(flags: number): Message[] | number;
  /** As `peek`, for as long as they are needed. */
  read(flags: number): Message[] | number;
  /** The first of `count` fresh sequence numbers. */
  take(count: number): number;
}

/** Over a bound socket. */
export function pipeOver(c: Libc, fd: number): Pipe {
  const input = Buffer.alloc(READ_BYTES);
  let used = 0;
  const receive = (flags: number): Buffer | number => {
    const length = c.recv(fd, input, input.length, flags);
    if (length >= 0) return input.subarray(0, length);
    const errno = c.errno();
    // A signal may come in between, since a receive timeout forbids the kernel to restart the call.
    return errno === ERRNO.EINTR ? receive(flags) : errno;
  };
  const peek = (flags: number): Message[] | number => {
    const data = receive(flags);
    return typeof data === 'number' ? data : messagesOf(data);
  };
  const read = (flags: number): Message[] | number => {
    const data = receive(flags);
    return typeof data === 'number' ? data : messagesOf(Buffer.from(data));
  };
  const take = (count: number): number => {
    const first = used + 1;
    used = (used + count) % 0x7fff_0000;
    return first;
  };
  return { peek, read, take, write: (data) => (c.send(fd, data, data.length, 0) < 0 ? c.errno() : 0) };
}

/** Gives `take` what has arrived, each message for the time of the call only, without waiting; whether the kernel had to drop some. */
export function drain(pipe: Pipe, take: (message: Message) => void): boolean {
  let overflow = false;
  for (;;) {
    const received = pipe.peek(MSG_DONTWAIT);
    if (typeof received !== 'number') received.forEach(take);
    else if (received === ERRNO.ENOBUFS) overflow = true;
    else return overflow;
  }
}
