import { createHash } from 'node:crypto';

/** Bytes that are the same for the same text, on every host and in every version. */
export const seedOf = (text: string): Uint8Array => createHash('sha256').update(`tsflannel/${text}`).digest();
