/**
 * gather/ looks at a host and its cluster for doctor/: files, /proc, packet filters, etcd, peers. Each part by itself and with a time limit
 * of its own, so that one that hangs costs the others nothing. It changes nothing, and judges nothing.
 */
import { asTsflannelError } from '../../errors.ts';
import { printable } from '../../model/parsed.ts';
import type { Looked } from '../evidence.ts';

/** No part may take longer, in milliseconds: the whole look is to end within 3 s. */
export const LIMIT_MS = 1_500;

const reasonOf = (error: unknown): { unseen: string; code: string } => {
  const { code, message, why } = asTsflannelError(error);
  return { unseen: code === 'INTERNAL' ? printable(why) : `${message}: ${why}`, code };
};

/** What the work comes to; its failure, or more time than the limit, is a reason why nothing was seen. */
export async function look<T>(work: () => Promise<T> | T, limitMs = LIMIT_MS): Promise<Looked<T>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Looked<T>>((resolve) => {
    timer = setTimeout(() => resolve({ unseen: `no answer in ${limitMs / 1000} s`, code: 'TIMEOUT' }), limitMs);
  });
  try {
    return await Promise.race([Promise.resolve(work()).then((seen) => ({ seen })), late]);
  } catch (error) {
    return reasonOf(error);
  } finally {
    clearTimeout(timer);
  }
}
