import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { TsflannelError } from '../errors.ts';

/** A snapshot is the database, whole pages of 512 bytes, and the sha256 of it. */
const SUM_BYTES = 32;
const PAGE = 512;

export interface Sum {
  push(chunk: Uint8Array): void;
  /** Why what was pushed is no whole snapshot; `undefined` when it is one. */
  problem(): string | undefined;
  /** Of the database, in hexadecimal. */
  readonly sha256: () => string;
  readonly bytes: () => number;
}

/** Sums up a snapshot while it passes; holds back the last 32 bytes. */
export function createSum(): Sum {
  const hash = createHash('sha256');
  let tail: Buffer = Buffer.alloc(0);
  let bytes = 0;
  let made: string | undefined;
  const sha256 = () => {
    made ??= hash.digest('hex');
    return made;
  };
  return {
    push(chunk) {
      bytes += chunk.length;
      const all = Buffer.concat([tail, chunk]);
      const keep = Math.min(all.length, SUM_BYTES);
      hash.update(all.subarray(0, all.length - keep));
      tail = all.subarray(all.length - keep);
    },
    problem() {
      if (bytes <= SUM_BYTES || bytes % PAGE !== SUM_BYTES)
        return `${bytes} bytes are not pages and a sum: it is cut off`;
      return sha256() === tail.toString('hex') ? undefined : 'the sha256 at its end is not that of its content';
    },
    sha256,
    bytes: () => bytes,
  };
}

/** Checks a snapshot file; resolves to the sha256 of its database. Rejects with SNAPSHOT_INVALID or FILE_UNREADABLE. */
export async function checkSnapshot(file: string): Promise<string> {
  const sum = createSum();
  try {
    for await (const chunk of createReadStream(file)) sum.push(chunk as Buffer);
  } catch (error) {
    throw new TsflannelError('FILE_UNREADABLE', { file, detail: (error as Error).message }, error);
  }
  const detail = sum.problem();
  if (detail !== undefined) throw new TsflannelError('SNAPSHOT_INVALID', { file, detail });
  return sum.sha256();
}
