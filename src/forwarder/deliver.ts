import { constants } from 'node:os';
import { createIovecs, type Iovecs } from '../sys/messages.ts';
import { beginGroup, createGroup, joinableHeaders, joinGroup, sealGroup } from './coalesce.ts';
import { type Context, isGone } from './context.ts';
import { DROP, PROTOCOL, PROTOCOL_TCP, type Span } from './packet.ts';
import { isVerified } from './transport.ts';
import { createVnet, VNET_HEADER, type Vnet, writeVnet } from './vnet.ts';

const WRITE_FAILED = DROP['write-failed'];
/** The device's header, a whole packet, and the payloads of those that follow it. */
const PIECES = 2 + 64;

/** Gives packets to the device, those that continue one another as one super-packet. */
export interface Delivery {
  /** Takes a packet of this table row's peer; its bytes must stay until `flush`. */
  take(span: Span, row: number): void;
  /** Writes what is held back. Returns whether the device is still there. */
  flush(): boolean;
}

/** Packets that are written by one call: how many, their bytes, whose. */
interface Written {
  row: number;
  packets: number;
  bytes: number;
}

/** Writes to the device what the iovecs from 1 on name. Returns 0 or errno. */
function createWriter({ io, memory, table, counters, job }: Context) {
  const iovecs: Iovecs = createIovecs(memory, PIECES);
  const header = memory.reserve(VNET_HEADER);
  iovecs.set(0, header, VNET_HEADER);
  function write(vnet: Vnet, pieces: number, { row, packets, bytes }: Written): number {
    writeVnet(memory.view, header, vnet);
    if (io.writev(job.fds.tun, memory.base + iovecs.at, pieces) >= 0) {
      counters.received(table.peer[row]!, packets, bytes);
      return 0;
    }
    const errno = io.errno();
    counters.dropped(WRITE_FAILED, packets);
    return errno;
  }
  return { iovecs, write };
}

export function createDelivery(context: Context): Delivery {
  const { view } = context.memory;
  const { iovecs, write } = createWriter(context);
  const sealed = createVnet();
  const plain = createVnet();
  const group = createGroup();
  const written: Written = { row: 0, packets: 0, bytes: 0 };
  let { tcp, udp } = context.job.offloads;
  let pieces = 0;
  let alive = true;

  function writePieces(vnet: Vnet, packets: number, bytes: number): void {
    written.packets = packets;
    written.bytes = bytes;
    const errno = write(vnet, pieces, written);
    pieces = 0;
    // A device that is down refuses (EIO): that passes.
    if (isGone(errno)) alive = false;
    // A kernel that does not take such a super-packet is given none again.
    if (errno !== constants.errno.EINVAL || packets === 1) return;
    if (group.isTcp) tcp = false;
    else udp = false;
  }

  function writeGroup(): void {
    if (pieces === 0) return;
    sealGroup(group, view, sealed);
    writePieces(sealed, group.count, group.total + (group.count - 1) * group.headers);
  }

  /** Headers of a packet that may be in a group, else 0. */
  function headersOf(span: Span): number {
    const allowed = view.getUint8(span.at + PROTOCOL) === PROTOCOL_TCP ? tcp : udp;
    const headers = allowed ? joinableHeaders(span) : 0;
    return headers > 0 && isVerified(span) ? headers : 0;
  }

  return {
    take(span, row) {
      const headers = headersOf(span);
      if (headers > 0 && pieces > 0 && joinGroup(group, span, headers)) {
        iovecs.set(pieces++, span.at + headers, span.length - headers);
        return;
      }
      writeGroup();
      written.row = row;
      iovecs.set(1, span.at, span.length);
      pieces = 2;
      if (headers > 0) beginGroup(group, span, headers);
      else writePieces(plain, 1, span.length);
    },
    flush() {
      writeGroup();
      return alive;
    },
  };
}
