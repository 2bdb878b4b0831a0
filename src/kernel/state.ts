/**
 * kernel/ knows what a host's network state is made of, how two states differ and in which order the difference is applied.
 * This file, diff.ts, own.ts and print.ts are pure; linux/ shows and changes a real kernel, memory/ a fake one with the same contract
 * suite (test/contract/kernel.ts). Nothing here knows etcd, leases or backends, and nothing else in the program changes the kernel.
 */
import { type Ip, type Prefix, printIp, printPrefix } from '../model/address.ts';
import type { SourceCounters } from '../model/carrier-report.ts';
import { type Mac, printMac } from '../model/mac.ts';
import type { Carrier, Forward } from './carrier.ts';
import type { FilterChain, FilterJump, FilterRule, FilterTable, FilterVariant } from './filter.ts';
import type { Guard, Source } from './source-check.ts';

export type { Carrier, FilterChain, FilterJump, FilterRule, FilterTable, FilterVariant, Forward, Guard, Source };

/** Marks by which what is ours is found again after a crash. */
export const OWN = {
  /** `ip link` alias: this, then the network. */
  aliasPrefix: 'tsflannel:',
  /** Route protocol (`ip route … proto 241`): no routing daemon uses it. */
  routeProtocol: 241,
  /** Names of our chains and comments of our jumps begin with this. */
  chainPrefix: 'TSFLANNEL-',
  comment: 'tsflannel',
} as const;

export type LinkType =
  | { readonly type: 'tun' }
  | {
      readonly type: 'vxlan';
      readonly vni: number;
      readonly port: number;
      readonly local: Ip;
      /** Name of the underlay interface. */
      readonly device: string;
      readonly learning: boolean;
      readonly gbp: boolean;
    }
  /** Any other device of the host; never created or changed by the diff. */
  | { readonly type: 'other'; readonly detail: string };

export interface Link {
  readonly kind: 'link';
  readonly name: string;
  /** `undefined`: none. */
  readonly alias: string | undefined;
  readonly mtu: number;
  readonly up: boolean;
  /** Absent on devices without one (TUN), or where any will do. */
  readonly mac?: Mac;
  readonly link: LinkType;
}

export interface Address {
  readonly kind: 'address';
  readonly device: string;
  readonly ip: Ip;
  readonly length: number;
}

/** A unicast route of the main table. */
export interface Route {
  readonly kind: 'route';
  readonly dst: Prefix;
  readonly device: string;
  readonly via?: Ip;
  readonly onlink: boolean;
  readonly metric: number;
  /** rtm_protocol; ours is OWN.routeProtocol. */
  readonly protocol: number;
  /** It leads nowhere, and has no device: none that we make, but one that another made in our name is ours to remove. */
  readonly deadEnd?: 'blackhole' | 'unreachable' | 'prohibit' | 'throw';
}

/** A permanent neighbour entry (IP to MAC). */
export interface Neighbour {
  readonly kind: 'neighbour';
  readonly device: string;
  readonly ip: Ip;
  readonly mac: Mac;
}

/** A permanent forwarding entry of a VXLAN device: frames to `mac` go to the VTEP at `dst`. */
export interface FdbEntry {
  readonly kind: 'fdb';
  readonly device: string;
  readonly mac: Mac;
  readonly dst: Ip;
}

/** A value under /proc/sys; `name` as `net.ipv4.ip_forward`. */
export interface Sysctl {
  readonly kind: 'sysctl';
  readonly name: string;
  readonly value: string;
}

/** A file written whole and atomically. */
export interface ManagedFile {
  readonly kind: 'file';
  readonly path: string;
  readonly content: string;
  readonly mode: number;
}

export type KernelObject =
  | Link
  | Address
  | Route
  | Neighbour
  | FdbEntry
  | FilterChain
  | FilterJump
  | Sysctl
  | ManagedFile
  | Carrier
  | Forward
  | Guard
  | Source;
export type Kind = KernelObject['kind'];

