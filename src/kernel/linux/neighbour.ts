/** Permanent neighbours (IP to MAC) and VXLAN forwarding entries (MAC to VTEP) in rtnetlink: one message, two families. */
import { attribute, attributesOf, type Message, NLM, type Request, u8 } from '../../sys/netlink.ts';
import { type FdbEntry, type Neighbour, OWN } from '../state.ts';
import { AF_BRIDGE, AF_INET, familyOf, ipBytes, ipOf, type Names, RTM } from './rtnetlink.ts';

const NDA = { DST: 1, LLADDR: 2, PROTOCOL: 12 } as const;
const NDMSG = 12;
const NUD_PERMANENT = 0x80;
const NTF_SELF = 0x2;

const ndmsg = (family: number, index: number, flags = 0): Buffer => {
  const buffer = Buffer.alloc(NDMSG);
  buffer.writeUInt8(family, 0);
  buffer.writeInt32LE(index, 4);
  buffer.writeUInt16LE(NUD_PERMANENT, 8);
  buffer.writeUInt8(flags, 10);
  return buffer;
};

/** Asks for the IPv4 neighbours of all devices. */
export const neighbourDump: Request = { type: RTM.GETNEIGH, flags: 0, body: ndmsg(AF_INET, 0) };

/**
 * Asks for the forwarding entries of one device: a plain dump of all would carry every port of every bridge.
 * The kernel reads this request as an ifinfomsg of 16 bytes and picks by its ifi_index.
 */
export const fdbDump = (index: number): Request => ({
  type: RTM.GETNEIGH,
  flags: 0,
  body: Buffer.concat([ndmsg(AF_BRIDGE, index), Buffer.alloc(4)]),
});

/** Family, device and whether a neighbour message says "permanent". */
export const neighbourHead = ({ payload }: Message): { family: number; index: number; permanent: boolean } => ({
  family: payload.readUInt8(0),
  index: payload.readInt32LE(4),
  permanent: (payload.readUInt16LE(8) & NUD_PERMANENT) !== 0,
});

/** The permanent neighbour or forwarding entry of a message, else none. */
export function parseNeighbour(message: Message, names: Names): Neighbour | FdbEntry | undefined {
  if (message.payload.length < NDMSG) return undefined;
  const { family, index, permanent } = neighbourHead(message);
  const attributes = attributesOf(message.payload, NDMSG);
  const ip = ipOf(attributes.get(NDA.DST));
  const bytes = attributes.get(NDA.LLADDR);
  if (!permanent || !ip || bytes?.length !== 6) return undefined;
  const device = names.nameOf(index);
  const mac = { bytes: [...bytes] };
  return family === AF_BRIDGE ? { kind: 'fdb', device, mac, dst: ip } : { kind: 'neighbour', device, ip, mac };
}

function body(entry: Neighbour | FdbEntry, index: number): Buffer {
  const mac = attribute(NDA.LLADDR, Buffer.from(entry.mac.bytes));
  return entry.kind === 'fdb'
    ? Buffer.concat([ndmsg(AF_BRIDGE, index, NTF_SELF), mac, attribute(NDA.DST, ipBytes(entry.dst))])
    : Buffer.concat([
        ndmsg(familyOf(entry.ip), index),
        attribute(NDA.DST, ipBytes(entry.ip)),
        mac,
        u8(NDA.PROTOCOL, OWN.routeProtocol),
      ]);
}

/** Makes the entry or puts it in the place of a learnt (or older) one: on our own devices nothing else is to be spared. */
export const putNeighbour = (entry: Neighbour | FdbEntry, index: number): Request => ({
  type: RTM.NEWNEIGH,
  flags: NLM.CREATE | NLM.REPLACE,
  body: body(entry, index),
});

export const deleteNeighbour = (entry: Neighbour | FdbEntry, index: number): Request => ({
  type: RTM.DELNEIGH,
  flags: 0,
  body: body(entry, index),
});
