import type { Carrier } from '../../kernel/state.ts';
import { type Prefix, prefixOf } from '../../model/address.ts';
import { SOURCE_CHECKS } from '../../model/backend-config.ts';
import { lookupElement, shapeOf } from '../../sys/bpf.ts';
import type { Place } from './attach.ts';
import type { Hop } from './hop.ts';
import { SETTINGS, VERSION } from './layout.ts';
import { type Pins, withPinned } from './pins.ts';
import type { Strip } from './strip.ts';

/** What the programs know of this node. */
export type Settings = ReturnType<typeof SETTINGS.decode>;

/** Interfaces by index. */
export interface Devices {
  readonly device: number;
  readonly underlay: number;
  readonly hop: Hop;
  readonly strip: Strip;
}

const maskOf = (length: number): number => (length === 0 ? 0 : (-1 << (32 - length)) >>> 0);
const lengthOf = (mask: number): number => 32 - Math.log2(2 ** 32 - mask);

export const settingsOf = (carrier: Carrier, { device, underlay, hop, strip }: Devices): Settings => ({
  version: VERSION,
  local: Number(carrier.local.value),
  network: Number(carrier.network.address),
  network_mask: maskOf(carrier.network.length),
  subnet: Number(carrier.subnet.address),
  subnet_mask: maskOf(carrier.subnet.length),
  mtu: carrier.mtu,
  device,
  underlay,
  hop: hop.enter,
  hop_end: hop.leave,
  ...strip,
  port: carrier.port,
  check: SOURCE_CHECKS.indexOf(carrier.sourceCheck),
  direct: carrier.directDelivery ? 1 : 0,
});

const prefix = (address: number, mask: number): Prefix =>
  prefixOf({ family: 4, value: BigInt(address) }, lengthOf(mask));

/** The carrier that was told to the programs, on the device of this name. */
export const carrierOf = (settings: Settings, device: string): Carrier => ({
  kind: 'carrier',
  type: 'ebpf',
  device,
  local: { family: 4, value: BigInt(settings.local) },
  port: settings.port,
  mtu: settings.mtu,
  network: prefix(settings.network, settings.network_mask),
  subnet: prefix(settings.subnet, settings.subnet_mask),
  sourceCheck: SOURCE_CHECKS[settings.check] ?? 'strict',
  directDelivery: settings.direct === 1,
});

/** Where the programs of these settings run. `decapsulate` comes last: it hands on to the others. */
export const placesOf = ({ device, underlay, hop_end, strip }: Settings): readonly Place[] => [
  { program: 'encapsulate', ifindex: device, hook: 'egress' },
  { program: 'deliver', ifindex: hop_end, hook: 'ingress' },
  ...(strip === 0
    ? []
    : [
        { program: 'unmark', ifindex: strip, hook: 'ingress' as const },
        { program: 'reveal', ifindex: underlay, hook: 'egress' as const },
      ]),
  { program: 'decapsulate', ifindex: underlay, hook: 'ingress' },
];

/** The settings of the programs that run, pinned; `undefined`: there are none, or of another version. */
export function readSettings(pins: Pins): Settings | undefined {
  return withPinned(pins, 'map_settings', (fd) => {
    const value = Buffer.alloc(SETTINGS.size);
    if (shapeOf(fd).valueSize !== SETTINGS.size || !lookupElement(fd, Buffer.alloc(4), value)) return undefined;
    const settings = SETTINGS.decode(value);
    return settings.version === VERSION ? settings : undefined;
  });
}
