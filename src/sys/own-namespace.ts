/** A network namespace that lives as long as the thread that is in it: there is no name that could be left behind. */
import { readlinkSync } from 'node:fs';
import { TsflannelError } from '../errors.ts';
import { errnoText, libc } from './libc.ts';

const CLONE_NEWNET = 0x40000000;

/** Puts the calling thread (never the main one) into an empty namespace. Returns its thread id. Throws NOT_ROOT, KERNEL_REFUSED. */
export function enterOwnNamespace(): number {
  const c = libc();
  if (c.unshare(CLONE_NEWNET) < 0) {
    const why = errnoText(c.errno());
    if (why.includes('EPERM')) throw new TsflannelError('NOT_ROOT', { detail: 'make a network namespace' });
    throw new TsflannelError('KERNEL_REFUSED', { detail: 'making a network namespace', why });
  }
  return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
}
