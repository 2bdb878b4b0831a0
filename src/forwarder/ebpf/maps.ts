import { createMap, type MapShape, shapeOf, updateElement } from '../../sys/bpf.ts';
import { libc } from '../../sys/libc.ts';
import type { BpfObject } from './elf.ts';
import { SETTINGS } from './layout.ts';
import { type Pins, withPinned } from './pins.ts';
import { readSettings, type Settings } from './settings.ts';

export const MAP_NAMES = ['settings', 'forwards', 'hops', 'peers', 'totals', 'drops'] as const;
export type MapName = (typeof MAP_NAMES)[number];

/** Descriptors of a carrier's maps. */
export type Maps = Readonly<Record<MapName, number>>;

export const pinOf = (map: MapName): string => `map_${map}`;

const sameShape = (a: MapShape, b: MapShape): boolean =>
  a.type === b.type &&
  a.keySize === b.keySize &&
  a.valueSize === b.valueSize &&
  a.maxEntries === b.maxEntries &&
  a.flags === b.flags;

function definitionOf(object: BpfObject, name: MapName): MapShape {
  const found = object.maps.find((map) => map.name === name);
  if (!found) throw new Error(`bpf/carrier.o has no map ${name}`);
  return found;
}

/** Whether the pinned maps are such as these programs use, all of them. */
function areFit(pins: Pins, object: BpfObject): boolean {
  if (!readSettings(pins)) return false;
  return MAP_NAMES.every((name) =>
    withPinned(pins, pinOf(name), (fd) => sameShape(shapeOf(fd), definitionOf(object, name))),
  );
}

export interface OpenedMaps {
  readonly maps: Maps;
  /** They are those of a former daemon. */
  readonly taken: boolean;
}

/**
 * The maps of a former daemon where they fit, with all that is in them, else new ones. The settings are always in a new map: they change
 * with the programs, in one moment, never under them. Nothing new is pinned yet.
 */
export function openMaps(pins: Pins, object: BpfObject, settings: Settings): OpenedMaps {
  const taken = areFit(pins, object);
  const opened: Partial<Record<MapName, number>> = {};
  try {
    for (const name of MAP_NAMES) {
      const former = taken && name !== 'settings' ? pins.open(pinOf(name)) : undefined;
      opened[name] = former ?? createMap(name, definitionOf(object, name));
    }
    const maps = opened as Maps;
    updateElement(maps.settings, Buffer.alloc(4), SETTINGS.encode(settings));
    return { maps, taken };
  } catch (error) {
    closeMaps(opened);
    throw error;
  }
}

export function closeMaps(maps: Partial<Maps>): void {
  for (const fd of Object.values(maps)) libc().close(fd);
}

/** Pins what is new. The settings come last: with their pin all the others are there. */
export function pinMaps(pins: Pins, { maps, taken }: OpenedMaps): void {
  if (!taken) for (const name of MAP_NAMES.filter((one) => one !== 'settings')) pins.put(pinOf(name), maps[name]);
  pins.put(pinOf('settings'), maps.settings);
}
