/**
 * The object file that clang makes of bpf/*.c, read into what the kernel is given: definitions of maps, and programs with the places where
 * they name a map. Pure. Only what our own programs need is understood (64-bit little-endian ELF, legacy map definitions, map references);
 * a file with anything else is refused, so that a wrong or damaged file is never loaded half understood.
 */
import { accept, type Parsed, reject } from '../../model/parsed.ts';

/** As BPF_MAP_CREATE takes it: sizes in bytes, type and flags are the kernel's numbers. */
export interface MapDefinition {
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
}

export interface ProgramDefinition {
  /** The part of the section's name behind `tc/`. */
  readonly name: string;
  /** A whole number of 8-byte instructions. */
  readonly instructions: Buffer;
  /** Byte offsets of instructions that load a map. */
  readonly references: readonly { readonly offset: number; readonly map: string }[];
}

export interface BpfObject {
  readonly license: string;
  readonly maps: readonly MapDefinition[];
  readonly programs: readonly ProgramDefinition[];
}

const HEADER = 64;
const SECTION = 64;
const SYMBOL = 24;
const RELOCATION = 16;
const INSTRUCTION = 8;
const MAP = 20;
/** ELF magic, 64 bits, little-endian, version 1. */
const IDENT = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
const EM_BPF = 247;
const [SHT_PROGBITS, SHT_SYMTAB, SHT_REL] = [1, 2, 9];
const R_BPF_64_64 = 1;
/** The first half of a 16-byte instruction that loads a constant; its source register says what kind of constant. */
const LD_IMM64 = 0x18;
const BPF_PSEUDO_MAP_FD = 1;
const PREFIX = 'tc/';
/** Ours are a few dozens; a file that claims more is not one of ours. */
const MAX_SECTIONS = 256;

class Malformed extends Error {}

/** The bytes of a piece of the file; throws Malformed where it is not all there. */
function piece(file: Buffer, offset: number, length: number, what: string): Buffer {
  if (!Number.isSafeInteger(offset + length) || offset + length > file.length)
    throw new Malformed(`${what} ends early`);
  return file.subarray(offset, offset + length);
}

const u64 = (buffer: Buffer, at: number): number => Number(buffer.readBigUInt64LE(at));

function textAt(table: Buffer, at: number): string {
  const end = at < table.length ? table.indexOf(0, at) : -1;
  if (end < 0) throw new Malformed('a name ends early');
  return table.toString('latin1', at, end);
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly link: number;
  readonly info: number;
  readonly data: Buffer;
}

function sectionsOf(file: Buffer): Section[] {
  const header = piece(file, 0, HEADER, 'the header');
  if (!header.subarray(0, IDENT.length).equals(IDENT) || header.readUInt16LE(18) !== EM_BPF)
    throw new Malformed('not a little-endian BPF object');
  const count = header.readUInt16LE(60);
  if (header.readUInt16LE(58) !== SECTION || count > MAX_SECTIONS) throw new Malformed('strange section headers');
  const table = piece(file, u64(header, 40), count * SECTION, 'the section table');
  const raw = Array.from({ length: count }, (_, i) => table.subarray(i * SECTION, (i + 1) * SECTION));
  const dataOf = (entry: Buffer) => piece(file, u64(entry, 24), u64(entry, 32), 'a section');
  const nameTable = raw[header.readUInt16LE(62)];
  if (!nameTable) throw new Malformed('no section names');
  const names = dataOf(nameTable);
  return raw.map((entry) => ({
    name: textAt(names, entry.readUInt32LE(0)),
    type: entry.readUInt32LE(4),
    link: entry.readUInt32LE(40),
    info: entry.readUInt32LE(44),
    // The first entry stands for "no section".
    data: entry.readUInt32LE(4) === 0 ? Buffer.alloc(0) : dataOf(entry),
  }));
}

interface Symbol {
  readonly name: string;
  readonly section: number;
  readonly value: number;
}

