/** The lane of links: one at a time, since each later request needs the index of the device the former made. */
import { writeFileSync } from 'node:fs';
import { failPoint } from '../../fail-point.ts';
import { libc } from '../../sys/libc.ts';
import type { Request } from '../../sys/netlink.ts';
import type { NetlinkSocket } from '../../sys/netlink-socket.ts';
import { createTun } from '../../sys/tun.ts';
import { mustBeMadeAnew } from '../links.ts';
import type { Lane } from '../runs.ts';
import type { Link, LinkType, Step } from '../state.ts';
import { createVxlan, deleteLink, finish, linkChanges, withoutIp6Autoconf } from './link.ts';
import { isGone, reasonOf } from './rtnetlink.ts';

type Reason = string | undefined;

const ask = (socket: NetlinkSocket, requests: readonly Request[]): Reason =>
  socket.request(requests).map(reasonOf).find(Boolean);

/** Alias first: the device is known as ours and is one among others from then on, whatever happens to us. */
function dress(socket: NetlinkSocket, index: number, link: Link): Reason {
  failPoint('link-made');
  const marked = ask(socket, [finish(index, link.alias)]);
  if (marked !== undefined) return marked;
  socket.request([withoutIp6Autoconf(index)]);
  const { mac: _, ...rest } = link;
  return ask(socket, linkChanges(index, { ...link, up: false, mtu: 0 }, rest));
}

function makeVxlan(socket: NetlinkSocket, link: Link, vxlan: LinkType & { type: 'vxlan' }): Reason {
  const lower = libc().ifIndex(vxlan.device);
  if (lower === 0) return `no device ${vxlan.device}`;
  const refused = ask(socket, [createVxlan(link, vxlan, lower)]);
  if (refused !== undefined) return refused;
  const index = libc().ifIndex(link.name);
  const reason = dress(socket, index, link);
  if (reason !== undefined) ask(socket, [deleteLink(index)]);
  return reason;
}

/** The device carries IPv4 only; a kernel that forwards IPv6 would send it reports of its own (MLD). No such file where IPv6 is off. */
function disableIp6(name: string): void {
  try {
    writeFileSync(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, '1');
  } catch {
    // Then such packets come, and are counted and dropped.
  }
}

function makeTun(socket: NetlinkSocket, link: Link): Reason {
  // TUNSETIFF would quietly take over another program's device of this name.
  if (libc().ifIndex(link.name) !== 0) return `a device ${link.name} exists`;
  try {
    createTun(link.name, () => {
      disableIp6(link.name);
      const reason = dress(socket, libc().ifIndex(link.name), link);
      if (reason !== undefined) throw new Error(reason);
    });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return undefined;
}

function create(socket: NetlinkSocket, link: Link): Reason {
  if (link.link.type === 'vxlan') return makeVxlan(socket, link, link.link);
  if (link.link.type === 'tun') return makeTun(socket, link);
  return `a device of type ${link.link.detail} cannot be made here`;
}

function remove(socket: NetlinkSocket, link: Link): Reason {
  const index = libc().ifIndex(link.name);
  if (index === 0) return undefined;
  const [answer] = socket.request([deleteLink(index)]);
  return isGone(answer) ? undefined : reasonOf(answer);
}

function replace(socket: NetlinkSocket, before: Link, after: Link): Reason {
  if (mustBeMadeAnew(before, after)) {
    const refused = remove(socket, before);
    failPoint('link-removed');
    return refused ?? create(socket, after);
  }
  const index = libc().ifIndex(after.name);
  return index === 0 ? `no device ${after.name}` : ask(socket, linkChanges(index, before, after));
}

function applyOne(socket: NetlinkSocket, step: Step): Reason {
  const link = step.object as Link;
  if (step.action === 'create') return create(socket, link);
  if (step.action === 'remove') return remove(socket, link);
  return replace(socket, (step.previous ?? link) as Link, link);
}

export const linkLane =
  (socket: () => NetlinkSocket): Lane =>
  async (steps) =>
    steps.map((step) => applyOne(socket(), step));