/** What identifies an object of each kind, beside its kind. */
const KEYS: { readonly [K in Kind]: (object: Extract<KernelObject, { kind: K }>) => readonly (string | number)[] } = {
  link: ({ name }) => [name],
  address: ({ device, ip, length }) => [device, printIp(ip), length],
  route: ({ dst, metric }) => [printPrefix(dst), metric],
  neighbour: ({ device, ip }) => [device, printIp(ip)],
  fdb: ({ device, mac }) => [device, printMac(mac)],
  chain: ({ table, name, stray }) => (stray ? [table, name, stray] : [table, name]),
  jump: ({ table, from, to, stray }) => (stray ? [table, from, to, stray] : [table, from, to]),
  sysctl: ({ name }) => [name],
  file: ({ path }) => [path],
  carrier: ({ device }) => [device],
  forward: ({ device, subnet }) => [device, printPrefix(subnet)],
  guard: () => [],
  source: ({ subnet }) => [printPrefix(subnet)],
};

/** Keys of objects that live, joined rather than added up: V8 keeps a text that was added up as the tree of its parts. */
const known = new WeakMap<KernelObject, string>();

/** What identifies an object: two objects with one key cannot both exist. */
export function keyOf(object: KernelObject): string {
  let key = known.get(object);
  if (key === undefined) {
    const parts = KEYS[object.kind] as (object: KernelObject) => readonly (string | number)[];
    key = [object.kind, ...parts(object)].join('/');
    known.set(object, key);
  }
  return key;
}

/** An object as found; `owner` says in words whose it is ("kernel", "proto dhcp", "tsflannel"). */
export interface Observed {
  readonly object: KernelObject;
  readonly ours: boolean;
  readonly owner: string;
}

/** What was seen, by key. Routes: IPv4 unicast of the main table. Neighbours and FDB: permanent ones. Chains and jumps: ours. */
export type KernelState = ReadonlyMap<string, Observed>;

/** One change; `previous` is what stands there now (replace, remove, blocked). */
export interface Step {
  readonly action: 'create' | 'replace' | 'remove' | 'blocked';
  readonly object: KernelObject;
  readonly previous?: KernelObject;
  readonly because: string;
}

/** Ordered changes. */
export type Plan = readonly Step[];

/** What became of one step; dependants of a failed step are skipped. */
export interface StepOutcome {
  readonly step: Step;
  readonly result: 'done' | 'failed' | 'skipped';
  readonly error?: string;
}

/** What a host has that is not an object of the diff. */
export interface FilterFacts {
  /** The tool Docker's rules are in: both iptables variants, or plain nft where there is no iptables. */
  readonly variant: FilterVariant;
  /** Docker's chain for the administrator's rules exists, and what is forwarded comes by it. */
  readonly dockerUser: boolean;
  /** Why the sources of packets cannot be checked here; absent where they can. */
  readonly noSourceCheck?: string;
}

/** A host's network state: shown, changed, listened to. */
export interface Kernel {
  /** Everything of these kinds (all when absent); `paths` and `sysctls` name the files and values to look at. */
  observe(query: ObserveQuery): Promise<KernelState>;
  /** Applies the steps in order; `blocked` steps are skipped. Never throws for a refused step. */
  apply(plan: Plan): Promise<readonly StepOutcome[]>;
  /** `seen`: as the last `observe` of chains or jumps found it, without another look. */
  filterFacts(seen?: boolean): Promise<FilterFacts>;
  /** What the source check of a kernel backend has counted; `undefined` without one. */
  sourceCounters(): Promise<SourceCounters | undefined>;
  /** Rings with the kinds that may have changed; not for our own changes, but for what a replaced link took along unplanned. */
  monitor(bell: (kinds: ReadonlySet<Kind>) => void): { close(): void };
  close(): Promise<void>;
}

export interface ObserveQuery {
  /** What was seen before: entries that are still the same may be taken from it, so that thousands are not made anew. */
  readonly before?: KernelState;
  readonly kinds?: ReadonlySet<Kind>;
  readonly paths: readonly string[];
  readonly sysctls: readonly string[];
}
