import { access, constants, open, readdir, readFile, readlink, stat, statfs } from 'node:fs/promises';
import { release } from 'node:os';
import { readIfThere } from '../../files/atomic.ts';
import type { Ip } from '../../model/address.ts';
import { parseIp } from '../../model/address.ts';
import type { BoundPort, FolderState, HostEvidence, Looked, SecretFile } from '../evidence.ts';
import { look } from './looked.ts';

/** Where this node keeps its things. */
export interface HostPlaces {
  readonly stateDir: string;
  readonly runDir: string;
  readonly subnetFile: string;
  /** Files that only root should read. */
  readonly secrets: readonly string[];
}

const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

const SYSCTLS = ['net.ipv4.ip_forward', 'net.netfilter.nf_conntrack_count', 'net.netfilter.nf_conntrack_max'];

const sysctlPath = (name: string): string => `/proc/sys/${name.replaceAll('.', '/')}`;

async function sysctls(): Promise<Map<string, string>> {
  const devices = await readdir('/proc/sys/net/ipv4/conf').catch(() => []);
  // A device's name may hold dots, which the name of a sysctl has as slashes.
  const filters = devices.map(
    (device) => [`net.ipv4.conf.${device}.rp_filter`, `/proc/sys/net/ipv4/conf/${device}/rp_filter`] as const,
  );
  const all = [...SYSCTLS.map((name) => [name, sysctlPath(name)] as const), ...filters];
  const values = await Promise.all(all.map(async ([name, path]) => [name, (await textOf(path)).trim()] as const));
  return new Map(values.filter(([, value]) => value !== ''));
}

/** By the kernel's first 15 characters of a name. */
const PROGRAMS = new Set(['flanneld', 'dockerd', 'firewalld', 'NetworkManager', 'systemd-network']);

async function programs(): Promise<Set<string>> {
  const own = await readlink('/proc/self/ns/net').catch(() => '');
  const pids = (await readdir('/proc')).filter((name) => /^[1-9]\d*$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const name = (await textOf(`/proc/${pid}/comm`)).trim();
      if (!PROGRAMS.has(name)) return undefined;
      return (await readlink(`/proc/${pid}/ns/net`).catch(() => '')) === own ? name : undefined;
    }),
  );
  return new Set(found.filter((name) => name !== undefined));
}

/** `0100007F:1F90`: the address's bytes are in the machine's order, the port is not. */
function bound(line: string): BoundPort[] {
  const match = /^\s*\d+: ([0-9A-F]{8}):([0-9A-F]{4}) /.exec(line);
  if (!match?.[1] || !match[2]) return [];
  const value = BigInt(Buffer.from(match[1], 'hex').readUInt32LE());
  return [{ ip: { family: 4, value }, port: Number.parseInt(match[2], 16) }];
}

const ports = async (): Promise<BoundPort[]> => (await textOf('/proc/net/udp')).split('\n').flatMap(bound);

/** Two lines a protocol: names, then values. */
async function counters(): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  const lines = (await textOf('/proc/net/snmp')).split('\n').map((line) => line.split(/[: ]+/));
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [names = [], values = []] = [lines[i], lines[i + 1]];
    for (let at = 1; at < names.length; at++) found.set(`${names[0]}${names[at]}`, Number(values[at]));
  }
  return found;
}

async function tun(): Promise<true> {
  const file = await open('/dev/net/tun', 'r+');
  await file.close();
  return true;
}

async function nameservers(): Promise<Ip[]> {
  const lines = (await textOf('/etc/resolv.conf')).split('\n');
  return lines.flatMap((line) => parseIp(/^nameserver\s+(\S+)/.exec(line)?.[1] ?? '') ?? []);
}

async function secret(path: string): Promise<SecretFile[]> {
  const found = await stat(path).catch(() => undefined);
  return found ? [{ path, mode: found.mode & 0o777 }] : [];
}

/** A folder that is not there yet is made by `up` in the nearest one that is. */
async function folder(path: string): Promise<FolderState> {
  for (let at = path; ; at = at.slice(0, at.lastIndexOf('/')) || '/') {
    try {
      await access(at, constants.W_OK);
      const { bavail, bsize } = await statfs(at);
      return { path, freeBytes: bavail * bsize };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' || at === '/') return { path, problem: message };
    }
  }
}

async function subnetFile(path: string): Promise<HostEvidence['subnetFile']> {
  const text = await readIfThere(path).catch(() => undefined);
  const found = await stat(path).catch(() => undefined);
  return { path, ...(text !== undefined && { text }), ...(found && { mode: found.mode & 0o777 }) };
}

const NM_FOLDERS = [
  '/etc/NetworkManager/NetworkManager.conf',
  '/etc/NetworkManager/conf.d',
  '/usr/lib/NetworkManager/conf.d',
];

async function networkManager(runs: boolean): Promise<Pick<HostEvidence, 'networkManagerKeepsOff'>> {
  if (!runs) return {};
  const files = await Promise.all(
    NM_FOLDERS.map(
      async (path) => (await readdir(path).catch(() => undefined))?.map((name) => `${path}/${name}`) ?? [path],
    ),
  );
  const texts = await Promise.all(files.flat().map(textOf));
  return { networkManagerKeepsOff: texts.some((text) => /^unmanaged-devices.*flannel/m.test(text)) };
}

/** What only the caller can ask: netlink, libc, ethtool. */
export interface HostAsk {
  readonly vxlan: Looked<boolean>;
  readonly synchronised: Looked<boolean>;
  readonly offload: Looked<ReadonlyMap<string, boolean>>;
}

/** The machine as it is now. */
export async function hostEvidence(places: HostPlaces, asked: HostAsk): Promise<HostEvidence> {
  const folders = [...new Set([places.stateDir, places.runDir, places.subnetFile.replace(/\/[^/]*$/, '') || '/'])];
  const running = await programs();
  const [settings, udp, snmp, opened, servers, secrets, states, env, btf, manager] = await Promise.all([
    sysctls(),
    ports(),
    counters(),
    look(tun),
    nameservers(),
    Promise.all(places.secrets.map(secret)),
    Promise.all(folders.map(folder)),
    subnetFile(places.subnetFile),
    stat('/sys/kernel/btf/vmlinux').then(
      () => true,
      () => false,
    ),
    networkManager(running.has('NetworkManager')),
  ]);
  return {
    ...asked,
    ...manager,
    root: process.getuid?.() === 0,
    release: release(),
    nodeVersion: process.version,
    tun: opened,
    btf,
    sysctls: settings,
    programs: running,
    ports: udp,
    counters: snmp,
    now: new Date(),
    nameservers: servers,
    secrets: secrets.flat(),
    folders: states,
    subnetFile: env,
  };
}
