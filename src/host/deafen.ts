/**
 * Takes away what another process hears of the kernel: its netlink sockets leave their groups, as if the kernel no longer told them anything.
 * For the chaos lab, which asks what becomes of a daemon then.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { TsflannelError } from '../errors.ts';
import { errnoText, libc } from '../sys/libc.ts';

/** From asm/unistd.h, the same on every architecture. */
const SYS_PIDFD_OPEN = 434;
const SYS_PIDFD_GETFD = 438;
const SOL_NETLINK = 270;
const NETLINK_DROP_MEMBERSHIP = 2;

/** Groups by inode of the sockets in the process' namespace; a bit each, of the first 32. */
function groupsOf(pid: number): ReadonlyMap<string, number> {
  const [, ...lines] = readFileSync(`/proc/${pid}/net/netlink`, 'utf8').trim().split('\n');
  return new Map(
    lines.map((line) => {
      // sk, Eth, Pid, Groups, Rmem, Wmem, Dump, Locks, Drops, Inode
      const fields = line.trim().split(/\s+/);
      return [fields[9] ?? '', Number.parseInt(fields[3] ?? '0', 16)];
    }),
  );
}

const checked = (result: number, what: string): number => {
  if (result < 0) throw new TsflannelError('KERNEL_REFUSED', { detail: what, why: errnoText(libc().errno()) });
  return result;
};

function leave(fd: number, groups: number): void {
  for (let bit = 0; bit < 32; bit++) {
    if ((groups & (1 << bit)) === 0) continue;
    const group = Buffer.alloc(4);
    group.writeInt32LE(bit + 1);
    checked(
      libc().setsockopt(fd, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, group, group.length),
      'leaving a netlink group',
    );
  }
}

/** Does it; returns how many sockets were listening. Throws KERNEL_REFUSED. */
export function deafen(pid: number): number {
  const c = libc();
  const groups = groupsOf(pid);
  const pidfd = checked(c.syscall(SYS_PIDFD_OPEN, pid, 0, 0), 'pidfd_open');
  let count = 0;
  try {
    for (const name of readdirSync(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${name}`))?.[1] ?? '';
      const listening = groups.get(inode) ?? 0;
      if (listening === 0) continue;
      const fd = checked(c.syscall(SYS_PIDFD_GETFD, pidfd, Number(name), 0), 'pidfd_getfd');
      leave(fd, listening);
      c.close(fd);
      count++;
    }
  } finally {
    c.close(pidfd);
  }
  return count;
}
