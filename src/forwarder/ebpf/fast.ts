import { TsflannelError } from '../../errors.ts';
import { failPoint } from '../../fail-point.ts';
import type { Carrier, Forward } from '../../kernel/state.ts';
import type { ForwarderCounters } from '../../model/carrier-report.ts';
import { loadProgram } from '../../sys/bpf-program.ts';
import { leavePinRoot } from '../../sys/bpffs.ts';
import { possibleCpus } from '../../sys/cpus.ts';
import { libc } from '../../sys/libc.ts';
import { attachAll, detach, detachStrays, isAttached, isDead, MANNERS, type Manner, type Place } from './attach.ts';
import { readMaps } from './counters.ts';
import { type BpfObject, linkProgram } from './elf.ts';
import { openHop, removeHop } from './hop.ts';
import { closeMaps, type Maps, openMaps, pinMaps } from './maps.ts';
import { readPrograms } from './object.ts';
import { openPins, othersPins, type Pins, pinsIfThere } from './pins.ts';
import { placesOf, readSettings, type Settings, settingsOf } from './settings.ts';
import { NO_STRIP, openStrip, removeStrip } from './strip.ts';
import { openTable, type Table } from './table.ts';
import { underlayOf } from './underlay.ts';

/** The programs of one carrier at work. */
export interface FastPath {
  readonly carrier: Carrier;
  readonly manner: Manner;
  setForwards(forwards: readonly Forward[]): void;
  counters(): ForwarderCounters;
  /** Whether all programs are still where they were put. */
  isWhole(): boolean;
  /** Lets go of them: they go on without us. */
  close(): void;
}

function loadAll(object: BpfObject, maps: Maps, places: readonly Place[]): [Place, number][] {
  const loaded: [Place, number][] = [];
  try {
    for (const place of places) {
      const program = object.programs.find(({ name }) => name === place.program);
      if (!program)
        throw new TsflannelError('KERNEL_REFUSED', { detail: 'reading bpf/carrier.o', why: 'a program is missing' });
      const linked = linkProgram(program, (map) => maps[map as keyof Maps]);
      loaded.push([place, loadProgram(program.name, linked, object.license)]);
    }
    return loaded;
  } catch (error) {
    for (const [, fd] of loaded) libc().close(fd);
    throw error;
  }
}

interface Opening {
  readonly carrier: Carrier;
  /** The table to begin with; absent: what a former daemon left. */
  readonly forwards: readonly Forward[] | undefined;
  readonly manners: readonly Manner[];
}

/**
 * Pins outlive their namespace, whose number another one gets then: what is pinned counts only if a program of it runs. Others' that are
 * dead are nobody's any more.
 */
function clearDead(pins: Pins): void {
  for (const others of othersPins()) if (isDead(others)) others.clear();
  const former = readSettings(pins);
  const runs = former && placesOf(former).some((place) => MANNERS.some((manner) => isAttached(pins, manner, place)));
  if (!runs) pins.clear();
}

function pathOver(opening: Opening, pins: Pins, settings: Settings, cpus: number): FastPath {
  const { carrier, forwards, manners } = opening;
  const object = readPrograms();
  const places = placesOf(settings);
  const former = readSettings(pins);
  const opened = openMaps(pins, object, settings);
  const { maps } = opened;
  let manner: Manner;
  let table: Table;
  try {
    table = openTable(maps, cpus);
    if (forwards) table.set(forwards);
    const programs = loadAll(object, maps, places);
    try {
      manner = attachAll(pins, manners, programs);
    } finally {
      // They are held by the places where they run.
      for (const [, fd] of programs) libc().close(fd);
    }
    failPoint('programs-attached');
    if (former) detachStrays(pins, placesOf(former), places);
    pinMaps(pins, opened);
  } catch (error) {
    closeMaps(maps);
    throw error;
  }
  return {
    carrier,
    manner,
    setForwards: table.set,
    counters: () => readMaps(maps, table.entries(), cpus),
    isWhole: () => places.every((place) => isAttached(pins, manner, place)),
    close: () => closeMaps(maps),
  };
}

/**
 * Puts the programs to work for this carrier, whose device must be there: with the maps of a former daemon where they fit, and each program
 * in the place of the former one without a packet passing none. Throws KERNEL_REFUSED or NOT_ROOT; some of it may stand then
 * (`removeFastPath`).
 */
export function openFastPath(opening: Opening): FastPath {
  const { device: name, local } = opening.carrier;
  const device = libc().ifIndex(name);
  if (device === 0)
    throw new TsflannelError('KERNEL_REFUSED', { detail: `programs on ${name}`, why: 'no such device' });
  const underlay = underlayOf(local);
  const pins = openPins(name);
  clearDead(pins);
  const cpus = possibleCpus();
  const devices = {
    device,
    underlay: underlay.ifindex,
    hop: openHop(name, cpus),
    strip: underlay.isSoftware ? openStrip(name, readSettings(pins)) : NO_STRIP,
  };
  if (!underlay.isSoftware) removeStrip(name);
  return pathOver(opening, pins, settingsOf(opening.carrier, devices), cpus);
}

function removePrograms(pins: Pins): void {
  const former = readSettings(pins);
  for (const place of former ? placesOf(former) : []) detach(pins, place);
  pins.clear();
  leavePinRoot();
}

/** Takes everything of this device's programs away: programs, qdiscs, pins, maps, our bpffs, the hop. Fine if there is nothing. */
export function removeFastPath(device: string): void {
  const pins = pinsIfThere(device);
  if (pins) removePrograms(pins);
  removeHop(device);
  removeStrip(device);
}
