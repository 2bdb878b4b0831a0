/**
 * What a host shows: the last line of every test and of every fault is that it shows the same as before. A snapshot is text lines by
 * section, with what changes by itself (counters, indexes, ages, link-local addresses the kernel makes) left out.
 */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';

export type Snapshot = Readonly<Record<string, readonly string[]>>;

export interface SnapshotOptions {
  /** Network namespace (a name below /run/netns); absent: the one the test runs in. */
  readonly namespace?: string;
  /** Folders whose files are compared (path, mode, owner, content). */
  readonly dirs?: readonly string[];
  /** Which namespaces, mounts and processes outside the namespace count; absent: none. A busy machine has others' too. */
  readonly mine?: RegExp;
}

/** What a host shows now. Takes some 100 ms. */
export async function snapshot(options: SnapshotOptions = {}): Promise<Snapshot> {
  const network = await networkOf(options.namespace);
  const { mine } = options;
  return {
    ...network,
    files: (options.dirs ?? []).flatMap((dir) => filesOf(dir)).sort(),
    processes: processesOf(options),
    namespaces: mine ? listed('/run/netns').filter((name) => mine.test(name)) : [],
    mounts: mine ? mounts().filter((line) => mine.test(line)) : [],
    cgroups: mine ? cgroups().filter((name) => mine.test(name)) : [],
  };
}

/** The differences as text, one a line; empty when there are none. `except` are lines that may come or go. */
export function difference(before: Snapshot, after: Snapshot, except: readonly RegExp[] = []): string {
  const sections = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...sections]
    .flatMap((section) => {
      const [old, now] = [before[section] ?? [], after[section] ?? []];
      const gone = old.filter((line) => !now.includes(line)).map((line) => `${section}: - ${line}`);
      const came = now.filter((line) => !old.includes(line)).map((line) => `${section}: + ${line}`);
      return [...gone, ...came];
    })
    .filter((line) => !except.some((pattern) => pattern.test(line)))
    .join('\n');
}

const inside = (namespace: string | undefined, argv: readonly string[]): readonly string[] =>
  namespace === undefined ? argv : ['nsenter', `--net=/run/netns/${namespace}`, '--', ...argv];

async function output(namespace: string | undefined, ...argv: string[]): Promise<string> {
  const [program, ...rest] = inside(namespace, argv);
  const { stdout } = await execa(program as string, rest);
  return stdout;
}

type Json = Readonly<Record<string, unknown>>;

async function networkOf(namespace: string | undefined): Promise<Snapshot> {
  const json = async (...argv: string[]) => JSON.parse((await output(namespace, ...argv)) || '[]') as Json[];
  const text = (...argv: string[]) => output(namespace, ...argv);
  const [links, routes4, routes6, rules4, rules6, neighbours, fdb, ...filters] = await Promise.all([
    json('ip', '-d', '-j', 'addr', 'show'),
    text('ip', '-4', 'route', 'show', 'table', 'all'),
    text('ip', '-6', 'route', 'show', 'table', 'all'),
    text('ip', '-4', 'rule', 'show'),
    text('ip', '-6', 'rule', 'show'),
    text('ip', 'neigh', 'show', 'nud', 'permanent'),
    text('bridge', 'fdb', 'show'),
    text('nft', '-j', '-s', 'list', 'ruleset'),
    text('iptables-nft-save'),
    text('iptables-legacy-save'),
  ]);
  return {
    links: links.map(linkLine).sort(),
    addresses: links.flatMap(addressLines).sort(),
    routes: [...lines(routes4), ...lines(routes6).filter((line) => !isKernelsOwn6(line))].map(withoutAge).sort(),
    rules: [...lines(rules4), ...lines(rules6).map((line) => `inet6 ${line}`)].sort(),
    neighbours: lines(neighbours).sort(),
    fdb: lines(fdb)
      .filter((line) => /permanent|static/.test(line) && !/^(33:33|01:00:5e)/.test(line))
      .sort(),
    nft: nftLines(filters[0] as string),
    'iptables-nft': iptablesLines(filters[1] as string),
    'iptables-legacy': iptablesLines(filters[2] as string),
    sysctls: lines(await sysctls(namespace)).sort(),
  };
}

const SYSCTLS = ['ipv4/ip_forward', 'ipv4/conf/all', 'ipv4/conf/default', 'ipv6/conf/all/forwarding', 'bridge'];

/** `file:value` of each; some are write-only or absent, which grep reports by its exit status alone. */
async function sysctls(namespace: string | undefined): Promise<string> {
  const [program, ...argv] = inside(namespace, ['grep', '-rs', '', ...SYSCTLS.map((name) => `/proc/sys/net/${name}`)]);
  return (await execa(program as string, argv, { reject: false })).stdout;
}

const lines = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** A link without what changes by itself; flags only where somebody sets them. */
function linkLine(link: Json): string {
  const { ifname, link_type, address, mtu, master, ifalias, linkinfo, flags } = link;
  const info = linkinfo as Json | undefined;
  const up = (flags as string[]).filter((flag) => ['UP', 'PROMISC', 'NOARP', 'POINTOPOINT'].includes(flag));
  // A bridge and its ports tell how their timers stand.
  const { info_slave_data: _, ...port } = info ?? {};
  const kind = info?.info_kind === 'bridge' ? { info_kind: 'bridge' } : info && port;
  // What only helps another device of ours has numbers drawn at random.
  if (String(ifalias).startsWith('tsflannel-part:'))
    return JSON.stringify({ ifname, mtu, master, ifalias, up, kind: info?.info_kind });
  return JSON.stringify({ ifname, link_type, address, mtu, master, ifalias, up, kind });
}