function symbolsOf(sections: readonly Section[]): Symbol[] {
  const table = sections.find(({ type }) => type === SHT_SYMTAB);
  const names = table && sections[table.link]?.data;
  if (!table || !names || table.data.length % SYMBOL !== 0) throw new Malformed('no symbol table');
  return Array.from({ length: table.data.length / SYMBOL }, (_, i) => {
    const entry = table.data.subarray(i * SYMBOL, (i + 1) * SYMBOL);
    return { name: textAt(names, entry.readUInt32LE(0)), section: entry.readUInt16LE(6), value: u64(entry, 8) };
  });
}

function mapsOf(sections: readonly Section[], symbols: readonly Symbol[]): MapDefinition[] {
  const index = sections.findIndex(({ name }) => name === 'maps');
  const data = sections[index]?.data;
  if (!data) return [];
  return symbols
    .filter(({ section, name }) => section === index && name !== '')
    .map(({ name, value }) => {
      const bytes = piece(data, value, MAP, `map ${name}`);
      const [type, keySize, valueSize, maxEntries, flags] = [0, 4, 8, 12, 16].map((at) => bytes.readUInt32LE(at)) as [
        ...[number, number, number, number, number],
      ];
      return { name, type, keySize, valueSize, maxEntries, flags };
    });
}

/** Where the section loads maps; every relocation of a program must be such a place. */
function referencesOf(
  program: Section,
  relocations: readonly Section[],
  named: (index: number) => string | undefined,
): ProgramDefinition['references'] {
  return relocations.flatMap(({ data }) =>
    Array.from({ length: Math.floor(data.length / RELOCATION) }, (_, i) => {
      const [offset, info] = [u64(data, i * RELOCATION), data.readBigUInt64LE(i * RELOCATION + 8)];
      const map = named(Number(info >> 32n));
      const isLoad = offset % INSTRUCTION === 0 && program.data[offset] === LD_IMM64;
      piece(program.data, offset, 2 * INSTRUCTION, 'a map reference');
      if (Number(info & 0xffffffffn) !== R_BPF_64_64 || map === undefined || !isLoad)
        throw new Malformed(`${program.name} refers to something else than a map`);
      return { offset, map };
    }),
  );
}

function read(file: Buffer): BpfObject {
  const sections = sectionsOf(file);
  const symbols = symbolsOf(sections);
  const maps = mapsOf(sections, symbols);
  const isMap = new Set(maps.map(({ name }) => name));
  const named = (index: number) => symbols.find((symbol, i) => i === index && isMap.has(symbol.name))?.name;
  const programs = sections.flatMap((section, i) => {
    if (section.type !== SHT_PROGBITS || !section.name.startsWith(PREFIX)) return [];
    const { length } = section.data;
    if (length === 0 || length % INSTRUCTION !== 0) throw new Malformed(`${section.name} is cut`);
    const relocations = sections.filter(({ type, info }) => type === SHT_REL && info === i);
    const references = referencesOf(section, relocations, named);
    return [{ name: section.name.slice(PREFIX.length), instructions: Buffer.from(section.data), references }];
  });
  const license = sections.find(({ name }) => name === 'license')?.data;
  if (!license || programs.length === 0) throw new Malformed('no programs or no license');
  return { license: textAt(license, 0), maps, programs };
}

/** The object in this file's bytes. Never throws. */
export function parseBpfObject(file: Buffer): Parsed<BpfObject> {
  try {
    return accept(read(file));
  } catch (error) {
    // A RangeError is Node's word for reading beyond the end.
    if (!(error instanceof Malformed) && !(error instanceof RangeError)) throw error;
    return reject('BPF_OBJECT', 'bpf/carrier.o', error.message);
  }
}

/** The program's instructions with the maps' descriptors put in. `fdOf` is asked for each map it uses. */
export function linkProgram(program: ProgramDefinition, fdOf: (map: string) => number): Buffer {
  const linked = Buffer.from(program.instructions);
  for (const { offset, map } of program.references) {
    linked[offset + 1] = (linked[offset + 1]! & 0x0f) | (BPF_PSEUDO_MAP_FD << 4);
    linked.writeInt32LE(fdOf(map), offset + 4);
  }
  return linked;
}
