/**
 * One end of all flows, in a container's namespace: sends a numbered datagram a millisecond to each of the others, counts what comes, and
 * keeps one TCP stream open where told. Asked by lines of JSON, answers each by one. argv: its own number.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSockets } from '../../probe/sockets.ts';
import { answerAll } from './asked.ts';
import { now } from './chaos.ts';
import { createInbox, type Inbox, type Owners, writePacket } from './flow-packets.ts';
import { createStream, type Stream, serveStream } from './flow-stream.ts';
import { type Arrived, FLOW_PORT, type FlowAnswer, type FlowQuestion, type Ranges, type Target } from './flow-wire.ts';

/** Who was not let run for a while does not send all at once what it missed: queues of the kernel would overflow. */
const MOST_AT_ONCE = 20;

interface Sender {
  /** Where all are now, this one too. */
  to(targets: readonly Target[]): void;
  owners(): Owners;
  /** Number of the next packet, by target. */
  marks(): Record<number, number>;
}

function createSender(socket: Socket, own: number): Sender {
  const next = new Map<number, number>();
  let owners: Owners = new Map();
  let others: readonly Target[] = [];
  let last = now();
  setInterval(() => {
    const due = Math.floor(now() - last);
    last += due;
    for (const { id, ip } of others) for (let i = Math.min(due, MOST_AT_ONCE); i > 0; i--) send(id, ip);
  }, 1);
  function send(id: number, ip: string): void {
    const seq = next.get(id) ?? 0;
    next.set(id, seq + 1);
    // A packet that the kernel refuses counts as lost.
    socket.send(writePacket({ from: own, to: id, ip, seq, at: now() }), FLOW_PORT, ip, () => undefined);
  }
  return {
    to(targets) {
      owners = new Map(targets.map(({ id, ip }) => [ip, id]));
      others = targets.filter(({ id }) => id !== own);
    },
    owners: () => owners,
    marks: () => Object.fromEntries(next),
  };
}

/** A socket whose queue is not what packets are lost in. */
async function openSocket(): Promise<{ socket: Socket; overflowed(): number }> {
  const sockets = createSockets();
  const fd = sockets.open('udp', 0);
  sockets.bind(fd, { ip: 0, port: FLOW_PORT });
  const socket = createSocket('udp4');
  socket.on('error', () => undefined);
  // With a descriptor it listens before `bind` is over.
  const listening = once(socket, 'listening');
  socket.bind({ fd });
  await listening;
  return { socket, overflowed: () => sockets.overflowed(fd) };
}

/**
 * How long a sender that goes on may be silent: packets wait in the socket of an end that a busy machine does not let run. Counted in looks at
 * the socket and not by the clock, which goes on while this end stands.
 */
const LOOKS = 500;
const BETWEEN_MS = 10;

async function collect(inbox: Inbox, ranges: Ranges, owners: () => Owners): Promise<Record<number, Arrived>> {
  for (let looks = 0; !inbox.isPast(ranges) && looks < LOOKS; looks++) await sleep(BETWEEN_MS);
  return inbox.collect(ranges, owners());
}

function answers(sender: Sender, inbox: Inbox, overflowed: () => number) {
  let stream: Stream | undefined;
  async function collected(ranges: Ranges): Promise<FlowAnswer> {
    const arrived = await collect(inbox, ranges, sender.owners);
    return { arrived, overflowed: overflowed(), ...(stream && { stream: stream.seen() }) };
  }
  return async (question: FlowQuestion): Promise<FlowAnswer> => {
    switch (question.ask) {
      case 'send':
        sender.to(question.targets);
        return {};
      case 'stream':
        stream?.close();
        stream = question.to === undefined ? undefined : createStream(question.to);
        return {};
      case 'reset':
        inbox.reset();
        stream?.reset();
        return { overflowed: overflowed() };
      case 'mark':
        return { marks: sender.marks() };
      case 'heard':
        return { heard: inbox.latest() };
      case 'collect':
        return await collected(question.ranges);
    }
  };
}

async function main(): Promise<void> {
  const own = Number(process.argv[2]);
  const { socket, overflowed } = await openSocket();
  const inbox = createInbox(own);
  socket.on('message', (message) => inbox.take(message));
  serveStream();
  await answerAll(answers(createSender(socket, own), inbox, overflowed));
}

await main();
