/** What ioctl tells and changes of a network device. */
import { TsflannelError } from '../errors.ts';
import { addressOf } from './bpf.ts';
import { errnoText, libc } from './libc.ts';

const [SIOCETHTOOL, SIOCGIFHWADDR] = [0x8946, 0x8927];
/** struct ifreq: the name in 16 bytes, then an address or a pointer to the command. */
const IFREQ = 40;
const NAME = 16;
const [AF_INET, SOCK_DGRAM, SOCK_CLOEXEC] = [2, 2, 0x80000];
/** ETHTOOL_S… of each. */
const SET = { gro: 0x2c, tso: 0x1f, 'tx-checksum': 0x17 } as const;
export type Offload = keyof typeof SET;

/** Type of hardware (ARPHRD_…) of what is framed as Ethernet. */
export const ETHERNET = 1;

function ifreqOf(device: string): Buffer {
  const ifreq = Buffer.alloc(IFREQ);
  ifreq.write(device, 0, NAME - 1, 'latin1');
  return ifreq;
}

function request(number: number, ifreq: Buffer, detail: string): void {
  const c = libc();
  const fd = c.socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const result = c.ioctlPointer(fd, number, ifreq);
  const errno = c.errno();
  if (fd >= 0) c.close(fd);
  if (result < 0) throw new TsflannelError('KERNEL_REFUSED', { detail, why: errnoText(errno) });
}

/** Turns an offload of this device on or off. Throws KERNEL_REFUSED. */
export function setOffload(device: string, offload: Offload, on: boolean): void {
  const command = Buffer.alloc(8);
  command.writeUInt32LE(SET[offload], 0);
  command.writeUInt32LE(on ? 1 : 0, 4);
  const ifreq = ifreqOf(device);
  ifreq.writeBigUInt64LE(addressOf(command), NAME);
  request(SIOCETHTOOL, ifreq, `turning ${offload} of ${device} ${on ? 'on' : 'off'}`);
}

/** The type of hardware of this device, as ARPHRD_… number. Throws KERNEL_REFUSED. */
export function hardwareTypeOf(device: string): number {
  const ifreq = ifreqOf(device);
  request(SIOCGIFHWADDR, ifreq, `looking at ${device}`);
  return ifreq.readUInt16LE(NAME);
}
