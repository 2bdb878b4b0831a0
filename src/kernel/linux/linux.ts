/**
 * kernel/linux/ shows and changes the network state of the namespace this process runs in: rtnetlink by koffi for links,
 * addresses, routes, neighbours and forwarding entries, iptables or nft for filters, /proc/sys, files; the forwarder for carriers.
 * It must not know leases, backends or why an object is wanted: it gets steps and says what became of them.
 */
import { inTurns } from '../../model/sliced.ts';
import { type NetlinkSocket, openNetlink } from '../../sys/netlink-socket.ts';
import { type Carriers, carrierLane, observeCarriers } from '../carriers.ts';
import { collateral } from '../links.ts';
import { applyInRuns, type Lane } from '../runs.ts';
import type { Kernel, KernelObject, KernelState, Kind, Observed, ObserveQuery, Plan } from '../state.ts';
import { linkLane } from './apply-link.ts';
import { routeLane } from './apply-route.ts';
import { type FileBell, openFileBell } from './file-bell.ts';
import { type Filters, filters } from './filter.ts';
import { fileLane, observeFiles, observeSysctls, sysctlLane } from './host-files.ts';
import { type Monitor, openMonitor } from './monitor.ts';
import { observingRtnetlink, routeKindsIn } from './observe.ts';
import { NETLINK_ROUTE } from './rtnetlink.ts';
import { NETLINK_NETFILTER, openSourceBell, type SourceBell } from './source-bell.ts';
import { type Sources, sources } from './sources.ts';

const ALL: readonly Kind[] = [
  'link',
  'address',
  'route',
  'neighbour',
  'fdb',
  'chain',
  'jump',
  'sysctl',
  'file',
  'carrier',
  'forward',
  'guard',
  'source',
];

/** Opens the socket on first use, so that making a Kernel costs nothing and fails nowhere. */
function lazySocket(protocol: number): { readonly get: () => NetlinkSocket; readonly close: () => void } {
  let socket: NetlinkSocket | undefined;
  return {
    get: () => {
      socket ??= openNetlink(protocol);
      return socket;
    },
    close: () => {
      socket?.close();
      socket = undefined;
    },
  };
}

const FILE: ReadonlySet<Kind> = new Set(['file']);
const CARRIER: ReadonlySet<Kind> = new Set(['link', 'carrier', 'forward']);

/** The parts a kernel is made of. */
interface Parts {
  readonly socket: () => NetlinkSocket;
  readonly filter: Filters;
  readonly sources: Sources;
  readonly forwarder: Carriers | undefined;
}

/** On a socket of its own: several may look at a time, and what is applied meanwhile has answers of its own. */
async function observeRoutes(kinds: ReadonlySet<Kind>, state: Map<string, Observed>, before?: KernelState) {
  const wanted = routeKindsIn(kinds);
  if (wanted.size === 0) return;
  const socket = openNetlink(NETLINK_ROUTE);
  try {
    await inTurns(observingRtnetlink(socket, wanted, state, before));
  } finally {
    socket.close();
  }
}

async function observe({ filter, sources, forwarder }: Parts, query: ObserveQuery): Promise<KernelState> {
  const kinds = query.kinds ?? new Set(ALL);
  const state = new Map<string, Observed>();
  await Promise.all([
    observeRoutes(kinds, state, query.before),
    (kinds.has('chain') || kinds.has('jump')) && filter.observe(kinds, state),
    (kinds.has('guard') || kinds.has('source')) && sources.observe(kinds, state, query.before),
  ]);
  if (kinds.has('sysctl')) await observeSysctls(query.sysctls, state);
  if (kinds.has('file')) await observeFiles(query.paths, state);
  observeCarriers(forwarder, kinds, state);
  return state;
}

