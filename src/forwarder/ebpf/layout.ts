/**
 * What programs and daemon share through maps, described once: scripts/bpf.ts makes bpf/layout.h of it, the daemon reads and writes by it.
 * A change of meaning needs another VERSION: pinned maps of another version are not taken over. Pure.
 */
import { SOURCE_CHECKS } from '../../model/backend-config.ts';
import { DROP_REASONS } from '../../model/carrier-report.ts';

const SIZES = { be16: 2, be32: 4, u16: 2, u32: 4, u64: 8 } as const;
type FieldType = keyof typeof SIZES;

/** A C structure: its fields in order, each aligned to its own size without gaps. */
export interface Layout<Name extends string> {
  readonly name: string;
  readonly fields: readonly (readonly [type: FieldType, name: Name])[];
  /** Bytes. */
  readonly size: number;
  encode(values: Readonly<Record<Name, number>>): Buffer;
  /** The structure at `at`; 64-bit numbers are exact to 2^53. */
  decode(buffer: Buffer, at?: number): Record<Name, number>;
}

const writers: Readonly<Record<FieldType, (buffer: Buffer, value: number, at: number) => void>> = {
  be16: (buffer, value, at) => buffer.writeUInt16BE(value, at),
  be32: (buffer, value, at) => buffer.writeUInt32BE(value, at),
  u16: (buffer, value, at) => buffer.writeUInt16LE(value, at),
  u32: (buffer, value, at) => buffer.writeUInt32LE(value, at),
  u64: (buffer, value, at) => buffer.writeBigUInt64LE(BigInt(value), at),
};

const readers: Readonly<Record<FieldType, (buffer: Buffer, at: number) => number>> = {
  be16: (buffer, at) => buffer.readUInt16BE(at),
  be32: (buffer, at) => buffer.readUInt32BE(at),
  u16: (buffer, at) => buffer.readUInt16LE(at),
  u32: (buffer, at) => buffer.readUInt32LE(at),
  u64: (buffer, at) => Number(buffer.readBigUInt64LE(at)),
};

function layout<Name extends string>(
  name: string,
  fields: readonly (readonly [type: FieldType, name: Name])[],
): Layout<Name> {
  const offsets: number[] = [];
  let size = 0;
  for (const [type] of fields) {
    offsets.push(size);
    size += SIZES[type];
  }
  return {
    name,
    fields,
    size,
    encode(values) {
      const buffer = Buffer.alloc(size);
      fields.forEach(([type, field], i) => {
        writers[type](buffer, values[field], offsets[i]!);
      });
      return buffer;
    },
    decode: (buffer, at = 0) =>
      Object.fromEntries(fields.map(([type, field], i) => [field, readers[type](buffer, at + offsets[i]!)])) as Record<
        Name,
        number
      >,
  };
}

export const VERSION = 2;

/** Subnets at most: all /24 of a /8. */
export const MAX_FORWARDS = 65_536;

/**
 * The one entry of the map `settings`; interfaces by index, `check` one of SOURCE_CHECKS. What goes into `hop` comes out at `hop_end`.
 * `strip`: a VXLAN device by which super-packets lose their marks, with what only we know of it (strip.ts); 0: there is none, since the
 * underlay hands over neither those nor unfinished checksums. `direct`: 1 for Backend.DirectDelivery.
 */
export const SETTINGS = layout('settings', [
  ['u32', 'version'],
  ['be32', 'local'],
  ['be32', 'network'],
  ['be32', 'network_mask'],
  ['be32', 'subnet'],
  ['be32', 'subnet_mask'],
  ['u32', 'mtu'],
  ['u32', 'device'],
  ['u32', 'underlay'],
  ['u32', 'hop'],
  ['u32', 'hop_end'],
  ['u32', 'strip'],
  ['be32', 'strip_vni'],
  ['be32', 'strip_mac_high'],
  ['be16', 'strip_mac_low'],
  ['be16', 'strip_port'],
  ['be16', 'port'],
  ['u16', 'check'],
  ['u32', 'direct'],
]);

/** Key of the map `forwards`. */
export const SUBNET = layout('subnet', [
  ['u32', 'length'],
  ['be32', 'address'],
]);

/** Value of the map `forwards`; `peer` is the key of its counters, `in_kernel` what the programs have learned (carrier.c). */
export const FORWARD = layout('forward', [
  ['be32', 'hop'],
  ['be16', 'port'],
  ['u16', 'in_kernel'],
  ['u32', 'peer'],
]);

/** Value of the maps `peers` and `totals`, one a CPU. `refused`: packets in the name of this peer's subnet, last from `refused_from`. */
export const TRAFFIC = layout('traffic', [
  ['u64', 'sent_packets'],
  ['u64', 'sent_bytes'],
  ['u64', 'received_packets'],
  ['u64', 'received_bytes'],
  ['u64', 'refused'],
  ['be32', 'refused_from'],
  ['u32', 'unused'],
]);

const C_TYPES: Readonly<Record<FieldType, string>> = {
  be16: '__be16',
  be32: '__be32',
  u16: '__u16',
  u32: '__u32',
  u64: '__u64',
};

const constant = (name: string, value: number): string => `#define ${name.toUpperCase().replaceAll('-', '_')} ${value}`;

const structure = ({ name, fields, size }: Layout<string>): string =>
  [
    `struct ${name} {`,
    ...fields.map(([type, field]) => `\t${C_TYPES[type]} ${field};`),
    '};',
    `_Static_assert(sizeof(struct ${name}) == ${size}, "layout of ${name}");`,
  ].join('\n');

/** The text of bpf/layout.h. */
export const layoutHeader = (): string =>
  [
    '// Made by scripts/bpf.ts of src/forwarder/ebpf/layout.ts: change it there.',
    '#pragma once',
    '',
    constant('version', VERSION),
    constant('max_forwards', MAX_FORWARDS),
    ...SOURCE_CHECKS.map((check, i) => constant(`check_${check}`, i)),
    ...DROP_REASONS.map((reason, i) => constant(`drop_${reason}`, i)),
    constant('drop_reasons', DROP_REASONS.length),
    '',
    ...[SETTINGS, SUBNET, FORWARD, TRAFFIC].map((one) => `${structure(one)}\n`),
  ].join('\n');
