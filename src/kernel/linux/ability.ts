/** What this kernel can do, asked without changing anything (but that it may load a module, as `up` would make it do). */
import { errnoText } from '../../sys/libc.ts';
import { openNetlink } from '../../sys/netlink-socket.ts';
import { impossibleVxlan } from './link.ts';
import { NETLINK_ROUTE } from './rtnetlink.ts';
import { tryTool } from './tool.ts';

const EINVAL = 22;
const EOPNOTSUPP = 95;

/** Whether it makes VXLAN devices. Throws NOT_ROOT, KERNEL_REFUSED. */
export function knowsVxlan(): boolean {
  const socket = openNetlink(NETLINK_ROUTE);
  try {
    const { errno, detail } = socket.request([impossibleVxlan])[0] ?? { errno: 0 };
    if (errno === EINVAL) return true;
    if (errno === EOPNOTSUPP) return false;
    throw new Error(errnoText(errno, detail));
  } finally {
    socket.close();
  }
}

/** Features of a device by ethtool's names. Rejects with TOOL_MISSING, and where there is no such device. */
export async function featuresOf(device: string): Promise<ReadonlyMap<string, boolean>> {
  const { exitCode, stdout, stderr } = await tryTool('ethtool', ['-k', device]);
  if (exitCode !== 0) throw new Error(stderr.trim());
  const lines = [...stdout.matchAll(/^\s*([\w-]+): (on|off)\b/gm)];
  return new Map(lines.map(([, name = '', state]) => [name, state === 'on']));
}

/** A program's output for who only looks; `undefined` where it is missing or refuses. */
export async function outputOf(tool: string, args: readonly string[]): Promise<string | undefined> {
  const { exitCode, stdout } = await tryTool(tool, args).catch(() => ({ exitCode: 1, stdout: '' }));
  return exitCode === 0 ? stdout : undefined;
}
