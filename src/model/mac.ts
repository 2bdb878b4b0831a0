/** A MAC address as six bytes in transmission order. */
export interface Mac {
  readonly bytes: readonly number[];
}

/** Colon-separated hexadecimal; a multicast or all-zero address is refused, since no device can own it. */
export function parseMac(text: string): Mac | undefined {
  if (!/^[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}$/.test(text)) return undefined;
  const bytes = text.split(':').map((part) => Number.parseInt(part, 16));
  if (((bytes[0] ?? 1) & 1) === 1 || bytes.every((byte) => byte === 0)) return undefined;
  return { bytes };
}

/** Canonical lower-case text. */
export const printMac = (mac: Mac): string => mac.bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');

/** A locally administered unicast MAC from any six bytes or more of seed material (a hash). */
export function macFromSeed(seed: Uint8Array): Mac {
  const bytes = Array.from(seed.subarray(0, 6));
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return { bytes };
}