/** One lane a kind; kinds that are applied together share one. */
function lanes({ socket, filter, sources, forwarder }: Parts): (object: KernelObject) => Lane {
  const route = routeLane(socket);
  const carrier = carrierLane(forwarder);
  const table: Readonly<Record<Kind, Lane>> = {
    link: linkLane(socket),
    address: route,
    route,
    neighbour: route,
    fdb: route,
    chain: filter.lane,
    jump: filter.lane,
    sysctl: sysctlLane,
    file: fileLane,
    carrier,
    forward: carrier,
    guard: sources.lane,
    source: sources.lane,
  };
  return (object) => table[object.kind];
}

/** The ears of one listener. A kernel without nftables has no table of ours either. */
interface Ears {
  readonly links: Monitor;
  readonly files: FileBell;
  readonly sources: SourceBell | undefined;
  /** Stops listening to the forwarder. */
  readonly deafen: () => void;
}

function openEars(ownPort: number, { filter, forwarder }: Parts, bell: (kinds: ReadonlySet<Kind>) => void): Ears {
  const links = openMonitor(ownPort, filter, bell);
  const files = openFileBell(() => bell(FILE));
  const deafen = forwarder?.onEnd?.(() => bell(CARRIER)) ?? (() => undefined);
  try {
    return { links, files, deafen, sources: openSourceBell(bell) };
  } catch {
    return { links, files, deafen, sources: undefined };
  }
}

function closeEars({ links, files, sources, deafen }: Ears): void {
  deafen();
  links.close();
  files.close();
  sources?.close();
}

const touchesSources = (plan: Plan): boolean =>
  plan.some(({ object: { kind } }) => kind === 'guard' || kind === 'source');

function devicesOf(plan: Plan): ReadonlySet<string> {
  const devices = new Set<string>();
  const add = (object: KernelObject | undefined): void => {
    if (object?.kind === 'link') devices.add(object.name);
    else if (object && 'device' in object) devices.add(object.device);
  };
  for (const { object, previous } of plan) {
    add(object);
    add(previous);
  }
  return devices;
}

/**
 * The kernel of the network namespace this process is in. Without a forwarder there are no carriers: that is for commands that
 * run beside the daemon. Methods throw NOT_ROOT and KERNEL_REFUSED where the kernel does not even let us look.
 */
export function linuxKernel({ forwarder }: { readonly forwarder?: Carriers } = {}): Kernel {
  const [socket, netfilter] = [lazySocket(NETLINK_ROUTE), lazySocket(NETLINK_NETFILTER)];
  const parts: Parts = { socket: socket.get, filter: filters(), sources: sources(netfilter.get), forwarder };
  const ears = new Set<Ears>();

  async function apply(plan: Plan) {
    const devices = devicesOf(plan);
    for (const ear of ears) {
      ear.links.touching(devices);
      ear.files.begin();
      if (touchesSources(plan)) ear.sources?.mute(true);
    }
    const outcomes = await applyInRuns(plan, lanes(parts));
    for (const { links, files, sources } of ears) {
      sources?.mute(false);
      files.settle();
      links.touching(new Set());
      links.ring(collateral(outcomes));
    }
    return outcomes;
  }

  function monitor(bell: (kinds: ReadonlySet<Kind>) => void) {
    const opened = openEars(socket.get().port, parts, bell);
    ears.add(opened);
    return {
      close() {
        if (ears.delete(opened)) closeEars(opened);
      },
    };
  }

  return {
    observe(query) {
      for (const { files } of ears) files.follow(query.paths);
      return observe(parts, query);
    },
    apply,
    filterFacts: async (seen) => {
      const [facts, noSourceCheck] = await Promise.all([parts.filter.facts(seen), parts.sources.problem()]);
      return { ...facts, ...(noSourceCheck !== undefined && { noSourceCheck }) };
    },
    sourceCounters: parts.sources.counters,
    monitor,
    async close() {
      for (const opened of ears) closeEars(opened);
      ears.clear();
      socket.close();
      netfilter.close();
    },
  };
}
