import { type TcpReceiveJob, type TcpSendJob, TOKEN_BYTES, WAKE_MS, WARM_UP_MS, type Work } from './job.ts';
import { createSockets, type Sockets } from './sockets.ts';

/** Bytes a system call moves: fits the second cache, and the call itself costs nothing against it. */
const CHUNK = 128 << 10;
/** A stream that is not closed ends so long after its time. */
const GRACE_MS = 3000;
/** How long to wait for it: whoever sends it may have to start a thread first, on a busy machine. Told to stop, nobody waits. */
const COMES_MS = 20_000;
/** How long a connection may be silent before it is taken for a stranger's. */
const TOKEN_MS = 2000;
const MSG_NOSIGNAL = 0x4000;
const EAGAIN = 11;

const isTimeout = ({ io }: Sockets): boolean => io.errno() === EAGAIN;

/** Connects, then sends what it can for its time. */
export function prepareTcpSend({ from, to, token, congestion, ms }: TcpSendJob): Work<'tcp-send'> {
  const sockets = createSockets(CHUNK);
  const { io, memory } = sockets;
  const at = memory.reserve(CHUNK);
  const fd = sockets.open('tcp', WAKE_MS * 30);
  if (congestion !== undefined) sockets.setCongestion(fd, congestion);
  if (from !== 0) sockets.bind(fd, { ip: from, port: 0 });
  sockets.connect(fd, to);
  memory.bytes.set(token, at);
  io.sendto(fd, memory.base + at, TOKEN_BYTES, MSG_NOSIGNAL, 0, 0);
  return () => {
    const end = performance.now() + ms;
    while (performance.now() < end) {
      const sent = io.sendto(fd, memory.base + at, CHUNK, MSG_NOSIGNAL, 0, 0);
      if (sent < 0 && !isTimeout(sockets)) throw new Error('the peer closed the stream');
    }
    const retransmits = sockets.retransmits(fd);
    sockets.close(fd);
    return { retransmits };
  };
}

/** The next connection that begins with the token; others are closed. `undefined`: none came in time. */
function acceptOwn(sockets: Sockets, { fd, token }: TcpReceiveJob, isStopped: () => boolean): number | undefined {
  const { io, memory } = sockets;
  const at = memory.reserve(TOKEN_BYTES);
  for (const end = performance.now() + COMES_MS; performance.now() < end && !isStopped(); ) {
    const stream = sockets.accept(fd, TOKEN_MS);
    if (stream === undefined) continue;
    const length = io.read(stream, memory.base + at, TOKEN_BYTES);
    if (length === TOKEN_BYTES && token.every((byte, i) => memory.bytes[at + i] === byte)) return stream;
    sockets.close(stream);
  }
  return undefined;
}

/** Accepts one stream and reads it to its end. */
export function prepareTcpReceive(job: TcpReceiveJob): Work<'tcp-receive'> {
  const sockets = createSockets(CHUNK + TOKEN_BYTES);
  const { io, memory } = sockets;
  const at = memory.reserve(CHUNK);
  return (isStopped) => {
    const stream = acceptOwn(sockets, job, isStopped);
    if (stream === undefined) throw new Error('no stream came');
    let [bytes, first, counted, last] = [0, 0, 0, 0];
    const end = performance.now() + job.ms + 2 * GRACE_MS;
    for (let now = 0; now < end && !isStopped(); ) {
      const length = io.read(stream, memory.base + at, CHUNK);
      now = performance.now();
      if (length === 0 || (length < 0 && !isTimeout(sockets))) break;
      if (length < 0) continue;
      if (first === 0) first = now;
      bytes += length;
      if (now - first > WARM_UP_MS) [counted, last] = [counted + length, now];
    }
    sockets.close(stream);
    const ms = last - first - WARM_UP_MS;
    return { bytes, bitsPerSecond: ms > 0 ? (counted * 8000) / ms : 0 };
  };
}
