/** Numbers of <linux/rtnetlink.h>, <linux/if_link.h> and <linux/neighbour.h>, and the small codecs all route objects share. */
import type { Ip } from '../../model/address.ts';
import type { Mac } from '../../model/mac.ts';
import { ERRNO, errnoText } from '../../sys/libc.ts';
import { type Answer, NLM } from '../../sys/netlink.ts';

export const NETLINK_ROUTE = 0;
export const AF_INET = 2;
export const AF_BRIDGE = 7;
export const AF_INET6 = 10;

export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  SETLINK: 19,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
  GETNEIGH: 30,
} as const;

/** Multicast groups of NETLINK_ROUTE. */
export const GROUP = { LINK: 1, NEIGH: 3, IPV4_IFADDR: 5, IPV4_ROUTE: 7 } as const;

/** "Make it, and refuse if something stands there": the only way in which we create anything another program could own. */
export const CREATE_NEW = NLM.CREATE | NLM.EXCL;

/** Device names by index and back, as the kernel has them now. */
export interface Names {
  /** Name of the device, or `#index` for one that has just gone. */
  nameOf(index: number): string;
  /** `undefined`: there is no such device. */
  indexOf(name: string): number | undefined;
}

/** Address bytes in network order. */
export function ipBytes(ip: Ip): Buffer {
  const hex = ip.value.toString(16).padStart(ip.family === 4 ? 8 : 32, '0');
  return Buffer.from(hex, 'hex');
}

/** The address of 4 or 16 bytes, anything else is none. */
export function ipOf(bytes: Buffer | undefined): Ip | undefined {
  if (bytes?.length === 4) return { family: 4, value: BigInt(bytes.readUInt32BE(0)) };
  if (bytes?.length === 16) return { family: 6, value: BigInt(`0x${bytes.toString('hex')}`) };
  return undefined;
}

/** Address family number of an address. */
export const familyOf = (ip: { readonly family: 4 | 6 }): number => (ip.family === 4 ? AF_INET : AF_INET6);

/** A MAC of six bytes; other hardware addresses and the all-zero one (loopback) are none. */
export function macOf(bytes: Buffer | undefined): Mac | undefined {
  return bytes?.length === 6 && bytes.some((byte) => byte !== 0) ? { bytes: [...bytes] } : undefined;
}

/** The kernel's reason in words, `undefined` for an acknowledgement. */
export function reasonOf(answer: Answer | undefined): string | undefined {
  return answer === undefined || answer.errno === 0 ? undefined : errnoText(answer.errno, answer.detail);
}

const GONE: ReadonlySet<number> = new Set([ERRNO.ENOENT, ERRNO.ESRCH, ERRNO.ENODEV, ERRNO.EADDRNOTAVAIL]);

/** Whether a refused removal says that there was nothing to remove: then what was wanted is so. */
export const isGone = (answer: Answer | undefined): boolean => answer !== undefined && GONE.has(answer.errno);
