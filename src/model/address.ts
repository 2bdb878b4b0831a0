/**
 * model/ knows the values of the network (addresses, prefixes, leases, configs) and how text becomes one of them.
 * It imports nothing outside this folder, does no I/O and trusts no text: a parser returns a value or `undefined`.
 * Everything printed anywhere is rendered from these numbers, never from the text that came in.
 */

/** An IP address: `value` is the 32- or 128-bit number in host order. */
export interface Ip {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** An IP prefix in canonical form: bits below `length` are zero. */
export interface Prefix {
  readonly family: 4 | 6;
  readonly address: bigint;
  readonly length: number;
}

/** Number of bits of an address of this family. */
export const bitsOf = (family: 4 | 6): number => (family === 4 ? 32 : 128);

const OCTET = /^(?:0|[1-9][0-9]{0,2})$/;

/** Strict dotted quad (no octal, no short forms); `undefined` if it is not one. */
export function parseIp4(text: string): Ip | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!OCTET.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return { family: 4, value: BigInt(value) };
}

function groupsOf(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  for (const part of text.split(':')) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
    groups.push(Number.parseInt(part, 16));
  }
  return groups;
}

/** IPv6 in hexadecimal groups with at most one `::`; embedded IPv4 and zones are refused. */
export function parseIp6(text: string): Ip | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] ?? '');
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? '') : [];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail];
  return { family: 6, value: groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n) };
}

/** An IPv4 or IPv6 address from text. */
export const parseIp = (text: string): Ip | undefined => (text.includes(':') ? parseIp6(text) : parseIp4(text));

function printIp6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.start < 0) return hex.join(':');
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`;
}

/** Canonical text: dotted quad, or RFC 5952 for IPv6. */
export function printIp(ip: Ip): string {
  if (ip.family === 6) return printIp6(ip.value);
  const n = Number(ip.value);
  return [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255].join('.');
}

const maskOf = (family: 4 | 6, length: number): bigint => {
  const bits = BigInt(bitsOf(family));
  return ((1n << BigInt(length)) - 1n) << (bits - BigInt(length));
};

/** The prefix of `length` bits that contains `ip`. */
export const prefixOf = (ip: Ip, length: number): Prefix => ({
  family: ip.family,
  address: ip.value & maskOf(ip.family, length),
  length,
});

/** `a.b.c.d/len` split into its address (host bits kept) and length; strict decimal length. */
export function parseCidr(text: string): { ip: Ip; length: number } | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const ip = parseIp(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (!ip || !OCTET.test(digits)) return undefined;
  const length = Number(digits);
  return length <= bitsOf(ip.family) ? { ip, length } : undefined;
}

/** A prefix whose host bits are zero; anything else is refused. */
export function parsePrefix(text: string): Prefix | undefined {
  const cidr = parseCidr(text);
  if (!cidr) return undefined;
  const prefix = prefixOf(cidr.ip, cidr.length);
  return prefix.address === cidr.ip.value ? prefix : undefined;
}

/** First address of the prefix. */
export const baseOf = (prefix: Prefix): Ip => ({ family: prefix.family, value: prefix.address });

/** `address/length` in canonical text. */
export const printPrefix = (prefix: Prefix): string => [printIp(baseOf(prefix)), prefix.length].join('/');

/** Last address of the prefix as a number. */
export const lastOf = (prefix: Prefix): bigint =>
  prefix.address | (~maskOf(prefix.family, prefix.length) & maskOf(prefix.family, bitsOf(prefix.family)));

/** Number of addresses in the prefix. */
export const sizeOf = (prefix: Prefix): bigint => 1n << BigInt(bitsOf(prefix.family) - prefix.length);

/** Whether `inner` lies within `outer` (equal counts). */
export const containsPrefix = (outer: Prefix, inner: Prefix): boolean =>
  outer.family === inner.family &&
  outer.length <= inner.length &&
  (inner.address & maskOf(outer.family, outer.length)) === outer.address;

/** Whether the address lies within the prefix. */
export const containsIp = (prefix: Prefix, ip: Ip): boolean =>
  prefix.family === ip.family && (ip.value & maskOf(prefix.family, prefix.length)) === prefix.address;

/** Whether the two prefixes share an address. */
export const overlaps = (a: Prefix, b: Prefix): boolean => containsPrefix(a, b) || containsPrefix(b, a);

/** Whether two addresses are the same. */
export const sameIp = (a: Ip, b: Ip): boolean => a.family === b.family && a.value === b.value;

/** Whether two prefixes are the same. */
export const samePrefix = (a: Prefix, b: Prefix): boolean =>
  a.family === b.family && a.address === b.address && a.length === b.length;

/** The address `offset` places above the first one. */
export const ipAt = (prefix: Prefix, offset: bigint): Ip => ({ family: prefix.family, value: prefix.address + offset });

/** Loopback, multicast, link-local, unspecified, limited broadcast: never a node's or a container's address (IPv4). */
export function isSpecialIp4(ip: Ip): boolean {
  const first = Number(ip.value >> 24n);
  return first === 0 || first === 127 || first >= 224 || ip.value >> 16n === 0xa9fen;
}
