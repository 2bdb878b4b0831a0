import koffi from 'koffi';

/**
 * System calls for moving packets. Memory is given as a numeric address and a size: koffi passes a number several times faster than a
 * buffer. All return what C returns (-1: failed); read `errno()` at once, before any other call.
 */
export interface PacketIo {
  close(fd: number): number;
  read(fd: number, address: number, size: number): number;
  writev(fd: number, iovecs: number, count: number): number;
  /** `argument` is an address or a plain number. */
  ioctl(fd: number, request: number, argument: number): number;
  poll(pollfds: number, count: number, timeoutMs: number): number;
  eventfd(initial: number, flags: number): number;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: number, size: number): number;
  connect(fd: number, address: number, size: number): number;
  listen(fd: number, backlog: number): number;
  /** The peer's address is written to `address`; `sizeAddress` holds its size, before and after. */
  accept(fd: number, address: number, sizeAddress: number): number;
  /** As for `accept`. */
  getsockname(fd: number, address: number, sizeAddress: number): number;
  getsockopt(fd: number, level: number, name: number, ...value: [address: number, sizeAddress: number]): number;
  setsockopt(fd: number, level: number, name: number, ...value: [address: number, size: number]): number;
  sendto(fd: number, data: number, size: number, ...to: [flags: number, address: number, addressSize: number]): number;
  recvmmsg(fd: number, messages: number, count: number, flags: number, timeout: number): number;
  sendmmsg(fd: number, messages: number, count: number, flags: number): number;
  errno(): number;
}

type Call = (...args: (number | string)[]) => number;

/** Binds the C library that this process already runs on: glibc or musl. */
export function loadPacketIo(): PacketIo {
  const self = koffi.load(null);
  const bind = (definition: string): Call => self.func(definition) as Call;
  const ioctl = bind('int ioctl(int fd, unsigned long request, ...)');
  const calls = {
    close: bind('int close(int fd)'),
    read: bind('intptr_t read(int fd, uintptr_t data, size_t size)'),
    writev: bind('intptr_t writev(int fd, uintptr_t iovecs, int count)'),
    poll: bind('int poll(uintptr_t fds, unsigned long count, int timeout)'),
    eventfd: bind('int eventfd(unsigned int initial, int flags)'),
    socket: bind('int socket(int domain, int type, int protocol)'),
    bind: bind('int bind(int fd, uintptr_t address, uint32_t size)'),
    connect: bind('int connect(int fd, uintptr_t address, uint32_t size)'),
    listen: bind('int listen(int fd, int backlog)'),
    accept: bind('int accept(int fd, uintptr_t address, uintptr_t size)'),
    getsockname: bind('int getsockname(int fd, uintptr_t address, uintptr_t size)'),
    getsockopt: bind('int getsockopt(int fd, int level, int name, uintptr_t value, uintptr_t size)'),
    setsockopt: bind('int setsockopt(int fd, int level, int name, uintptr_t value, uint32_t size)'),
    sendto: bind('intptr_t sendto(int fd, uintptr_t data, size_t size, int flags, uintptr_t to, uint32_t length)'),
    recvmmsg: bind('int recvmmsg(int fd, uintptr_t messages, uint32_t count, int flags, uintptr_t timeout)'),
    sendmmsg: bind('int sendmmsg(int fd, uintptr_t messages, uint32_t count, int flags)'),
  };
  return {
    ...calls,
    // A variadic argument is preceded by its type.
    ioctl: (fd, request, argument) => ioctl(fd, request, 'uintptr_t', argument),
    errno: () => koffi.errno(),
  };
}
