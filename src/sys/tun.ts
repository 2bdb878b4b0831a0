/** Persistent TUN devices by ioctl on /dev/net/tun: rtnetlink cannot make them. */
import { closeSync, openSync } from 'node:fs';
import { errnoText, libc } from './libc.ts';

const TUNSETIFF = 0x400454ca;
const TUNSETPERSIST = 0x400454cb;
const IFF_TUN = 0x1;
const IFF_NO_PI = 0x1000;
const IFNAMSIZ = 16;
const IFREQ_BYTES = 40;

const check = (result: number, what: string): void => {
  if (result < 0) throw new Error(`${what}: ${errnoText(libc().errno())}`);
};

/**
 * Makes a TUN device that outlives us. `mark` runs before the device becomes persistent: if we die in it, or it throws,
 * the device is gone, so none is left behind without its mark. Another program may attach later with IFF_VNET_HDR (the
 * kernel takes that flag from each attach; only multi-queue must stay as it was made: off). Throws with the kernel's reason.
 */
export function createTun(name: string, mark: () => void): void {
  const fd = openSync('/dev/net/tun', 'r+');
  try {
    const ifreq = Buffer.alloc(IFREQ_BYTES);
    ifreq.write(name, 0, IFNAMSIZ - 1, 'latin1');
    ifreq.writeUInt16LE(IFF_TUN | IFF_NO_PI, IFNAMSIZ);
    check(libc().ioctlPointer(fd, TUNSETIFF, ifreq), `creating the TUN device ${name}`);
    mark();
    check(libc().ioctlNumber(fd, TUNSETPERSIST, 1), `keeping the TUN device ${name}`);
  } finally {
    closeSync(fd);
  }
}
