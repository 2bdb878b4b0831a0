import type { Memory } from './memory.ts';
import type { PacketIo } from './packet-io.ts';

/** Numbers of Linux on x64 and arm64. */
export const AF_INET = 2;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_CLOEXEC = 0o2000000;
export const IPPROTO_RAW = 255;
/** Level and name of a socket option whose value is an int. */
export type IntOption = readonly [level: number, name: number];
export const SO_SNDBUF: IntOption = [1, 7];
export const SO_RCVBUF: IntOption = [1, 8];
export const SO_SNDBUFFORCE: IntOption = [1, 32];
export const SO_RCVBUFFORCE: IntOption = [1, 33];
export const IP_MTU_DISCOVER: IntOption = [0, 10];
export const IP_MTU: IntOption = [0, 14];
export const UDP_SEGMENT: IntOption = [17, 103];
export const UDP_GRO: IntOption = [17, 104];
/** Values of IP_MTU_DISCOVER: fragment what is too big, or refuse it (EMSGSIZE). */
export const IP_PMTUDISC_WANT = 1;
export const IP_PMTUDISC_DO = 2;

export interface IntOptions {
  /** 0, or -1 with errno. */
  set(fd: number, option: IntOption, value: number): number;
  /** The value, or -1 with errno. */
  get(fd: number, option: IntOption): number;
}

/** Socket options over a small piece of `memory`. */
export function createIntOptions(io: PacketIo, memory: Memory): IntOptions {
  const value = memory.reserve(8);
  const { base, view } = memory;
  return {
    set(fd, option, number) {
      view.setInt32(value, number, true);
      return io.setsockopt(fd, ...option, base + value, 4);
    },
    get(fd, option) {
      view.setInt32(value + 4, 4, true);
      return io.getsockopt(fd, ...option, base + value, base + value + 4) < 0 ? -1 : view.getInt32(value, true);
    },
  };
}
