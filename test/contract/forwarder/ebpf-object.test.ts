/**
 * That the committed bpf/carrier.o is what clang makes of bpf/carrier.c. By the same release of clang every instruction must be the same.
 * Another release orders and allocates differently: then compared is what a program is made of whoever compiles it: its name, the maps
 * (all of their definition), the maps each program uses, the kernel's functions each program calls, and the license.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile, HEADER, OBJECT } from '../../../scripts/bpf.ts';
import { type BpfObject, type ProgramDefinition, parseBpfObject } from '../../../src/forwarder/ebpf/elf.ts';
import { layoutHeader } from '../../../src/forwarder/ebpf/layout.ts';

const CALL = 0x85;

const sorted = <T>(values: Iterable<T>): T[] => [...new Set(values)].sort();

/** Numbers of the kernel's functions that a program calls. */
const callsOf = ({ instructions }: ProgramDefinition): number[] =>
  sorted(
    Array.from({ length: instructions.length / 8 }, (_, i) => i * 8)
      .filter((at) => instructions[at] === CALL)
      .map((at) => instructions.readInt32LE(at + 4)),
  );

const partsOf = ({ license, maps, programs }: BpfObject) => ({
  license,
  maps: [...maps].sort((a, b) => a.name.localeCompare(b.name)),
  programs: programs.map((program) => ({
    name: program.name,
    uses: sorted(program.references.map(({ map }) => map)),
    calls: callsOf(program),
  })),
});

/** `Clang 14.0.6`, which carrier.c notes in the file. */
const compilerOf = (path: string): string | undefined => /Clang [\d.]+/.exec(readFileSync(path, 'latin1'))?.[0];

describe('bpf/carrier.o', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsflannel-bpf-'));
  after(() => rmSync(folder, { recursive: true }));

  const parsed = (path: string): BpfObject => {
    const object = parseBpfObject(readFileSync(path));
    assert.ok(object.ok, path);
    return object.value;
  };

  it('is made of bpf/carrier.c and of src/forwarder/ebpf/layout.ts', () => {
    assert.equal(readFileSync(HEADER, 'utf8'), layoutHeader());
    const built = join(folder, 'carrier.o');
    compile(built);
    assert.deepEqual(partsOf(parsed(built)), partsOf(parsed(OBJECT)));
    const compiler = compilerOf(built);
    assert.ok(compiler);
    if (compiler === compilerOf(OBJECT)) assert.deepEqual(parsed(built), parsed(OBJECT));
    else console.log(`      ${compiler} here: instructions are not compared`);
  });

  it('would be told from one of another source', () => {
    const object = parsed(OBJECT);
    const [first, ...others] = object.programs as [ProgramDefinition, ...ProgramDefinition[]];
    const instructions = Buffer.from(first.instructions);
    const call = Array.from({ length: instructions.length / 8 }, (_, i) => i * 8).find(
      (at) => instructions[at] === CALL,
    );
    assert.ok(call !== undefined);
    instructions.writeInt32LE(211, call + 4);
    const changed = { ...object, programs: [{ ...first, instructions }, ...others] };
    assert.notDeepEqual(partsOf(changed), partsOf(object));
  });
});
