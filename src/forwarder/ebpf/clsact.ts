/** Programs as traffic control filters, for kernels without tcx (before Linux 6.6): a clsact qdisc holds them, by netlink. */
import { TsflannelError } from '../../errors.ts';
import { ERRNO, errnoText } from '../../sys/libc.ts';
import {
  type Answer,
  attributesOf,
  type Message,
  NLM,
  nested,
  type Request,
  text,
  textOf,
  u32,
} from '../../sys/netlink.ts';
import { type NetlinkSocket, openNetlink } from '../../sys/netlink-socket.ts';

/** Where at which device. */
export interface FilterPlace {
  readonly program: string;
  readonly ifindex: number;
  readonly hook: 'ingress' | 'egress';
}

const [RTM_NEWQDISC, RTM_DELQDISC] = [36, 37];
const [RTM_NEWTFILTER, RTM_DELTFILTER, RTM_GETTFILTER] = [44, 45, 46];
const TCMSG = 20;
const [TCA_KIND, TCA_OPTIONS] = [1, 2];
const [TCA_BPF_FD, TCA_BPF_NAME, TCA_BPF_FLAGS] = [6, 7, 8];
/** The program's result is the packet's fate. */
const FLAG_ACT_DIRECT = 1;
const CLSACT_PARENT = 0xffff_fff1;
const CLSACT_HANDLE = 0xffff_0000;
const PARENTS = { ingress: 0xffff_fff2, egress: 0xffff_fff3 } as const;
/** Ours among filters of others: behind those of most programs, which take small numbers. */
const PRIORITY = 0x7f1a;
const HANDLE = 1;
/** All protocols, in network order. */
const ETH_P_ALL = 0x0300;

const nameOf = ({ program }: FilterPlace): string => `tsflannel:${program}`;

function tcmsg(ifindex: number, handle: number, parent: number, info = 0): Buffer {
  const buffer = Buffer.alloc(TCMSG);
  buffer.writeInt32LE(ifindex, 4);
  buffer.writeUInt32LE(handle, 8);
  buffer.writeUInt32LE(parent, 12);
  buffer.writeUInt32LE(info, 16);
  return buffer;
}

const INFO = ((PRIORITY << 16) | ETH_P_ALL) >>> 0;

const qdisc = (type: number, flags: number, ifindex: number): Request => ({
  type,
  flags,
  body: Buffer.concat([tcmsg(ifindex, CLSACT_HANDLE, CLSACT_PARENT), text(TCA_KIND, 'clsact')]),
});

function filter(place: FilterPlace, program: number): Request {
  const options = nested(
    TCA_OPTIONS,
    u32(TCA_BPF_FD, program),
    text(TCA_BPF_NAME, nameOf(place)),
    u32(TCA_BPF_FLAGS, FLAG_ACT_DIRECT),
  );
  const head = tcmsg(place.ifindex, HANDLE, PARENTS[place.hook], INFO);
  return {
    type: RTM_NEWTFILTER,
    flags: NLM.CREATE | NLM.REPLACE,
    body: Buffer.concat([head, text(TCA_KIND, 'bpf'), options]),
  };
}

function withSocket<T>(use: (socket: NetlinkSocket) => T): T {
  const socket = openNetlink(0);
  try {
    return use(socket);
  } finally {
    socket.close();
  }
}

const one = (socket: NetlinkSocket, request: Request): Answer =>
  socket.request([request])[0] ?? { errno: ERRNO.ENOBUFS };

const refusal = (detail: string, { errno, detail: why }: Answer): TsflannelError =>
  new TsflannelError('KERNEL_REFUSED', { detail, why: errnoText(errno, why) }, errno);

/** Puts the program there, in the place of one of ours. Returns whether the qdisc had to be made. Throws KERNEL_REFUSED. */
export function attachFilter(place: FilterPlace, program: number): boolean {
  return withSocket((socket) => {
    const made = one(socket, qdisc(RTM_NEWQDISC, NLM.CREATE | NLM.EXCL, place.ifindex));
    if (made.errno !== 0 && made.errno !== ERRNO.EEXIST) throw refusal('making a clsact qdisc', made);
    const put = one(socket, filter(place, program));
    if (put.errno !== 0) throw refusal('attaching a BPF program (clsact)', put);
    return made.errno === 0;
  });
}

function isOurs({ payload }: Message, place: FilterPlace): boolean {
  const attributes = attributesOf(payload, TCMSG);
  const options = attributes.get(TCA_OPTIONS);
  return (
    payload.length >= TCMSG &&
    payload.readUInt32LE(16) >>> 16 === PRIORITY &&
    options !== undefined &&
    textOf(attributesOf(options, 0).get(TCA_BPF_NAME)) === nameOf(place)
  );
}

function dumpFilters(socket: NetlinkSocket, ifindex: number, parent: number): Message[] {
  try {
    return socket.dump({ type: RTM_GETTFILTER, flags: 0, body: tcmsg(ifindex, 0, parent) });
  } catch {
    // No such device, or no qdisc there.
    return [];
  }
}

const filtersAt = (socket: NetlinkSocket, place: FilterPlace): Message[] =>
  dumpFilters(socket, place.ifindex, PARENTS[place.hook]).filter((message) => isOurs(message, place));

/** Whether a program of ours runs there. */
export const hasFilter = (place: FilterPlace): boolean => withSocket((socket) => filtersAt(socket, place).length > 0);

/** Takes our program away; fine if there is none. */
export function removeFilter(place: FilterPlace): void {
  withSocket((socket) => {
    if (filtersAt(socket, place).length === 0) return;
    const body = tcmsg(place.ifindex, 0, PARENTS[place.hook], INFO);
    const gone = one(socket, { type: RTM_DELTFILTER, flags: 0, body });
    if (gone.errno !== 0 && gone.errno !== ERRNO.ENOENT) throw refusal('detaching a BPF program', gone);
  });
}

/** Removes the qdisc unless other programs' filters hang on it; fine if there is none. */
export function removeQdisc(ifindex: number): void {
  withSocket((socket) => {
    const isUsed = Object.values(PARENTS).some((parent) => dumpFilters(socket, ifindex, parent).length > 0);
    if (!isUsed) one(socket, qdisc(RTM_DELQDISC, 0, ifindex));
  });
}
