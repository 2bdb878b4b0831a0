/** The C library, bound by koffi. Loaded on the first call, so that commands which never ask the kernel do not pay for it. */
import { createRequire } from 'node:module';
import { getSystemErrorMap } from 'node:util';

/** Rings while the descriptor is readable. It keeps the process alive until `close` or `unref`. */
export interface PollHandle {
  close(): void;
  unref(): void;
}

/** Functions of libc as C has them: -1 means failure, with the number in `errno()`. */
export interface Libc {
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Buffer, length: number): number;
  getsockname(fd: number, address: Buffer, length: Buffer): number;
  setsockopt(fd: number, level: number, option: number, value: Buffer, length: number): number;
  send(fd: number, data: Buffer, length: number, flags: number): number;
  recv(fd: number, data: Buffer, length: number, flags: number): number;
  sendto(fd: number, data: Uint8Array, length: number, ...to: [flags: number, address: Buffer, length: number]): number;
  clockGettime(clock: number, timespec: Buffer): number;
  adjtimex(timex: Buffer): number;
  close(fd: number): number;
  ioctlPointer(fd: number, request: number, argument: Buffer): number;
  ioctlNumber(fd: number, request: number, argument: number): number;
  ifIndex(name: string): number;
  unshare(flags: number): number;
  syscall(number: number, first: number, second: number, third: number): number;
  errno(): number;
  poll(fd: number, readable: () => void): PollHandle;
}

type Koffi = typeof import('koffi');

function bindAll(koffi: Koffi): Libc {
  const c = koffi.load(null);
  const ioctl = c.func('int ioctl(int, unsigned long, ...)');
  return {
    socket: c.func('int socket(int, int, int)'),
    bind: c.func('int bind(int, const void *, uint32_t)'),
    getsockname: c.func('int getsockname(int, void *, void *)'),
    setsockopt: c.func('int setsockopt(int, int, int, const void *, uint32_t)'),
    send: c.func('intptr_t send(int, const void *, size_t, int)'),
    recv: c.func('intptr_t recv(int, void *, size_t, int)'),
    sendto: c.func('intptr_t sendto(int, const void *, size_t, int, const void *, uint32_t)'),
    clockGettime: c.func('int clock_gettime(int, void *)'),
    adjtimex: c.func('int adjtimex(void *)'),
    close: c.func('int close(int)'),
    ioctlPointer: (fd, request, argument) => ioctl(fd, request, 'void *', argument),
    ioctlNumber: (fd, request, argument) => ioctl(fd, request, 'int', argument),
    ifIndex: c.func('uint32_t if_nametoindex(const char *)'),
    unshare: c.func('int unshare(int)'),
    syscall: c.func('long syscall(long, long, long, long)'),
    errno: () => koffi.errno(),
    poll: (fd, readable) => koffi.node.poll(fd, { readable: true }, readable),
  };
}

let bound: Libc | undefined;

/** The bindings. Throws when koffi has no build for this machine. */
export function libc(): Libc {
  bound ??= bindAll(createRequire(import.meta.url)('koffi') as Koffi);
  return bound;
}

/** An errno in words, or in the kernel's own sentence where it gave one: `file already exists (EEXIST)`. */
export function errnoText(errno: number, sentence?: string): string {
  const [name, message] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'refused'];
  return `${sentence ?? message} (${name})`;
}

/** errno values that callers tell apart. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EAGAIN: 11,
  EACCES: 13,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENOBUFS: 105,
} as const;
