import { errnoText, libc } from './libc.ts';

/** Room for a struct timex, and where its `status` is. */
const TIMEX = 256;
const STATUS_AT = 40;
const STA_UNSYNC = 0x40;

/** Whether something (NTP, a hypervisor) keeps the kernel's clock right, as it says itself. */
export function isClockSynchronised(): boolean {
  const timex = Buffer.alloc(TIMEX);
  const c = libc();
  if (c.adjtimex(timex) < 0) throw new Error(errnoText(c.errno()));
  return (timex.readInt32LE(STATUS_AT) & STA_UNSYNC) === 0;
}
