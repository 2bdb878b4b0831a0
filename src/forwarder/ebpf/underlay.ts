import { networkInterfaces } from 'node:os';
import { TsflannelError } from '../../errors.ts';
import { type Ip, printIp } from '../../model/address.ts';
import { ETHERNET, hardwareTypeOf } from '../../sys/device.ts';
import { libc } from '../../sys/libc.ts';
import { kindOf } from './link.ts';

const refusal = (why: string): TsflannelError =>
  new TsflannelError('KERNEL_REFUSED', { detail: 'programs on the underlay interface', why });

/** The device below the carrier. */
export interface Underlay {
  readonly ifindex: number;
  /** It is a piece of software: it may hand over super-packets and unfinished checksums, which no wire does. */
  readonly isSoftware: boolean;
}

/** The device whose address this is, if programs for Ethernet frames fit it. Throws KERNEL_REFUSED. */
export function underlayOf(local: Ip): Underlay {
  const address = printIp(local);
  const found = Object.entries(networkInterfaces()).find(([, list]) => list?.some((one) => one.address === address));
  if (!found) throw refusal(`no interface has ${address}`);
  // An address may have a label of its own: eth0:1.
  const [name = ''] = found[0].split(':');
  const ifindex = libc().ifIndex(name);
  if (ifindex === 0) throw refusal(`there is no ${name}`);
  if (hardwareTypeOf(name) !== ETHERNET) throw refusal(`${name} is no Ethernet device`);
  return { ifindex, isSoftware: kindOf(ifindex) !== undefined };
}
