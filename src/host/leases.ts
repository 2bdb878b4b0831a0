import { TsflannelError } from '../errors.ts';
import { isDead, type ReserveFor, releaseTimed, reserve, type TimedLease, timedLeases } from '../lease/manage.ts';
import { type Prefix, parsePrefix, printIp, printPrefix } from '../model/address.ts';
import { duration, parseDuration } from '../model/duration.ts';
import type { EtcdFlags } from '../output/flags.ts';
import { networkIn } from '../store/network.ts';
import type { Store } from '../store/store.ts';
import { resolveConnection } from './connection.ts';
import { flagIp, openStoreAt } from './node.ts';

/** A subnet as typed. Throws USAGE. */
function subnetOf(text: string): Prefix {
  const subnet = parsePrefix(text);
  if (subnet?.family !== 4)
    throw new TsflannelError('USAGE', { detail: `${text}: a subnet is expected, as 10.5.7.0/24` });
  return subnet;
}

async function withStore<T>(flags: EtcdFlags, use: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStoreAt(await resolveConnection(flags));
  try {
    return await use(store);
  } finally {
    store.close();
  }
}

/** Which leases are meant: one subnet, or all that nobody renews. */
export interface ReleaseWish {
  readonly subnet?: string | undefined;
  readonly dead: boolean;
  readonly olderThan?: string | undefined;
  readonly dryRun: boolean;
}

function olderThanOf({ olderThan }: ReleaseWish): number | undefined {
  if (olderThan === undefined) return undefined;
  const seconds = parseDuration(olderThan);
  if (seconds === undefined)
    throw new TsflannelError('USAGE', { detail: `--older-than ${olderThan}: as 90s, 45m, 24h` });
  return seconds;
}

async function meant(store: Store, wish: ReleaseWish): Promise<readonly TimedLease[]> {
  if ((wish.subnet === undefined) === !wish.dead)
    throw new TsflannelError('USAGE', { detail: 'give a subnet, or --dead' });
  if (wish.subnet === undefined) {
    const olderThan = olderThanOf(wish);
    return (await timedLeases(store)).filter((lease) => isDead(lease, olderThan));
  }
  return timedLeases(store, subnetOf(wish.subnet));
}

const ageText = ({ kv, age }: TimedLease): string =>
  kv.lease === 0n ? 'reserved' : age === undefined ? 'ending' : `renewed ${duration(age)} ago`;

/** One line for each: `10.5.7.0/24 (n7 at 10.0.0.7, renewed 13h ago)`. */
const leaseText = (timed: TimedLease): string => {
  const who = timed.lease ? `${timed.lease.nodeName ?? '-'} at ${printIp(timed.lease.publicIp)}` : 'not a valid lease';
  return `${printPrefix(timed.subnet)} (${who}, ${ageText(timed)})`;
};

/** What was given back (with dryRun: what would be), and what had changed meanwhile and was left. */
export interface Released {
  readonly released: readonly string[];
  readonly kept: readonly string[];
}

/** Deletes the leases meant, each only as it was looked at. `confirm` is shown them first, and throws to stop. */
export const releaseLeases = (
  flags: EtcdFlags,
  wish: ReleaseWish,
  confirm: (leases: readonly string[]) => Promise<void>,
): Promise<Released> =>
  withStore(flags, async (store) => {
    const leases = await meant(store, wish);
    if (wish.dryRun) return { released: leases.map(({ subnet }) => printPrefix(subnet)), kept: [] };
    if (leases.length > 0) await confirm(leases.map(leaseText));
    const released: string[] = [];
    const kept: string[] = [];
    for (const lease of leases) ((await releaseTimed(store, lease)) ? released : kept).push(printPrefix(lease.subnet));
    return { released, kept };
  });

/** Keeps a subnet for a node, or with dryRun judges that. False: it is reserved for it already. */
export const reserveSubnet = (
  flags: EtcdFlags,
  text: string,
  wish: { readonly node?: string | undefined; readonly publicIp?: string | undefined; readonly dryRun: boolean },
): Promise<boolean> =>
  withStore(flags, async (store) => {
    const publicIp = flagIp('public-ip', wish.publicIp);
    if (publicIp === undefined && !wish.node) throw new TsflannelError('MISSING_FLAGS', { flags: '--node' });
    const subnet = subnetOf(text);
    const network = networkIn((await store.snapshot()).kvs, store.prefix);
    const who: ReserveFor = { ...(wish.node && { node: wish.node }), ...(publicIp && { publicIp }) };
    return reserve(store, network, subnet, { ...who, dryRun: wish.dryRun });
  });
