import { isDeepStrictEqual } from 'node:util';
import { printIp, printPrefix } from '../model/address.ts';
import type { ViewChange } from '../store/view.ts';
import type { Node } from './node.ts';
import { followUnderlay } from './underlay.ts';

/** The network that etcd has is another than the one we began with from disk. */
function isAnotherNetwork({ follower, reconciler }: Node): boolean {
  const now = follower.view.config()?.parsed;
  return now?.ok === true && !isDeepStrictEqual(now.value, reconciler.scene()?.network);
}

/** The first snapshot after a start without etcd: now our subnet can be asked for, unless all of it has changed meanwhile. */
function confirmCached(node: Node): 'go on' | 'begin anew' {
  if (isAnotherNetwork(node)) {
    node.parts.log('config-changed', 'etcd is back with another network config: starting over with it');
    node.stop('restart');
    return 'begin anew';
  }
  void node.holder.check();
  return 'go on';
}

/** More at once are counted instead of named. */
const NAMED = 20;

/** Tells who came and who left; returns what is told of each change. */
function tellPeers({ follower, holder, parts }: Node): (keys: readonly string[]) => void {
  const known = new Map(follower.view.leases());
  return (keys) => {
    const own = holder.current().key;
    const changes = keys.flatMap((key) => {
      const [before, now] = [known.get(key), follower.view.leases().get(key)];
      if (now) known.set(key, now);
      else known.delete(key);
      const lease = now ?? before;
      return key === own || !lease || (before && now)
        ? []
        : [{ event: now ? ('peer-joined' as const) : ('peer-left' as const), lease }];
    });
    if (changes.length > NAMED)
      parts.log('peers-changed', `${changes.length} joined or left; ${known.size} leases now`);
    else
      for (const { event, lease } of changes)
        parts.log(event, `${lease.nodeName ?? 'a node'} at ${printIp(lease.publicIp)}, ${printPrefix(lease.subnet)}`);
  };
}

/** Our own writes come back as events; anything else at our key needs a look. A restored etcd may give its revision to another node. */
function isAsWritten({ follower, holder }: Node): boolean {
  const { key, modRevision, leaseId } = holder.current();
  const seen = follower.view.leases().get(key)?.etcd;
  return seen?.modified === modRevision.toString() && seen.leaseId === leaseId.toString();
}

function changed(node: Node, { leases, config }: ViewChange): void {
  const { follower, reconciler, holder, parts } = node;
  if (node.cachedAt !== undefined && confirmCached(node) === 'begin anew') return;
  node.keeper.changed();
  const own = holder.current().key;
  if (node.cachedAt === undefined && leases.includes(own) && !isAsWritten(node)) void holder.check();
  reconciler.update(
    follower.peers(own),
    leases.filter((key) => key !== own),
  );
  if (config)
    parts.log('config-changed', 'the network config in etcd changed; it is followed at the next start of this node');
}

/** Lets the kernel's monitor drive the node, from before its first look on: what changes after a look must ring. */
export function listen(node: Node): () => void {
  const ring = followUnderlay(node);
  const monitor = node.parts.kernel.monitor((kinds) => {
    node.reconciler.ring(kinds);
    ring(kinds);
  });
  return () => monitor.close();
}

/** Its data was lost, or is that of an older backup. */
function replaced({ reconciler, parts }: Node): void {
  parts.log('etcd-replaced', 'this is another etcd, or older data, than before: peers that are missing stay for 10 s');
  reconciler.distrust();
}

/** Lets etcd drive the node too; returns what ends that and the listening. */
export function wire(node: Node): () => void {
  const { follower, parts } = node;
  const tell = tellPeers(node);
  follower.start({
    log: parts.log,
    changed(change) {
      tell(change.leases);
      changed(node, change);
    },
    replaced: () => replaced(node),
  });
  node.keeper.changed();
  const close = () => node.deafen();
  process.once('exit', close);
  return () => {
    process.off('exit', close);
    close();
  };
}
