import { setTimeout as sleep } from 'node:timers/promises';
import { checksum } from '../model/checksum.ts';
import { type EchoSocket, openEchoSocket } from '../sys/echo-socket.ts';

/** One address to be asked, once with each of these sizes: bytes of the whole IPv4 packet. */
export interface ReachTarget {
  readonly address: number;
  readonly sizes: readonly number[];
}

const IP_HEADER = 20;
const ICMP_HEADER = 8;
const REQUEST = 8;
/** No smaller packet is sent. */
export const SMALLEST = IP_HEADER + ICMP_HEADER;

function request(id: number, sequence: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size - IP_HEADER);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, REQUEST);
  view.setUint16(4, id);
  view.setUint16(6, sequence);
  // All beyond the header is zero, which no sum notices.
  view.setUint16(2, checksum(view, 0, ICMP_HEADER));
  return bytes;
}

/** Source and sequence of a reply to us; a packet is seen with its IPv4 header, and perhaps cut. */
function replyTo(packet: Uint8Array, id: number): { from: number; sequence: number } | undefined {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const at = (view.getUint8(0) & 15) * 4;
  if (view.byteLength < at + ICMP_HEADER || view.getUint8(at) !== 0 || view.getUint16(at + 4) !== id) return undefined;
  return { from: view.getUint32(12), sequence: view.getUint16(at + 6) };
}

interface Question {
  readonly address: number;
  readonly size: number;
}

/** Reads what has come; answered questions are taken out. */
function read(
  socket: EchoSocket,
  id: number,
  open: Map<number, Question>,
  answered: (question: Question) => void,
): void {
  for (let packet = socket.receive(); packet; packet = socket.receive()) {
    const reply = replyTo(packet.packet, id);
    const question = reply && open.get(reply.sequence);
    if (!reply || question?.address !== reply.from) continue;
    open.delete(reply.sequence);
    answered(question);
  }
}

const STEP_MS = 10;
/** Asked again after this: the first packet to somebody waits for ARP, and one may be lost. */
const AGAIN_MS = 300;

/**
 * Asks all targets at once by ICMP echo that is never fragmented; resolves after `limitMs` at the latest to the largest size each
 * answered, by address. Rejects with NOT_ROOT.
 */
export async function reach(targets: readonly ReachTarget[], limitMs: number): Promise<ReadonlyMap<number, number>> {
  const socket = openEchoSocket({ whole: true });
  const id = process.pid & 0xffff;
  const largest = new Map<number, number>();
  const questions = targets.flatMap(({ address, sizes }) => sizes.map((size) => ({ address, size })));
  const open = new Map(questions.map((question, sequence) => [sequence, question]));
  const ask = (): void => {
    for (const [sequence, { address, size }] of open) socket.send(address, request(id, sequence, size));
  };
  const take = ({ address, size }: Question): void => {
    largest.set(address, Math.max(size, largest.get(address) ?? 0));
  };
  try {
    const begun = performance.now();
    let again = false;
    ask();
    while (open.size > 0 && performance.now() - begun < limitMs) {
      await sleep(STEP_MS);
      read(socket, id, open, take);
      if (again || performance.now() - begun < AGAIN_MS) continue;
      again = true;
      ask();
    }
    // A busy machine may have let us sleep past the end.
    read(socket, id, open, take);
    return largest;
  } finally {
    socket.close();
  }
}
