import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { linkProgram, parseBpfObject } from '../../../../src/forwarder/ebpf/elf.ts';
import { packageRoot } from '../../../../src/root.ts';

const FILE = readFileSync(join(packageRoot(), 'bpf/carrier.o'));

const changed = (change: (copy: Buffer) => void): Buffer => {
  const copy = Buffer.from(FILE);
  change(copy);
  return copy;
};
const detailOf = (file: Buffer): string => {
  const parsed = parseBpfObject(file);
  return parsed.ok ? 'accepted' : parsed.rejection.detail;
};

describe('forwarder/ebpf/elf', () => {
  it('reads the programs and maps of the committed object', () => {
    const parsed = parseBpfObject(FILE);
    assert.ok(parsed.ok);
    const { license, maps, programs } = parsed.value;
    assert.equal(license, 'GPL');
    assert.deepEqual(maps.map(({ name }) => name).sort(), [
      ...['drops', 'forwards', 'hops', 'peers', 'settings', 'totals'],
    ]);
    assert.deepEqual(programs.map(({ name }) => name).sort(), [
      ...['decapsulate', 'deliver', 'encapsulate', 'reveal', 'unmark'],
    ]);
    for (const { references } of programs) assert.ok(references.some(({ map }) => map === 'settings'));
  });

  it('puts descriptors where a program names a map, and nowhere else', () => {
    const parsed = parseBpfObject(FILE);
    assert.ok(parsed.ok);
    const program = parsed.value.programs.find(({ name }) => name === 'deliver')!;
    const linked = linkProgram(program, () => 0x1234);
    const differ = Array.from(linked, (byte, i) => (byte === program.instructions[i] ? [] : [i])).flat();
    assert.deepEqual(
      differ,
      program.references.flatMap(({ offset }) => [offset + 1, offset + 4, offset + 5]),
    );
    const { offset } = program.references[0]!;
    // ld_imm64 r1, with source register 1 (BPF_PSEUDO_MAP_FD).
    assert.deepEqual([linked[offset], linked[offset + 1]! >> 4, linked.readInt32LE(offset + 4)], [0x18, 1, 0x1234]);
  });

  it('refuses what is no BPF object, or not one of ours', () => {
    assert.match(detailOf(Buffer.alloc(0)), /header ends early/);
    assert.match(detailOf(readFileSync(process.execPath).subarray(0, 4096)), /not a little-endian BPF object/);
    assert.match(detailOf(changed((copy) => copy.writeUInt16LE(62, 18))), /not a little-endian BPF object/);
    assert.match(detailOf(changed((copy) => copy.writeUInt8(1, 4))), /not a little-endian BPF object/);
    assert.match(detailOf(changed((copy) => copy.writeUInt16LE(0xffff, 60))), /strange section headers/);
    assert.match(detailOf(changed((copy) => copy.writeUInt16LE(0xfff0, 62))), /no section names/);
    assert.match(detailOf(changed((copy) => copy.writeBigUInt64LE(1n << 62n, 40))), /section table ends early/);
  });

  it('refuses a file that ends anywhere', () => {
    for (let length = 0; length < FILE.length; length += 7)
      assert.notEqual(detailOf(FILE.subarray(0, length)), 'accepted', `${length} bytes`);
  });

  it('survives any damage: what it accepts still has its references within its programs', () => {
    const damage = fc.array(fc.tuple(fc.nat(FILE.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(damage, (places) => {
        const damaged = changed((copy) => {
          for (const [at, byte] of places) copy.writeUInt8(byte, at);
        });
        const parsed = parseBpfObject(damaged);
        if (!parsed.ok) return;
        for (const program of parsed.value.programs)
          assert.equal(linkProgram(program, () => 7).length, program.instructions.length);
      }),
      { numRuns: 500 },
    );
  });
});
