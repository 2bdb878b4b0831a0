import { readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { openPinned, pinObject } from '../../sys/bpf.ts';
import { makeFolder, namespaceNumber, pinRoot, pinRootIfThere } from '../../sys/bpffs.ts';
import { libc } from '../../sys/libc.ts';

/**
 * Pinned objects of one carrier: what goes on without the daemon, and what the next one takes over. A folder a device, in a folder a
 * network namespace: two nodes in namespaces of one machine see the same bpffs.
 */
export interface Pins {
  /** Descriptor of the object pinned by this name, to be closed by the caller; `undefined`: there is none. */
  open(name: string): number | undefined;
  /** Pins the object by this name, in the place of another. */
  put(name: string, fd: number): void;
  /** Names of all. */
  list(): string[];
  remove(name: string): void;
  /** Removes all that are left, and the folders that are empty then. */
  clear(): void;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function removeFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Another device's or node's pins are in it, or it was never made.
  }
}

function removePin(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function pinsIn(root: string, name: string, device: string): Pins {
  const namespace = join(root, name);
  const folder = join(namespace, device);
  const pathOf = (name: string): string => join(folder, name);
  return {
    open: (name) => openPinned(pathOf(name)),
    put(name, fd) {
      makeFolder(folder);
      removePin(pathOf(name));
      pinObject(fd, pathOf(name));
    },
    list: () => namesIn(folder),
    remove: (name) => removePin(pathOf(name)),
    clear() {
      for (const name of namesIn(folder)) removePin(pathOf(name));
      for (const each of [folder, namespace, root]) removeFolder(each);
    },
  };
}

const ownName = (): string => String(namespaceNumber());

/** The pins of this device's carrier; mounts a bpffs where there is none. Throws NOT_ROOT, KERNEL_REFUSED. */
export const openPins = (device: string): Pins => pinsIn(pinRoot(), ownName(), device);

/** The same without mounting anything; `undefined`: there is nothing that pins could be in. */
export function pinsIfThere(device: string): Pins | undefined {
  const root = pinRootIfThere();
  return root === undefined ? undefined : pinsIn(root, ownName(), device);
}

/** Devices of this namespace that have pins. */
export function pinnedDevices(): string[] {
  const root = pinRootIfThere();
  return root === undefined ? [] : namesIn(join(root, ownName()));
}

/** The pins of all carriers in other namespaces. */
export function othersPins(): Pins[] {
  const root = pinRootIfThere();
  if (root === undefined) return [];
  const others = namesIn(root).filter((name) => name !== ownName());
  return others.flatMap((name) => namesIn(join(root, name)).map((device) => pinsIn(root, name, device)));
}

/** Runs with the pinned object's descriptor and closes it; `undefined`: there is none. */
export function withPinned<T>(pins: Pins, name: string, use: (fd: number) => T): T | undefined {
  const fd = pins.open(name);
  if (fd === undefined) return undefined;
  try {
    return use(fd);
  } finally {
    libc().close(fd);
  }
}
