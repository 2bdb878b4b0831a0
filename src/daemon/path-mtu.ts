import { isDeepStrictEqual } from 'node:util';
import { mtuOf } from '../backend/desired.ts';
import { TsflannelError } from '../errors.ts';
import { largest } from '../liveness/echo.ts';
import type { EchoPort } from '../liveness/liveness.ts';
import { printIp, printPrefix } from '../model/address.ts';
import type { Lease } from '../model/lease.ts';
import type { Check } from '../model/report.ts';
import type { NarrowPath, Node, PathMtus } from './node.ts';
import { targetOf } from './peers.ts';

/** Between two rounds; a round asks one peer after the other. */
const ROUND_MS = 60_000;
/** After the start: by then peers are known to answer. */
const FIRST_MS = 3_000;

type Asking = Pick<Node, 'parts' | 'follower' | 'holder' | 'reconciler' | 'liveness'>;

/** Peers that answer at all, of those that are there. */
function answering({ follower, holder, liveness }: Asking): [string, Lease][] {
  const figures = liveness?.figures();
  return [...follower.peers(holder.current().key)].filter(([key, { publicIp }]) => {
    const verdict = figures?.get(key)?.verdict;
    return publicIp.family === 4 && (verdict === 'answers' || verdict === 'loses');
  });
}

async function round(node: Asking, port: EchoPort, found: Map<string, NarrowPath>, live: () => boolean): Promise<void> {
  for (const [key, lease] of answering(node)) {
    const scene = node.reconciler.scene();
    if (!live() || !scene) return;
    const mtu = mtuOf(scene.host, scene.network);
    const passes = await largest(port, targetOf(lease).address, mtu);
    if (passes !== undefined && passes < mtu) found.set(key, { lease, mtu: passes });
    else if (passes !== undefined) found.delete(key);
  }
  const now = node.follower.peers(node.holder.current().key);
  for (const key of found.keys()) if (!now.has(key)) found.delete(key);
}

/** Segments of TCP are made to fit; everything else is for people to put right. */
function clamp({ reconciler, parts }: Asking, found: ReadonlyMap<string, NarrowPath>): void {
  const scene = reconciler.scene();
  const narrow = [...found.values()].map(({ lease: { subnet }, mtu }) => ({ subnet, mtu }));
  if (!scene || isDeepStrictEqual(scene.host.narrow ?? [], narrow)) return;
  for (const { subnet, mtu } of narrow) parts.log('path-narrow', `${printPrefix(subnet)} takes ${mtu} bytes`);
  reconciler.setScene({ ...scene, host: { ...scene.host, narrow } });
}

/** Begins to look, unless peers are not asked or the kernel does not let us. */
export function followPaths(node: Asking): PathMtus | undefined {
  const { parts, liveness } = node;
  if (!parts.openEcho || !liveness) return undefined;
  const found = new Map<string, NarrowPath>();
  let port: EchoPort;
  try {
    port = parts.openEcho({ whole: true });
  } catch (error) {
    if (error instanceof TsflannelError) return undefined;
    throw error;
  }
  let live = true;
  let looking = false;
  let cancel = parts.clock.after(FIRST_MS, () => void look());
  async function look(): Promise<void> {
    looking = true;
    await round(node, port, found, () => live);
    looking = false;
    if (!live) return port.close();
    clamp(node, found);
    cancel = parts.clock.after(ROUND_MS * (0.9 + 0.2 * parts.random()), () => void look());
  }
  return {
    narrow: () => found,
    close() {
      live = false;
      cancel();
      if (!looking) port.close();
    },
  };
}

/** What `status` says of the paths: the peer that takes least is named. */
export function pathCheck(narrow: ReadonlyMap<string, NarrowPath>, mtu: number): Check {
  const [worst, ...more] = [...narrow.values()].sort((a, b) => a.mtu - b.mtu);
  if (!worst) return { name: 'path mtu', state: 'ok', detail: `no peer is known to take less than ${mtu} bytes` };
  const { nodeName, publicIp, subnet } = worst.lease;
  const others = more.length > 0 ? `, and ${more.length} more` : '';
  return {
    name: 'path mtu',
    state: 'degraded',
    detail: `${nodeName ?? printIp(publicIp)} (${printPrefix(subnet)}) takes ${worst.mtu} bytes, containers send ${mtu}: TCP is made to fit, larger UDP is lost${others}`,
  };
}
