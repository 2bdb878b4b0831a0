/** IPv4 addresses of devices in rtnetlink. */
import { type Ip, lastOf, prefixOf } from '../../model/address.ts';
import { attribute, attributesOf, type Message, type Request } from '../../sys/netlink.ts';
import type { Address } from '../state.ts';
import { AF_INET, CREATE_NEW, familyOf, ipBytes, ipOf, type Names, RTM } from './rtnetlink.ts';

const IFA = { ADDRESS: 1, LOCAL: 2, BROADCAST: 4 } as const;
const IFADDR = 8;

const header = (family: number, length: number, index: number): Buffer => {
  const buffer = Buffer.alloc(IFADDR);
  buffer.writeUInt8(family, 0);
  buffer.writeUInt8(length, 1);
  buffer.writeInt32LE(index, 4);
  return buffer;
};

const body = (ip: Ip, length: number, index: number): Buffer =>
  Buffer.concat([
    header(familyOf(ip), length, index),
    attribute(IFA.LOCAL, ipBytes(ip)),
    attribute(IFA.ADDRESS, ipBytes(ip)),
  ]);

/** Asks for the IPv4 addresses of all devices. */
export const addressDump: Request = { type: RTM.GETADDR, flags: 0, body: header(AF_INET, 0, 0) };

/** The address, or none for a message that is not an IPv4 address. */
export function parseAddress(message: Message, names: Names): Address | undefined {
  const attributes = attributesOf(message.payload, IFADDR);
  // On a point-to-point device IFA_ADDRESS is the other end; IFA_LOCAL is always this one.
  const ip = ipOf(attributes.get(IFA.LOCAL) ?? attributes.get(IFA.ADDRESS));
  if (ip?.family !== 4) return undefined;
  const device = names.nameOf(message.payload.readInt32LE(4));
  return { kind: 'address', device, ip, length: message.payload.readUInt8(1) };
}

/** The subnet's last address, as Docker gives docker0 one: the kernel has none by itself. A /31 or /32 has no room for it. */
const broadcast = ({ ip, length }: Address): Buffer =>
  length > 30
    ? Buffer.alloc(0)
    : attribute(IFA.BROADCAST, ipBytes({ family: ip.family, value: lastOf(prefixOf(ip, length)) }));

export const createAddress = (address: Address, index: number): Request => ({
  type: RTM.NEWADDR,
  flags: CREATE_NEW,
  body: Buffer.concat([body(address.ip, address.length, index), broadcast(address)]),
});

export const deleteAddress = (address: Address, index: number): Request => ({
  type: RTM.DELADDR,
  flags: 0,
  body: body(address.ip, address.length, index),
});
