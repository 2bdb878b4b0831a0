import { setTimeout as sleep } from 'node:timers/promises';
import type { SweepAnswer } from '../liveness/sweep.ts';
import { type Prefix, parsePrefix, printIp, sizeOf } from '../model/address.ts';
import type { ContainersThere } from '../model/connectivity.ts';
import type { StandIn } from './stand-in.ts';
import { numberOf, type PeerTarget } from './targets.ts';

/** What a look for containers of a peer has shown. */
export interface Found {
  readonly there: ContainersThere;
  /** That answered. */
  readonly addresses: readonly string[];
  readonly mute?: string;
}

/** Docker gives out the first addresses first; larger subnets are not asked to their end. */
const MOST = 254;
/** Linux answers a burst of six that an address is nobody's, then one a second: three addresses, asked twice. */
const TIMES = 2;
/** A neighbour is looked for three seconds. */
const NOBODY_MS = 5_000;
const ANSWER_MS = 1_000;
/** So long after the last of many requests to nobody their answers are over, and three may be said again. */
const REST_MS = 5_000;
const FAST = { everyMs: 0.2 } as const;

interface Group {
  readonly target: PeerTarget;
  readonly overlay: number;
  /** All, the bridge's likely one first. */
  readonly all: readonly number[];
  /** The two that Docker gives out first, and the last one, which is likely to be nobody's. */
  readonly likely: readonly number[];
  readonly last: number;
}

const textOf = (address: number): string => printIp({ family: 4, value: BigInt(address) });

function groupOf(target: PeerTarget): Group {
  const prefix = parsePrefix(target.row.subnet) as Prefix;
  const base = Number(prefix.address);
  const last = base + Number(sizeOf(prefix)) - 2;
  const all = Array.from({ length: Math.min(MOST, last - base) }, (_, i) => base + 1 + i);
  const [, first, second] = all;
  const likely = [first, second].filter((one) => one !== undefined && one !== last) as number[];
  return { target, overlay: numberOf(target.overlay), all, likely, last };
}

type Heard = ReadonlyMap<number, SweepAnswer>;

/** The host's own addresses have as much time to live left as the one known to be; a container's answer was forwarded once more. */
function tell({ overlay, all, last }: Group, heard: Heard) {
  const ttlOf = (address: number): number | undefined => {
    const answer = heard.get(address);
    return answer && 'ttl' in answer ? answer.ttl : undefined;
  };
  const own = ttlOf(overlay);
  const answered = [...new Set([...all, last])].filter((one) => one !== overlay && ttlOf(one) !== undefined);
  return {
    containers: answered.filter((one) => ttlOf(one) !== own),
    hasBridge: answered.some((one) => ttlOf(one) === own),
  };
}

const HOST_UNREACHABLE = 1;
/** Code 0 is about a network: it was said before anything was forwarded. */
const NET_UNREACHABLE = 0;

function judge(group: Group, heard: Heard): Found {
  const { containers, hasBridge } = tell(group, heard);
  if (containers.length > 0) return { there: 'answered', addresses: containers.map(textOf) };
  if (!hasBridge) return { there: 'none', addresses: [] };
  const codeOf = (address: number): number | undefined => {
    const answer = heard.get(address);
    return answer && 'code' in answer ? answer.code : undefined;
  };
  const codes = [...group.all, group.last].map(codeOf).filter((code) => code !== undefined && code !== NET_UNREACHABLE);
  if (codes.length === 0) return { there: 'silent', addresses: [] };
  if (!codes.includes(HOST_UNREACHABLE)) return { there: 'refused', addresses: [] };
  const isNobody = codeOf(group.last) === HOST_UNREACHABLE;
  const mute = isNobody ? group.likely.find((one) => !heard.has(one)) : undefined;
  return { there: 'unreachable', addresses: [], ...(mute !== undefined && { mute: textOf(mute) }) };
}

const repeated = (addresses: readonly number[]): number[] => Array.from({ length: TIMES }, () => addresses).flat();

function askLikely(standIn: StandIn, groups: readonly Group[]): Promise<Heard> {
  const first = groups.flatMap(({ overlay, all, likely, last }) => [overlay, ...all.slice(0, 1), ...likely, last]);
  const enough = groups.map(({ likely, last }) => [...likely, last]);
  return standIn.ask('sweep', { ...{ addresses: repeated(first), patienceMs: NOBODY_MS, enough, ...FAST } });
}

async function look(standIn: StandIn, groups: readonly Group[]): Promise<Heard> {
  const heard = await askLikely(standIn, groups);
  const left = groups.filter((group) => tell(group, heard).containers.length === 0);
  const rest = left.flatMap(({ all }) => all.filter((address) => !heard.has(address)));
  if (rest.length === 0) return heard;
  const later = await standIn.ask('sweep', { addresses: rest, patienceMs: ANSWER_MS, ...FAST });
  // What was said to the first look is worth more: only it was within the limits of what a host says.
  const answers = [...later].filter(([, answer]) => 'ttl' in answer);
  return new Map([...answers, ...heard]);
}

/** Looks before this one, and this one itself, may have used up what a host says in a second: silence is asked twice. */
async function askSilent(standIn: StandIn, groups: readonly Group[], heard: Heard): Promise<Heard> {
  const silent = groups.filter((group) => judge(group, heard).there === 'silent');
  if (silent.length === 0) return new Map();
  await sleep(REST_MS);
  return askLikely(standIn, silent);
}

/** Looks for containers of all peers at once, by a request to each address: nobody over there need know of it. */
export async function findContainers(
  standIn: StandIn,
  targets: readonly PeerTarget[],
): Promise<ReadonlyMap<PeerTarget, Found>> {
  const groups = targets.filter(({ container }) => container === undefined).map(groupOf);
  const first: Heard = groups.length > 0 ? await look(standIn, groups) : new Map();
  const heard = new Map([...first, ...(await askSilent(standIn, groups, first))]);
  const found = groups.map((group): [PeerTarget, Found] => [group.target, judge(group, heard)]);
  const named = targets.flatMap((target): [PeerTarget, Found][] =>
    target.container === undefined ? [] : [[target, { there: 'answered', addresses: [target.container] }]],
  );
  return new Map([...found, ...named]);
}
