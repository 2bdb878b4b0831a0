import { readFileSync } from 'node:fs';
import { overlaps, type Prefix, prefixOf } from '../../model/address.ts';
import { parseSubnetEnv } from '../../model/subnet-env.ts';
import type { Lab } from '../lab.ts';
import { subnetFileOf } from '../node.ts';
import { now } from './chaos.ts';

/** Reads every node's subnet.env all the time: each read is absent or whole, and no two nodes have one subnet for long. */
export interface Watchman {
  /** Forgets what was seen. From now on a node may take `slack` times as long as is allowed. */
  reset(slack?: number): void;
  /** Torn reads, and overlaps that lasted longer than is allowed. */
  seen(): { readonly torn: number; readonly overlaps: number };
  end(): void;
}

const EVERY_MS = 5;
/** A node that lost its subnet yields within this time. */
const YIELD_MS = 2_000;

type Read = Prefix | 'absent' | 'torn';

function read(file: string): Read {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return 'absent';
  }
  const parsed = parseSubnetEnv(text, file);
  return parsed.ok ? prefixOf(parsed.value.subnet.ip, parsed.value.subnet.length) : 'torn';
}

/** `isRunning` tells of a node's index whether its daemon can yield: one that is stopped or dead cannot. */
export function startWatchman(lab: Lab, isRunning: (index: number) => boolean): Watchman {
  const files = lab.nodes.map(subnetFileOf);
  const since = new Map<string, number>();
  let [torn, found] = [0, 0];
  let allowedMs = YIELD_MS;
  function compare(reads: readonly Read[], i: number, j: number): void {
    const [a, b] = [reads[i], reads[j]];
    const pair = `${i} ${j}`;
    const shared = typeof a === 'object' && typeof b === 'object' && overlaps(a, b) && isRunning(i) && isRunning(j);
    const began = since.get(pair);
    if (!shared) since.delete(pair);
    else if (began === undefined) since.set(pair, now());
    else if (now() - began > allowedMs) {
      found++;
      since.set(pair, Number.POSITIVE_INFINITY);
    }
  }
  const timer = setInterval(() => {
    const reads = files.map(read);
    torn += reads.filter((one) => one === 'torn').length;
    for (let i = 0; i < reads.length; i++) for (let j = i + 1; j < reads.length; j++) compare(reads, i, j);
  }, EVERY_MS);
  return {
    reset(slack = 1) {
      allowedMs = YIELD_MS * slack;
      [torn, found] = [0, 0];
      since.clear();
    },
    seen: () => ({ torn, overlaps: found }),
    end: () => clearInterval(timer),
  };
}
