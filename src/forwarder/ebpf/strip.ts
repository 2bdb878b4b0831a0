/**
 * The strip device. On an underlay of software a TCP super-packet arrives whole, marked as one in a tunnel, and no program can take that
 * mark off: the kernel does it where its own tunnels end. So super-packets are wrapped once more and go out through a VXLAN device of our
 * own (docs/adr/0008). It listens on a port that nobody uses; what comes there from outside is dropped, since it does not know the address
 * in the frame (carrier.c, unmark).
 */
import { randomBytes } from 'node:crypto';
import { TsflannelError } from '../../errors.ts';
import { ERRNO, libc } from '../../sys/libc.ts';
import { nested, text, u8, u16network, u32 } from '../../sys/netlink.ts';
import { dressLink, makeLink, removeLink } from './link.ts';

/** The device by index, and what only it and the programs know. `vni` stands as in the header: in the high 24 bits. */
export interface Strip {
  readonly strip: number;
  readonly strip_vni: number;
  readonly strip_mac_high: number;
  readonly strip_mac_low: number;
  readonly strip_port: number;
}

/** There is none. */
export const NO_STRIP: Strip = { strip: 0, strip_vni: 0, strip_mac_high: 0, strip_mac_low: 0, strip_port: 0 };

const [IFLA_IFNAME, IFLA_LINKINFO] = [3, 18];
const [INFO_KIND, INFO_DATA] = [1, 2];
const [VXLAN_ID, VXLAN_LEARNING, VXLAN_PORT] = [1, 7, 15];
/** Ports that the kernel gives to no connection by default (net.ipv4.ip_local_port_range ends at 60,999). */
const FIRST_PORT = 61_000;
const PORTS = 4000;
const TRIES = 5;

const nameOf = (device: string): string => `${device}-strip`;

/** A locally administered unicast address, at random. */
function randomSecrets(): Omit<Strip, 'strip'> {
  const bytes = randomBytes(11);
  return {
    strip_vni: (bytes.readUIntBE(0, 3) << 8) >>> 0,
    strip_mac_high: ((bytes.readUInt32BE(3) & 0xfcff_ffff) | 0x0200_0000) >>> 0,
    strip_mac_low: bytes.readUInt16BE(7),
    strip_port: FIRST_PORT + (bytes.readUInt16BE(9) % PORTS),
  };
}

function make(device: string, { strip_vni, strip_port }: Omit<Strip, 'strip'>): void {
  const data = nested(
    INFO_DATA,
    u32(VXLAN_ID, strip_vni >>> 8),
    u8(VXLAN_LEARNING, 0),
    u16network(VXLAN_PORT, strip_port),
  );
  const name = nameOf(device);
  makeLink(name, [text(IFLA_IFNAME, name), nested(IFLA_LINKINFO, text(INFO_KIND, 'vxlan'), data)]);
}

/** Only when it is set up does the device take its port. */
function tryNew(device: string): Strip {
  const secrets = randomSecrets();
  make(device, secrets);
  try {
    dressLink(nameOf(device), device);
  } catch (error) {
    removeLink(nameOf(device));
    throw error;
  }
  return { strip: libc().ifIndex(nameOf(device)), ...secrets };
}

/**
 * The strip device of this device: the former one, if it is still there as it was, else a new one, or none where the kernel has no VXLAN:
 * then super-packets stay marked.
 */
export function openStrip(device: string, former: Strip | undefined): Strip {
  const index = libc().ifIndex(nameOf(device));
  if (former && index !== 0 && former.strip === index) {
    const { strip, strip_vni, strip_mac_high, strip_mac_low, strip_port } = former;
    return { strip, strip_vni, strip_mac_high, strip_mac_low, strip_port };
  }
  removeLink(nameOf(device));
  for (let tries = 1; ; tries++) {
    try {
      return tryNew(device);
    } catch (error) {
      const isTaken = error instanceof TsflannelError && error.cause === ERRNO.EADDRINUSE;
      if (!isTaken || tries === TRIES) return NO_STRIP;
    }
  }
}

/** Deletes the device; fine if there is none. */
export const removeStrip = (device: string): void => removeLink(nameOf(device));
