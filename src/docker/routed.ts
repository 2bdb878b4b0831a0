import { TsflannelError } from '../errors.ts';
import { readIfThere } from '../files/atomic.ts';
import { type Prefix, printIp, printPrefix } from '../model/address.ts';

/** The kernel prints addresses there as the hexadecimal of the number in memory: the first octet last. */
function address(hex: string | undefined): bigint {
  if (hex === undefined || !/^[0-9A-F]{8}$/.test(hex)) return -1n;
  return BigInt(`0x${(hex.match(/../g) ?? []).reverse().join('')}`);
}

const maskOf = (length: number): bigint => (0xffffffffn << BigInt(32 - length)) & 0xffffffffn;

/** Gateway (32-bit number) of a route for exactly this prefix in the text of /proc/net/route; `undefined` if there is none. */
export function gatewayOf(text: string, prefix: Prefix): bigint | undefined {
  for (const line of text.split('\n').slice(1)) {
    const [, destination, gateway, , , , , mask] = line.split('\t');
    const via = address(gateway);
    if (address(destination) === prefix.address && address(mask) === maskOf(prefix.length) && via > 0n) return via;
  }
  return undefined;
}

/** mk-docker-opts.sh's own check, made before anything is written: our subnet must not be routed to another node. */
export async function refuseRouted(subnet: Prefix): Promise<void> {
  const gateway = gatewayOf((await readIfThere('/proc/net/route')) ?? '', subnet);
  if (gateway === undefined) return;
  throw new TsflannelError('SUBNET_ROUTED', {
    subnet: printPrefix(subnet),
    gateway: printIp({ family: 4, value: gateway }),
  });
}
