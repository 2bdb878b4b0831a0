/**
 * bpf(2) by koffi: maps, and what all BPF objects share (pins, information). Programs and links are in bpf-program.ts. Descriptors are
 * plain numbers, closed on exec by the kernel; whoever gets one closes it. All throw NOT_ROOT or KERNEL_REFUSED with the errno as cause.
 */
import { createRequire } from 'node:module';
import { TsflannelError } from '../errors.ts';
import { ERRNO, errnoText, libc } from './libc.ts';

export const BPF = {
  MAP_CREATE: 0,
  MAP_LOOKUP_ELEM: 1,
  MAP_UPDATE_ELEM: 2,
  MAP_DELETE_ELEM: 3,
  MAP_GET_NEXT_KEY: 4,
  PROG_LOAD: 5,
  OBJ_PIN: 6,
  OBJ_GET: 7,
  OBJ_GET_INFO_BY_FD: 15,
  MAP_LOOKUP_BATCH: 24,
  MAP_UPDATE_BATCH: 26,
  MAP_DELETE_BATCH: 27,
  LINK_CREATE: 28,
  LINK_UPDATE: 29,
} as const;
export type BpfCommand = (typeof BPF)[keyof typeof BPF];

const SYSCALL: Readonly<Record<string, number>> = { x64: 321, arm64: 280 };
const NAME_BYTES = 16;
const RLIMIT_MEMLOCK = 8;

interface Calls {
  /** 0 or a descriptor, or -1 with errno. */
  bpf(command: number, attributes: Buffer): number;
  addressOf(buffer: Buffer): bigint;
}

let calls: Calls | undefined;

function bind(): Calls {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const number = SYSCALL[process.arch];
  if (number === undefined)
    throw new TsflannelError('KERNEL_REFUSED', {
      detail: 'bpf(2)',
      why: `its number on ${process.arch} is not known here`,
    });
  const c = koffi.load(null);
  const syscall = c.func('long syscall(long, ...)');
  // Before Linux 5.11 maps and programs count as locked memory.
  c.func('int setrlimit(int, const void *)')(RLIMIT_MEMLOCK, Buffer.alloc(16, 0xff));
  return {
    bpf: (command, attributes) =>
      Number(syscall(number, 'int', command, 'void *', attributes, 'uint32_t', attributes.length)),
    addressOf: (buffer) => BigInt(koffi.address(buffer)),
  };
}

const bound = (): Calls => {
  calls ??= bind();
  return calls;
};

/** Where the bytes lie: for structures that hold pointers. The buffer must live until the call is over. */
export const addressOf = (buffer: Buffer): bigint => bound().addressOf(buffer);

/** Writes the address of `buffer` at `at`. */
export function setAddress(attributes: Buffer, at: number, buffer: Buffer): void {
  attributes.writeBigUInt64LE(addressOf(buffer), at);
}

/** One call as C has it: -1 means failure, with the number in `libc().errno()`. */
export const tryBpf = (command: BpfCommand, attributes: Buffer): number => bound().bpf(command, attributes);

export const refusedBpf = (detail: string, errno: number): TsflannelError =>
  errno === ERRNO.EPERM || errno === ERRNO.EACCES
    ? new TsflannelError('NOT_ROOT', { detail }, errno)
    : new TsflannelError('KERNEL_REFUSED', { detail, why: errnoText(errno) }, errno);

/** One call that must succeed. */
export function bpf(command: BpfCommand, attributes: Buffer, detail: string): number {
  const result = tryBpf(command, attributes);
  if (result < 0) throw refusedBpf(detail, libc().errno());
  return result;
}

export interface MapShape {
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
}

/** Writes a name for bpftool: at most 15 bytes, letters, digits, `_` and `.`. */
export function setName(attributes: Buffer, at: number, name: string): void {
  attributes.write(name.replace(/[^A-Za-z0-9_.]/g, '_').slice(0, NAME_BYTES - 1), at, 'latin1');
}

/** Makes a map; returns its descriptor. */
export function createMap(name: string, shape: MapShape): number {
  const attributes = Buffer.alloc(72);
  [shape.type, shape.keySize, shape.valueSize, shape.maxEntries, shape.flags].forEach((value, i) => {
    attributes.writeUInt32LE(value, 4 * i);
  });
  setName(attributes, 28, name);
  return bpf(BPF.MAP_CREATE, attributes, `making the BPF map ${name}`);
}

function element(map: number, key: Buffer, value: Buffer | undefined): Buffer {
  const attributes = Buffer.alloc(32);
  attributes.writeUInt32LE(map, 0);
  setAddress(attributes, 8, key);
  if (value) setAddress(attributes, 16, value);
  return attributes;
}

export function updateElement(map: number, key: Buffer, value: Buffer): void {
  bpf(BPF.MAP_UPDATE_ELEM, element(map, key, value), 'writing a BPF map');
}

/** Reads into `value` (of a per-CPU map: all CPUs' values, each in a multiple of 8 bytes); false: there is no such key. */
export function lookupElement(map: number, key: Buffer, value: Buffer): boolean {
  if (tryBpf(BPF.MAP_LOOKUP_ELEM, element(map, key, value)) >= 0) return true;
  const errno = libc().errno();
  if (errno === ERRNO.ENOENT) return false;
  throw refusedBpf('reading a BPF map', errno);
}

