import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { type Ip, isSpecialIp4, parseIp4, printIp } from '../model/address.ts';

/** An IPv4 address of this host that other hosts could reach. */
export interface HostAddress {
  readonly device: string;
  readonly ip: Ip;
  readonly isDefault: boolean;
  /** One of the others that is reached from it, as text, where that was looked at. */
  readonly reaches?: string;
}

/** Bridges and veths of container engines: never what a cluster runs over, unless somebody says so. */
const CONTAINER_DEVICE = /^(?:docker|br-|veth|virbr|cni|flannel)/;

/** Device of the IPv4 default route with the lowest metric, from the text of /proc/net/route. */
export function defaultDevice(routes: string): string | undefined {
  const rows = routes
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
  const defaults = rows.filter((row) => row[1] === '00000000' && row[7] === '00000000');
  return defaults.sort((a, b) => Number(a[6]) - Number(b[6]))[0]?.[0];
}

function readRoutes(): string {
  try {
    return readFileSync('/proc/self/net/route', 'latin1');
  } catch {
    return '';
  }
}

/** Addresses of this host's interfaces, the default route's first, container devices last. */
export function hostAddresses(): readonly HostAddress[] {
  const device = defaultDevice(readRoutes());
  const all = Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? []).flatMap((address): HostAddress[] => {
      const ip = address.family === 'IPv4' ? parseIp4(address.address) : undefined;
      return ip && !isSpecialIp4(ip) ? [{ device: name, ip, isDefault: name === device }] : [];
    }),
  );
  const rank = (one: HostAddress): number => (one.isDefault ? 0 : CONTAINER_DEVICE.test(one.device) ? 2 : 1);
  return all.sort((a, b) => rank(a) - rank(b));
}

/** The address to advertise when nobody says one: the default route's, else the only one there is, else the only one that reaches the others. */
export function obviousAddress(addresses: readonly HostAddress[]): HostAddress | undefined {
  const first = addresses.find((address) => address.isDefault);
  const plain = addresses.filter(({ device }) => !CONTAINER_DEVICE.test(device));
  const reaching = addresses.filter(({ reaches }) => reaches !== undefined);
  const only = (list: readonly HostAddress[]) => (list.length === 1 ? list[0] : undefined);
  return first ?? only(plain) ?? only(reaching);
}

/** Whether the address is one of this host's, loopback included. */
export const isHostAddress = (ip: Ip): boolean =>
  Object.values(networkInterfaces()).some((list) => list?.some((address) => address.address === printIp(ip)));
