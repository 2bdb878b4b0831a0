/** Routes as the kernel announces them, with the time at which each was heard of. */
import { isMainRoute } from '../../src/kernel/linux/route.ts';
import { GROUP, ipOf, NETLINK_ROUTE, RTM } from '../../src/kernel/linux/rtnetlink.ts';
import { printIp } from '../../src/model/address.ts';
import { libc } from '../../src/sys/libc.ts';
import { attributesOf, type Message } from '../../src/sys/netlink.ts';
import { openNetlink } from '../../src/sys/netlink-socket.ts';
import { now } from '../stats.ts';
import { isPeer } from './etcd.ts';

const DST = 1;
const RTMSG = 12;

export interface Routes {
  /** When the route (`10.128.0.0/24`) was made; waits for it. */
  made(route: string): Promise<number>;
  gone(route: string): Promise<number>;
  /** When that many routes into 10.128.0.0/9 were there, and when the first one was. */
  count(wanted: number): Promise<{ first: number; last: number }>;
}

const textOf = ({ payload }: Message): string => {
  const ip = ipOf(attributesOf(payload, RTMSG).get(DST));
  return ip ? `${printIp(ip)}/${payload.readUInt8(1)}` : '';
};

interface Waiter {
  readonly ready: () => boolean;
  readonly give: () => void;
}

/** Listens from now on, in the namespace of this process. */
export function watchRoutes(): Routes {
  const present = new Map<string, number>();
  const gone = new Map<string, number>();
  let lost = false;
  let waiters: Waiter[] = [];
  const socket = openNetlink(NETLINK_ROUTE, [GROUP.IPV4_ROUTE]);

  function take(message: Message, at: number): void {
    if (!isMainRoute(message)) return;
    const route = textOf(message);
    if (message.type === RTM.NEWROUTE && !present.has(route)) present.set(route, at);
    if (message.type !== RTM.DELROUTE) return;
    present.delete(route);
    gone.set(route, at);
  }
  function hear(): void {
    const at = now();
    if (socket.drain((message) => take(message, at))) lost = true;
    if (lost) throw new Error('the kernel dropped announcements: the times would not be true');
    const served = waiters.filter(({ ready }) => ready());
    waiters = waiters.filter((one) => !served.includes(one));
    for (const { give } of served) give();
  }
  const poll = libc().poll(socket.fd, hear);

  const when = (ready: () => boolean): Promise<void> =>
    ready() ? Promise.resolve() : new Promise((give) => waiters.push({ ready, give }));
  const peers = (): number[] => [...present].filter(([route]) => isPeer(route)).map(([, at]) => at);

  return {
    async made(route) {
      gone.delete(route);
      await when(() => present.has(route));
      return present.get(route) ?? Number.NaN;
    },
    async gone(route) {
      await when(() => gone.has(route));
      return gone.get(route) ?? Number.NaN;
    },
    async count(wanted) {
      // Holding the handle here keeps it from being collected.
      if (!poll) throw new Error('nobody listens');
      await when(() => present.size >= wanted && peers().length >= wanted);
      const times = peers().sort((a, b) => a - b);
      return { first: times[0] ?? Number.NaN, last: times[wanted - 1] ?? Number.NaN };
    },
  };
}
