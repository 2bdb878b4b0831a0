/** BPF programs for packets of a device: loaded, attached by a link (tcx, Linux 6.6), replaced in place. See bpf.ts. */
import { TsflannelError } from '../errors.ts';
import { BPF, bpf, infoOf, refusedBpf, setAddress, setName, tryBpf } from './bpf.ts';
import { errnoText, libc } from './libc.ts';

const PROG_TYPE_SCHED_CLS = 3;
const LOG_BYTES = 1 << 20;
const LINK_TYPE_TCX = 11;

/** Where at a device a program runs: enum bpf_attach_type. */
export const TCX = { ingress: 46, egress: 47 } as const;
export type Hook = keyof typeof TCX;

function loadAttributes(name: string, instructions: Buffer, license: Buffer): Buffer {
  const attributes = Buffer.alloc(72);
  attributes.writeUInt32LE(PROG_TYPE_SCHED_CLS, 0);
  attributes.writeUInt32LE(instructions.length / 8, 4);
  setAddress(attributes, 8, instructions);
  setAddress(attributes, 16, license);
  setName(attributes, 48, name);
  return attributes;
}

/** The last lines of the verifier's log say what it minds. */
function lastWords(log: Buffer): string {
  const text = log.toString('latin1', 0, Math.max(0, log.indexOf(0)));
  return text.trim().split('\n').slice(-3).join(' | ').slice(0, 400);
}

/** Loads a traffic control program; returns its descriptor. Throws NOT_ROOT or KERNEL_REFUSED with the verifier's last words. */
export function loadProgram(name: string, instructions: Buffer, licenseName: string): number {
  const license = Buffer.from(`${licenseName}\0`);
  const attributes = loadAttributes(name, instructions, license);
  const fd = tryBpf(BPF.PROG_LOAD, attributes);
  if (fd >= 0) return fd;
  const errno = libc().errno();
  const log = Buffer.alloc(LOG_BYTES);
  attributes.writeUInt32LE(1, 24);
  attributes.writeUInt32LE(log.length, 28);
  setAddress(attributes, 32, log);
  const detail = `loading the BPF program ${name}`;
  // A second try that succeeds (the first may have been short of memory) is as good.
  const again = tryBpf(BPF.PROG_LOAD, attributes);
  if (again >= 0) return again;
  const words = lastWords(log);
  if (words === '') throw refusedBpf(detail, errno);
  throw new TsflannelError('KERNEL_REFUSED', { detail, why: `${errnoText(errno)}: ${words}` }, errno);
}

/** Runs the program at this device from now on, behind those of others; returns the link's descriptor. */
export function attachTcx(program: number, ifindex: number, hook: Hook): number {
  const attributes = Buffer.alloc(32);
  attributes.writeUInt32LE(program, 0);
  attributes.writeUInt32LE(ifindex, 4);
  attributes.writeUInt32LE(TCX[hook], 8);
  return bpf(BPF.LINK_CREATE, attributes, `attaching a BPF program (tcx ${hook})`);
}

/** Puts another program in the place of the link's, without a moment in which none runs. */
export function updateLink(link: number, program: number): void {
  const attributes = Buffer.alloc(16);
  attributes.writeUInt32LE(link, 0);
  attributes.writeUInt32LE(program, 4);
  bpf(BPF.LINK_UPDATE, attributes, 'replacing a BPF program');
}

export interface TcxLink {
  /** 0: its device is gone. */
  readonly ifindex: number;
  readonly hook: Hook | undefined;
  /** The kernel's number of the program that runs. */
  readonly program: number;
}

/** Where a tcx link runs what; `undefined`: it is a link of another type. */
export function tcxLinkOf(link: number): TcxLink | undefined {
  const info = infoOf(link, 24);
  if (info.readUInt32LE(0) !== LINK_TYPE_TCX) return undefined;
  const attach = info.readUInt32LE(20);
  const hook = attach === TCX.ingress ? 'ingress' : attach === TCX.egress ? 'egress' : undefined;
  return { ifindex: info.readUInt32LE(16), hook, program: info.readUInt32LE(8) };
}

/** The kernel's number of a program, and the tag it makes of its instructions. */
export function programIdOf(program: number): { readonly id: number; readonly tag: string } {
  const info = infoOf(program, 16);
  return { id: info.readUInt32LE(4), tag: info.toString('hex', 8, 16) };
}
