import { TsflannelError } from '../../errors.ts';
import type { Carriers } from '../../kernel/carriers.ts';
import type { Carrier, Forward } from '../../kernel/state.ts';
import { removeFastPath } from './fast.ts';
import { openPins, pinnedDevices, withPinned } from './pins.ts';
import { carrierOf, readSettings } from './settings.ts';
import { readEntries, subnetOf } from './table.ts';

interface Left {
  readonly carrier: Carrier;
  readonly forwards: readonly Forward[];
}

function readForwards(device: string, map: number): Forward[] {
  return readEntries(map).map((entry) => ({
    kind: 'forward',
    device,
    subnet: subnetOf(entry),
    nextHop: { family: 4, value: BigInt(entry.hop) },
    port: entry.port,
  }));
}

/** Nobody but root can look; for others there is nothing. */
function lookAt(device: string): Left | undefined {
  try {
    const pins = openPins(device);
    const settings = readSettings(pins);
    const forwards = withPinned(pins, 'map_forwards', (map) => readForwards(device, map));
    return settings && { carrier: carrierOf(settings, device), forwards: forwards ?? [] };
  } catch {
    return undefined;
  }
}

/** For programs that move no packets themselves: the carrier that a daemon has left behind, pinned, to be seen and ended. */
export function leftCarriers(): Carriers {
  const refuse = (): never => {
    throw new TsflannelError('KERNEL_REFUSED', {
      detail: 'starting a carrier',
      why: 'packets are forwarded by the daemon only',
    });
  };
  return {
    start: async () => refuse(),
    setForwards: refuse,
    running: () => pinnedDevices().flatMap((device) => lookAt(device) ?? [])[0],
    stop: async () => {
      for (const device of pinnedDevices()) removeFastPath(device);
    },
  };
}