function addressLines(link: Json): string[] {
  const list = (link.addr_info as Json[] | undefined) ?? [];
  return list
    .filter(({ family, scope }) => !(family === 'inet6' && scope === 'link'))
    .map(({ local, prefixlen, scope, label, address }) =>
      JSON.stringify({ dev: link.ifname, local, prefixlen, address, scope, label }),
    );
}

/** Link-local, multicast and local routes that come with any IPv6 address. */
const isKernelsOwn6 = (line: string): boolean => /^(local |anycast |multicast )?(fe80|ff00)/.test(line);
const withoutAge = (line: string): string => line.replace(/ (linkdown|dead|expires \d+sec)\b/g, '').trim();

/** Rules and chains of an iptables dump; empty built-in chains that accept are as good as none. */
function iptablesLines(dump: string): string[] {
  let table = '';
  return lines(dump).flatMap((line) => {
    if (line.startsWith('*')) table = line.slice(1);
    if (line.startsWith('*') || line.startsWith('#') || line === 'COMMIT') return [];
    if (/^:[A-Z]+ ACCEPT/.test(line)) return [];
    return [`${table} ${line.replace(/ \[\d+:\d+\]/, '')}`];
  });
}

/** What a table counts and remembers for a while is no state that anybody set; a comment that is a digest says nothing more than its rule. */
function plainNft(key: string, value: unknown): unknown {
  if (['handle', 'counter', 'expires', 'stmt'].includes(key)) return undefined;
  return key === 'comment' && /^[0-9a-f]{16}$/.test(String(value)) ? undefined : value;
}

/** A set as a line an element, since their order is the kernel's; those of a set that forgets come and go. */
function setLines(set: Json): string[] {
  const { elem, ...rest } = set;
  const elements = set.timeout === undefined ? ((elem as unknown[] | undefined) ?? []) : [];
  const named = `${set.table} ${set.name}`;
  return [JSON.stringify(rest, plainNft), ...elements.map((one) => `${named} ${JSON.stringify(one, plainNft)}`)];
}

/** nft's objects; tables and accepting base chains that hold nothing are as good as none (iptables-nft leaves them). */
function nftLines(json: string): string[] {
  const objects = (JSON.parse(json) as { nftables: Record<string, Json>[] }).nftables;
  return objects
    .filter((each) => !each.metainfo && !each.table && !each.counter)
    .filter(({ chain }) => !(chain?.hook && (chain.policy ?? 'accept') === 'accept'))
    .flatMap((each) => (each.set ? setLines(each.set) : [JSON.stringify(each, plainNft)]));
}

function filesOf(path: string): string[] {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return [];
  const what = `${path} ${(stat.mode & 0o7777).toString(8)} ${stat.uid}:${stat.gid}`;
  if (stat.isSymbolicLink()) return [`${what} -> ${readlinkSync(path)}`];
  if (stat.isDirectory()) return [`${what} /`, ...readdirSync(path).flatMap((name) => filesOf(join(path, name)))];
  if (!stat.isFile()) return [`${what} special`];
  return [`${what} ${digest(path)}`];
}

/** A mounted namespace looks like a file and cannot be read. */
function digest(path: string): string {
  try {
    return createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16);
  } catch {
    return 'unreadable';
  }
}

const listed = (dir: string): string[] => {
  try {
    return readdirSync(dir).sort();
  } catch {
    return [];
  }
};

const mounts = (): string[] =>
  lines(readFileSync('/proc/self/mountinfo', 'utf8')).map((line) => {
    const [, , , root, point] = line.split(' ');
    return `${point} ${root}`;
  });

/** Folders of control groups, two levels deep under each hierarchy. */
function cgroups(): string[] {
  const below = (dir: string): string[] =>
    listed(dir)
      .map((name) => join(dir, name))
      .filter((path) => lstatSync(path, { throwIfNoEntry: false })?.isDirectory());
  const roots = below('/sys/fs/cgroup');
  return roots.flatMap((root) => [
    root,
    ...below(root).flatMap((dir) => [dir, ...below(dir).flatMap((sub) => [sub, ...below(sub)])]),
  ]);
}

/** Processes in the namespace (all but the test's own helpers), and those whose command line or environment says `mine`. */
function processesOf({ namespace, mine }: SnapshotOptions): string[] {
  const inode = namespace === undefined ? undefined : statSync(`/run/netns/${namespace}`).ino;
  return listed('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        const here = inode !== undefined && statSync(`/proc/${pid}/ns/net`).ino === inode;
        const marked =
          mine !== undefined && (mine.test(command) || mine.test(readFileSync(`/proc/${pid}/environ`, 'utf8')));
        return here || marked ? [`${pid} ${startOf(pid)} ${command}`] : [];
      } catch {
        return []; // gone while we looked
      }
    });
}

/** Start time in clock ticks since boot: with the pid it names one process for ever. */
const startOf = (pid: string): string =>
  readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19] ?? '';

/** The same without pids and start times: for hosts on which something is meant to be started again, as Docker is. */
export const commandsOnly = (shown: Snapshot): Snapshot => ({
  ...shown,
  processes: (shown.processes ?? []).map((line) => line.split(' ').slice(2).join(' ')).sort(),
});
