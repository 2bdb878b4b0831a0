/** A netlink socket: requests in batches with an answer each, dumps, and multicast groups to listen to. */
import { TsflannelError } from '../errors.ts';
import { atOnce, type Sliced } from '../model/sliced.ts';
import { ERRNO, errnoText, type Libc, libc } from './libc.ts';
import { type Answer, answerOf, frame, type Message, NLM, NLMSG, type Request } from './netlink.ts';
import { drain, type Pipe, pipeOver } from './netlink-pipe.ts';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;

/** Where a message's flags are in its header. */
const FLAGS_AT = 6;

/** Room for the answers of a batch: each takes about 1 KB of it. */
const RECEIVE_BYTES = 4 << 20;
/** One write: small enough that its answers (some hundred) fit the receive buffer many times over. */
const WRITE_BYTES = 32 << 10;
/** rtnetlink answers within the send itself; a missing answer is a fault, not slowness. */
const ANSWER_SECONDS = 5;
const DUMP_TRIES = 5;

export interface NetlinkSocket {
  readonly fd: number;
  /** Our port id, which the kernel repeats in notifications about what we did. */
  readonly port: number;
  /** Sends all requests in order; one answer each, in the same order. A refused one does not stop the rest. */
  request(requests: readonly Request[]): Answer[];
  /** Sends all requests in one write, of which the kernel does all or nothing (a batch of nfnetlink): the first refusal, or errno 0. */
  batch(requests: readonly Request[]): Answer;
  /** All messages of a dump, asked again while the kernel says that it changed under our hands. Throws KERNEL_REFUSED. */
  dump(request: Request): Message[];
  /**
   * As `dump`, but each message is given to `take`, for the time of the call only; returns what that makes of them. In slices of a datagram
   * (some hundred messages), between which the socket may not be used for anything else.
   */
  scanning<T>(request: Request, take: (message: Message) => T | undefined): Sliced<T[]>;
  /** Gives `take` what has arrived, each message for the time of the call only, without waiting; whether the kernel had to drop some. */
  drain(take: (message: Message) => void): boolean;
  close(): void;
}

const int32 = (value: number): Buffer => {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value, 0);
  return buffer;
};

const refused = (detail: string, errno: number): TsflannelError =>
  errno === ERRNO.EPERM || errno === ERRNO.EACCES
    ? new TsflannelError('NOT_ROOT', { detail })
    : new TsflannelError('KERNEL_REFUSED', { detail, why: errnoText(errno) });

function configure(c: Libc, fd: number, groups: readonly number[]): number {
  const set = (level: number, option: number, value: Buffer) => c.setsockopt(fd, level, option, value, value.length);
  // Without root (CAP_NET_ADMIN) the buffer stays small: dumps still work, and that is all such a user may do.
  set(SOL_SOCKET, SO_RCVBUFFORCE, int32(RECEIVE_BYTES));
  set(SOL_SOCKET, SO_RCVTIMEO, Buffer.from(BigInt64Array.of(BigInt(ANSWER_SECONDS), 0n).buffer));
  set(SOL_NETLINK, NETLINK_CAP_ACK, int32(1));
  set(SOL_NETLINK, NETLINK_EXT_ACK, int32(1));
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF_NETLINK, 0);
  if (c.bind(fd, address, address.length) < 0) throw refused('binding a netlink socket', c.errno());
  for (const group of groups) {
    if (set(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, int32(group)) < 0) {
      throw refused(`listening to netlink group ${group}`, c.errno());
    }
  }
  c.getsockname(fd, address, int32(address.length));
  return address.readUInt32LE(4);
}

/** Requests of one system call; their sequence numbers count up from `first`. */
interface Write {
  readonly data: Buffer;
  readonly first: number;
  readonly count: number;
}

/**
 * Only the last request of a write asks for an acknowledgement: the kernel works in order and answers every refusal unasked, so one
 * that was not answered by then was done. Thousands of acknowledgements would take as long as the work itself.
 */
function toWrite(frames: readonly Buffer[], first: number): Write {
  const last = frames.at(-1);
  last?.writeUInt16LE(last.readUInt16LE(FLAGS_AT) | NLM.ACK, FLAGS_AT);
  return { data: Buffer.concat(frames), first, count: frames.length };
}

/** Requests framed with consecutive sequence numbers, cut into writes of bounded size. */
function writesOf(requests: readonly Request[], first: number): Write[] {
  const writes: Write[] = [];
  let frames: Buffer[] = [];
  let bytes = 0;
  requests.forEach((request, i) => {
    const one = frame(request, first + i);
    if (bytes + one.length > WRITE_BYTES) {
      writes.push(toWrite(frames, first + i - frames.length));
      frames = [];
      bytes = 0;
    }
    frames.push(one);
    bytes += one.length;
  });
  return frames.length > 0 ? [...writes, toWrite(frames, first + requests.length - frames.length)] : writes;
}