/** Fine if there is none. */
export function deleteElement(map: number, key: Buffer): void {
  if (tryBpf(BPF.MAP_DELETE_ELEM, element(map, key, undefined)) >= 0) return;
  const errno = libc().errno();
  if (errno !== ERRNO.ENOENT) throw refusedBpf('removing from a BPF map', errno);
}

function batch(map: number, count: number, [keys, values]: readonly [Buffer, Buffer | undefined]): Buffer {
  const attributes = Buffer.alloc(56);
  setAddress(attributes, 16, keys);
  if (values) setAddress(attributes, 24, values);
  attributes.writeUInt32LE(count, 32);
  attributes.writeUInt32LE(map, 36);
  return attributes;
}

/** Entries that one call of `entriesOf` reads. */
const CHUNK = 4096;
/** Where a chunk ends, in the kernel's own terms: a key or a bucket number. */
const TOKEN = 16;

/**
 * All entries; `valueSize` is what a lookup gives. A map that changes meanwhile may show an entry twice or not at all. Throws where the
 * kernel has no batches for this kind of map (before Linux 5.6; LPM tries: 5.7).
 */
export function entriesOf(map: number, keySize: number, valueSize: number): [key: Buffer, value: Buffer][] {
  const entries: [Buffer, Buffer][] = [];
  const token = Buffer.alloc(TOKEN);
  for (let more = true, first = true; more; first = false) {
    const [keys, values] = [Buffer.alloc(CHUNK * keySize), Buffer.alloc(CHUNK * valueSize)];
    const attributes = batch(map, CHUNK, [keys, values]);
    if (!first) setAddress(attributes, 0, token);
    setAddress(attributes, 8, token);
    more = tryBpf(BPF.MAP_LOOKUP_BATCH, attributes) >= 0;
    const errno = more ? 0 : libc().errno();
    // "No entry" is how it says that these are the last.
    if (!more && errno !== ERRNO.ENOENT) throw refusedBpf('reading a BPF map', errno);
    for (let i = 0; i < attributes.readUInt32LE(32); i++) {
      entries.push([
        keys.subarray(i * keySize, (i + 1) * keySize),
        values.subarray(i * valueSize, (i + 1) * valueSize),
      ]);
    }
  }
  return entries;
}

/** Writes all entries by one call where the kernel has that for this kind of map (Linux 5.6), else one by one. */
export function updateAll(map: number, entries: readonly (readonly [key: Buffer, value: Buffer])[]): void {
  if (entries.length === 0) return;
  const keys = Buffer.concat(entries.map(([key]) => key));
  const values = Buffer.concat(entries.map(([, value]) => value));
  if (tryBpf(BPF.MAP_UPDATE_BATCH, batch(map, entries.length, [keys, values])) >= 0) return;
  for (const [key, value] of entries) updateElement(map, key, value);
}

/** Removes these keys, as `updateAll`. */
export function deleteAll(map: number, keys: readonly Buffer[]): void {
  if (keys.length === 0) return;
  if (tryBpf(BPF.MAP_DELETE_BATCH, batch(map, keys.length, [Buffer.concat(keys), undefined])) >= 0) return;
  for (const key of keys) deleteElement(map, key);
}

/** Gives the object a name in a bpffs. */
export function pinObject(fd: number, path: string): void {
  const name = Buffer.from(`${path}\0`);
  const attributes = Buffer.alloc(16);
  setAddress(attributes, 0, name);
  attributes.writeUInt32LE(fd, 8);
  bpf(BPF.OBJ_PIN, attributes, `pinning ${path}`);
}

/** Opens a pinned object; `undefined`: nothing stands there. */
export function openPinned(path: string): number | undefined {
  const name = Buffer.from(`${path}\0`);
  const attributes = Buffer.alloc(16);
  setAddress(attributes, 0, name);
  const fd = tryBpf(BPF.OBJ_GET, attributes);
  if (fd >= 0) return fd;
  const errno = libc().errno();
  if (errno === ERRNO.ENOENT) return undefined;
  throw refusedBpf(`opening ${path}`, errno);
}

/** What the kernel tells of an object: struct bpf_map_info, bpf_prog_info or bpf_link_info, as far as `size` bytes go. */
export function infoOf(fd: number, size: number): Buffer {
  const info = Buffer.alloc(size);
  const attributes = Buffer.alloc(16);
  attributes.writeUInt32LE(fd, 0);
  attributes.writeUInt32LE(size, 4);
  setAddress(attributes, 8, info);
  bpf(BPF.OBJ_GET_INFO_BY_FD, attributes, 'asking for a BPF object');
  return info;
}

/** Type, sizes and flags of a map. */
export function shapeOf(map: number): MapShape {
  const info = infoOf(map, 24);
  const [type, , keySize, valueSize, maxEntries, flags] = [0, 4, 8, 12, 16, 20].map((at) => info.readUInt32LE(at)) as [
    ...[number, number, number, number, number, number],
  ];
  return { type, keySize, valueSize, maxEntries, flags };
}
