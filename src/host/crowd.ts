/**
 * Nodes that are in etcd only: real clients, each with a connection of its own, that take, hold and give back subnets, as many as are wanted
 * in one process. For the chaos lab.
 */
import { announce } from '../backend/desired.ts';
import { asTsflannelError, TsflannelError } from '../errors.ts';
import { acquire, type Held } from '../lease/acquire.ts';
import { ipAt, parsePrefix, printPrefix } from '../model/address.ts';
import { type NetworkConfig, parseNetworkConfig } from '../model/network-config.ts';
import type { Kv } from '../store/kv.ts';
import { openStore, type Store } from '../store/store.ts';
import { openKv } from './kv.ts';

/** Where, and what they take for the network's config, as JSON: it may be narrower than the one in etcd. */
export interface CrowdOptions {
  readonly endpoints: readonly string[];
  readonly prefix: string;
  readonly config: string;
  readonly count: number;
  /** Their addresses are of this /16, from this number on. */
  readonly underlay: string;
  readonly first: number;
}

/** How it went for each: its subnet, or the code of its error; and how many requests it made. */
export interface Joined {
  readonly subnets: readonly string[];
  readonly errors: readonly string[];
  readonly requests: readonly number[];
}

export interface Crowd {
  /** Those without a subnet ask for one, all at once. */
  join(): Promise<Joined>;
  /** Those with a subnet give it back, all at once. */
  leave(): Promise<void>;
  close(): void;
}

/** All of them are one process, and hundreds of them at once take as long as that needs. */
const TIMEOUT_MS = 120_000;
const TTL_SECONDS = 3_600;

interface Member {
  readonly store: Store;
  readonly index: number;
  requests: number;
  held?: Held | undefined;
}

/** The same client; each request is told. */
function counted(kv: Kv, told: () => void): Kv {
  return new Proxy(kv, {
    get(target, name: keyof Kv) {
      const member = target[name];
      if (typeof member !== 'function' || name === 'close') return member;
      return (...args: never[]) => {
        told();
        return (member as (...args: never[]) => unknown)(...args);
      };
    },
  });
}

async function openMember({ endpoints, prefix, first }: CrowdOptions, i: number): Promise<Member> {
  const kv = await openKv({ endpoints, timeoutMs: TIMEOUT_MS });
  const count = () => {
    member.requests++;
  };
  const member: Member = { store: openStore(counted(kv, count), prefix), index: first + i, requests: 0 };
  return member;
}

async function joinOne(
  member: Member,
  { underlay }: CrowdOptions,
  network: NetworkConfig,
): Promise<string | undefined> {
  const { store, index } = member;
  const wires = parsePrefix(underlay);
  if (!wires) return 'USAGE';
  const nodeId = index.toString(16).padStart(32, '0');
  const announcement = {
    ...{ publicIp: ipAt(wires, BigInt(index)), nodeId, nodeName: `crowd-${index}` },
    peer: announce({ nodeId }, network),
  };
  try {
    const claim = { store, announcement, network, remembered: [], ttlSeconds: TTL_SECONDS, random: Math.random };
    member.held = await acquire(claim);
    return undefined;
  } catch (error) {
    return asTsflannelError(error).code;
  }
}

/** Opens them all; they connect when they join. Throws USAGE. */
export async function openCrowd(options: CrowdOptions): Promise<Crowd> {
  const network = parseNetworkConfig(options.config);
  if (!network.ok) throw new TsflannelError('USAGE', { detail: `${network.rejection.code} in ${options.config}` });
  const members = await Promise.all(Array.from({ length: options.count }, (_, i) => openMember(options, i)));
  return {
    async join() {
      const asking = members.filter(({ held }) => !held);
      for (const member of asking) member.requests = 0;
      const errors = await Promise.all(asking.map((member) => joinOne(member, options, network.value)));
      return {
        subnets: asking.flatMap(({ held }) => (held ? [printPrefix(held.subnet)] : [])),
        errors: errors.flatMap((code) => code ?? []),
        requests: asking.map(({ requests }) => requests),
      };
    },
    async leave() {
      await Promise.all(
        members.map(async (member) => {
          const { held, store } = member;
          member.held = undefined;
          if (held) await store.release(held);
        }),
      );
    },
    close() {
      for (const { store } of members) store.close();
    },
  };
}