/** Opens a socket of the netlink `protocol` (0: routes and links) that listens to `groups`. Throws NOT_ROOT, KERNEL_REFUSED. */
export function openNetlink(protocol: number, groups: readonly number[] = []): NetlinkSocket {
  const c = libc();
  const fd = c.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (fd < 0) throw refused('opening a netlink socket', c.errno());
  try {
    return socketOver(c, fd, configure(c, fd, groups));
  } catch (error) {
    c.close(fd);
    throw error;
  }
}

/** Answers up to that of the request `last`, by sequence number; without that one when the kernel had to drop some. */
function readAnswers(pipe: Pipe, last: number): Map<number, Answer> {
  const answers = new Map<number, Answer>();
  while (!answers.has(last)) {
    const received = pipe.read(0);
    if (typeof received === 'number') break;
    for (const message of received) {
      if (message.type === NLMSG.ERROR) answers.set(message.sequence, answerOf(message));
    }
  }
  return answers;
}

const DONE: Answer = { errno: 0 };
const LOST: Answer = { errno: ERRNO.ENOBUFS, detail: 'the answer was lost' };

function exchange(pipe: Pipe, { data, first, count }: Write): Answer[] {
  const errno = pipe.write(data);
  const last = first + count - 1;
  const answers = errno === 0 ? readAnswers(pipe, last) : new Map<number, Answer>();
  const unanswered = errno !== 0 ? { errno } : answers.has(last) ? DONE : LOST;
  return Array.from({ length: count }, (_, i) => answers.get(first + i) ?? unanswered);
}

const ask = (pipe: Pipe, requests: readonly Request[]): Answer[] =>
  writesOf(requests, pipe.take(requests.length)).flatMap((write) => exchange(pipe, write));

/** The kernel works, and refuses, within the write; what it does not refuse needs no answer. */
function batch(pipe: Pipe, requests: readonly Request[]): Answer {
  const first = pipe.take(requests.length);
  const errno = pipe.write(Buffer.concat(requests.map((request, i) => frame(request, first + i))));
  if (errno !== 0) return { errno };
  const answers: Answer[] = [];
  const overflow = drain(pipe, (message) => {
    if (message.type === NLMSG.ERROR) answers.push(answerOf(message));
  });
  return answers.find((answer) => answer.errno !== 0) ?? (overflow ? LOST : DONE);
}

type Take<T> = (message: Message) => T | undefined;

function* scanOnce<T>(
  pipe: Pipe,
  question: Request,
  take: Take<T>,
): Sliced<{ readonly found: T[]; readonly torn: boolean }> {
  const sequence = pipe.take(1);
  const errno = pipe.write(frame({ ...question, flags: question.flags | NLM.DUMP }, sequence));
  if (errno !== 0) throw refused('asking for a dump', errno);
  const found: T[] = [];
  let torn = false;
  for (;;) {
    const received = pipe.peek(0);
    if (typeof received === 'number') throw refused('reading a dump', received);
    for (const message of received) {
      if (message.sequence !== sequence) continue;
      torn ||= (message.flags & NLM.DUMP_INTR) !== 0;
      if (message.type === NLMSG.DONE) return { found, torn };
      const failure = message.type === NLMSG.ERROR ? answerOf(message).errno : 0;
      if (failure !== 0) throw refused('reading a dump', failure);
      const one = take(message);
      if (one !== undefined) found.push(one);
    }
    yield;
  }
}

function* scanning<T>(pipe: Pipe, question: Request, take: Take<T>): Sliced<T[]> {
  for (let tries = 1; ; tries++) {
    const { found, torn } = yield* scanOnce(pipe, question, take);
    if (!torn || tries === DUMP_TRIES) return found;
  }
}

const copied = (message: Message): Message => ({ ...message, payload: Buffer.from(message.payload) });

function socketOver(c: Libc, fd: number, port: number): NetlinkSocket {
  const pipe = pipeOver(c, fd);
  let closed = false;
  return {
    fd,
    port,
    request: (requests) => ask(pipe, requests),
    batch: (requests) => batch(pipe, requests),
    dump: (question) => atOnce(scanning(pipe, question, copied)),
    scanning: (question, take) => scanning(pipe, question, take),
    drain: (take) => drain(pipe, take),
    close() {
      if (!closed) c.close(fd);
      closed = true;
    },
  };
}
