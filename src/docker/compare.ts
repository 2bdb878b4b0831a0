import { containsPrefix, overlaps, type Prefix, parseCidr, prefixOf, printIp, printPrefix } from '../model/address.ts';
import type { DockerRow } from '../model/report.ts';
import type { SubnetEnv } from '../model/subnet-env.ts';
import { configValue, type DaemonJson, OUR_KEYS, type OurKey, parseDaemonJson, valuesOf } from './daemon-json.ts';
import { type DropRule, directRoutingOf } from './direct-routing.ts';
import { flagValue } from './flags.ts';
import type { UserNetwork } from './networks.ts';
import type { DockerOptions } from './options.ts';
import type { Facts } from './plan.ts';

/** A node's lease as its daemon tells it. */
export interface LeaseFacts {
  readonly subnet: Prefix;
  /** Bytes. */
  readonly mtu: number;
}

const APPLY = 'tsflannel docker apply';
const UP = 'tsflannel up --detach';

/** A comparison: `fix` only where the two differ. */
const compared = (what: string, expected: string, found: string, fix: string): DockerRow =>
  expected === found
    ? { what, state: 'ok', expected, found }
    : { what, state: 'degraded', expected, found, fix: [fix] };

const leaseText = (address: string, mtu: number): string => `${address}, mtu ${mtu}`;

/** Lease and subnet.env; without a daemon only the file can be told. */
export function compareLease(lease: LeaseFacts | undefined, env: SubnetEnv): DockerRow[] {
  const found = leaseText(`${printIp(env.subnet.ip)}/${env.subnet.length}`, env.mtu);
  if (!lease)
    return [
      { what: 'lease', state: 'degraded', expected: 'a daemon that holds it', found: 'none answers', fix: [UP] },
      { what: 'subnet.env', state: 'ok', expected: '', found },
    ];
  const first = printIp({ family: 4, value: lease.subnet.address + 1n });
  const expected = leaseText(`${first}/${lease.subnet.length}`, lease.mtu);
  const held = { what: 'lease', state: 'ok', expected: '', found: printPrefix(lease.subnet) } as const;
  // A daemon puts its file right by itself: one that stays wrong is another program's, or not this daemon's.
  return [held, compared('subnet.env', expected, found, 'tsflannel plan')];
}

const textOf = (value: unknown): string => (value === undefined ? 'not set' : String(value));

function compareOption(key: OurKey, wanted: unknown, facts: Facts, json: DaemonJson): DockerRow {
  const [flag, value] = [flagValue(facts.argv, key), configValue(json, key)];
  if (flag !== undefined && value !== undefined) {
    const found = `flag ${flag}, ${facts.daemonJson.path} ${textOf(value)}: the next start of dockerd fails`;
    return { what: key, state: 'degraded', expected: textOf(wanted), found, fix: [APPLY] };
  }
  return compared(key, textOf(wanted), textOf(flag ?? value), APPLY);
}

/** dockerd's options, where it is told them: on its command line or in daemon.json. */
export function compareOptions(facts: Facts, options: DockerOptions): DockerRow[] {
  const json = parseDaemonJson(facts.daemonJson.text, facts.daemonJson.path);
  const wanted = valuesOf(options);
  return OUR_KEYS.flatMap((key) => (wanted[key] === undefined ? [] : [compareOption(key, wanted[key], facts, json)]));
}

/** What the dockerd that runs says of its bridge: other options than those it is told mean that it was not restarted since. */
export function compareBridge({ bridge }: Facts, { bip, mtu, ipMasq }: DockerOptions): DockerRow {
  const { ip, length } = parseCidr(bip)!;
  const shown = (subnet: string | undefined, bytes: number | undefined, masquerade: boolean | undefined) =>
    `${subnet ?? 'no bridge'}, mtu ${bytes ?? 'unknown'}, masquerade ${masquerade ?? 'unknown'}`;
  return compared(
    'running dockerd',
    shown(printPrefix(prefixOf(ip, length)), mtu, ipMasq),
    shown(bridge?.subnet, bridge?.mtu, bridge?.ipMasq),
    APPLY,
  );
}

/** docker0 in the kernel. Without a container on it a bridge has the kernel's 1500, which harms nobody. */
export function compareDocker0(facts: Facts, mtu: number | undefined, options: DockerOptions): DockerRow[] {
  const { docker0, bridge } = facts;
  const address = docker0?.includes(options.bip) ? options.bip : docker0?.join(' ') || 'no address';
  const rows = [compared('docker0', options.bip, docker0 === undefined ? 'no such device' : address, APPLY)];
  if (mtu === undefined || !bridge?.containers) return rows;
  const fix = bridge.mtu === options.mtu ? `ip link set dev docker0 mtu ${options.mtu}` : APPLY;
  return [...rows, compared('docker0 mtu', String(options.mtu), String(mtu), fix)];
}

const renewed = (name: string): string[] => [
  `tsflannel docker network remove ${name}`,
  `tsflannel docker network create ${name}`,
];

/** User-defined networks: ours have to lie in the lease, those of others outside of all that flannel leases. */
export function compareNetworks(networks: readonly UserNetwork[], env: SubnetEnv): DockerRow[] {
  const lease = prefixOf(env.subnet.ip, env.subnet.length);
  return networks.flatMap(({ name, subnet, mtu, ours }): DockerRow[] => {
    if (!subnet) return [];
    const what = `network ${name}`;
    const found = leaseText(printPrefix(subnet), mtu ?? 1500);
    if (containsPrefix(lease, subnet)) {
      const row = compared(what, leaseText(printPrefix(subnet), env.mtu), found, '');
      return [row.state === 'ok' ? row : { ...row, fix: renewed(name) }];
    }
    if (ours) return [{ what, state: 'degraded', expected: `within ${printPrefix(lease)}`, found, fix: renewed(name) }];
    if (!overlaps(env.network, subnet)) return [];
    const expected = `outside ${printPrefix(env.network)}`;
    return [{ what, state: 'degraded', expected, found, fix: [`docker network rm ${name}`] }];
  });
}

/** Rules that keep other nodes from our containers. */
export function compareRules(rules: readonly DropRule[], version: string | undefined, env: SubnetEnv): DockerRow[] {
  const dropped = rules.filter(({ addresses }) => overlaps(env.network, addresses));
  if (dropped.length === 0 && directRoutingOf(version) === 'open') return [];
  const [first] = dropped;
  const found = first
    ? `dropped by ${dropped.length} raw rules: ${printPrefix(first.addresses)} only through ${first.bridge}`
    : 'not dropped';
  return [compared('from other nodes', 'not dropped', found, APPLY)];
}
