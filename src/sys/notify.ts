/**
 * sys/ binds the system calls Node has no word for (koffi): netlink, TUN, sockets. It serves kernel/linux, forwarder and the daemon;
 * it knows numbers and buffers, not networks.
 */
import { libc } from './libc.ts';

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0x80000;

/** sockaddr_un; a leading `@` means the abstract namespace. */
function address(path: string): Buffer {
  const name = Buffer.from(path);
  if (name[0] === 0x40) name[0] = 0;
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat([family, name]);
}

/** Sends one datagram to systemd's notify socket (sd_notify(3)). Failing to tell is never an error of ours. */
export function notifySystemd(socketPath: string, message: string): void {
  if (!/^[/@]/.test(socketPath) || socketPath.length > 107) return;
  const c = libc();
  const fd = c.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) return;
  const to = address(socketPath);
  const body = Buffer.from(message);
  c.sendto(fd, body, body.length, 0, to, to.length);
  c.close(fd);
}

/**
 * The service manager that started this process, as its environment says (NOTIFY_SOCKET, and WATCHDOG_USEC where WATCHDOG_PID is nobody
 * else); undefined where there is none.
 */
export function systemdOf(env: NodeJS.ProcessEnv, pid: number) {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: usec = '', WATCHDOG_PID: of = String(pid) } = env;
  if (!socket) return undefined;
  const watchdogMs = /^[1-9]\d{0,14}$/.test(usec) && of === String(pid) ? Number(usec) / 1000 : undefined;
  return {
    tell: (message: string) => notifySystemd(socket, message),
    ...(watchdogMs !== undefined && { watchdogMs }),
  };
}
