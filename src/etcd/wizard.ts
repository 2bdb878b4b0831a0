import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { asTsflannelError, TsflannelError } from '../errors.ts';
import { parsePrefix, printIp } from '../model/address.ts';
import { printEndpoint } from '../model/endpoint.ts';
import type { Questions } from '../model/questions.ts';
import type { HostAddress } from './addresses.ts';
import { CLIENT_PORT, fillRequest, fromCluster, type HostDefaults, JOIN_PORT, plainName } from './choose.ts';
import { PEER_PORT } from './cluster.ts';
import { inspectDataDir } from './data-dir.ts';
import { MAX_SIZE } from './discovery.ts';
import { byReach } from './reach.ts';
import { type InitRequest, nameProblem, type Security } from './request.ts';
import { withSrv } from './srv-request.ts';
import { discoveryWish, newWish, srvWish, staticWish, v3Place, v3Wish, type Wish } from './wish.ts';

/** What a user has said, or was asked for. */
export interface Answers {
  readonly request: Required<InitRequest>;
  /** Absent when nobody wants one written. */
  readonly network: string | undefined;
  readonly size: number | undefined;
  readonly systemd: boolean | undefined;
  /** Absolute. */
  readonly dataDir: string;
}

const problemOf = (parse: () => unknown): string | undefined => {
  try {
    parse();
    return undefined;
  } catch (error) {
    return error instanceof TsflannelError ? error.why : String(error);
  }
};

async function askV3(ask: Questions): Promise<Wish> {
  const place = (text: string) => ({ 'discovery-endpoints': text });
  const endpoints = await ask.text('Client URLs of the etcd that holds the registry', '', (text) =>
    problemOf(() => v3Place(place(text))),
  );
  const check = (text: string) => problemOf(() => v3Wish(text, place(endpoints)));
  return v3Wish(await ask.text('Discovery token', '', check), place(endpoints));
}

async function askWish(ask: Questions): Promise<Wish> {
  const kind = await ask.choose('Which cluster is this member for?', [
    { name: 'a new one, begun by this host; others can join it by a token', value: 'alone' as const },
    { name: 'several hosts, by a discovery URL I have', value: 'discovery' as const },
    { name: 'several hosts, by a new discovery URL', value: 'new' as const },
    { name: 'several hosts, whose addresses I list', value: 'static' as const },
    { name: 'several hosts, by a v3 discovery token I have', value: 'v3' as const },
    { name: 'several hosts, which the DNS of a domain names', value: 'srv' as const },
  ]);
  if (kind === 'alone') return { kind };
  if (kind === 'v3') return askV3(ask);
  if (kind === 'srv') return srvWish(await ask.text('Domain', '', (text) => problemOf(() => srvWish(text))));
  if (kind === 'discovery')
    return discoveryWish(await ask.text('Discovery URL', '', (text) => problemOf(() => discoveryWish(text))));
  if (kind === 'static') {
    const check = (text: string) => problemOf(() => staticWish(text));
    return staticWish(await ask.text('Members (name=http://ADDRESS:2380,name=…)', '', check));
  }
  const base = await ask.text('Address of the discovery service', 'https://discovery.etcd.io', (text) =>
    problemOf(() => newWish(text, 3)),
  );
  const size = await ask.text('How many members will there be', '3', (text) =>
    /^[0-9]{1,2}$/.test(text) ? problemOf(() => newWish(base, Number(text))) : 'a number is expected',
  );
  return newWish(base, Number(size));
}

/** Which entry of a static cluster is this host, where its addresses do not say so. */
async function askEntry(request: InitRequest, host: HostDefaults, ask: Questions): Promise<InitRequest> {
  if (request.wish?.kind !== 'static') return request;
  if (problemOf(() => fromCluster(request, host)) === undefined) return fromCluster(request, host);
  const choices = request.wish.cluster.map(({ name, peerUrls }) => ({
    name: `${name} (${peerUrls.map(printEndpoint).join()})`,
    value: name,
  }));
  return fromCluster({ ...request, name: await ask.choose('Which member is this host?', choices) }, host);
}

const notesOn = ({ isDefault, reaches }: HostAddress): readonly string[] => [
  ...(isDefault ? ['default route'] : []),
  ...(reaches === undefined ? [] : [`reaches ${reaches}`]),
];

async function askAddress(host: HostDefaults, ask: Questions): Promise<Pick<InitRequest, 'ip'>> {
  if (host.addresses.length === 0) throw new TsflannelError('ADVERTISE_IP', { detail: 'none but loopback' });
  const choices = host.addresses.map((address) => ({
    name: `${printIp(address.ip)} (${[address.device, ...notesOn(address)].join(', ')})`,
    value: address.ip,
  }));
  return { ip: await ask.choose('Address at which other hosts reach this one', choices) };
}

const networkProblem = (text: string): string | undefined =>
  text === '' || parsePrefix(text)?.family === 4
    ? undefined
    : 'a network such as 172.17.0.0/16 is expected, or nothing';

/** Given files are read at once, so that a wrong path is said here. */
async function askCa(ask: Questions): Promise<Security> {
  const path = (text: string) => (existsSync(text) ? undefined : `${text} is not there`);
  const cert = await ask.text('File of the CA certificate (PEM)', '', path);
  return {
    kind: 'given',
    ca: { cert: resolve(cert), key: resolve(await ask.text('File of its private key', '', path)) },
  };
}

async function askSecurity(wish: Wish, ask: Questions): Promise<Security> {
  const own = [{ name: 'TLS, with a CA that is made here', value: 'own' as const }];
  const kind = await ask.choose('How do members and clients speak to each other?', [
    ...(wish.kind === 'alone' ? own : []),
    { name: 'TLS, with a CA I have, the same for all members', value: 'given' as const },
    { name: 'plain http: for a lab, or a network that nobody else reaches', value: 'insecure' as const },
  ]);
  return kind === 'given' ? askCa(ask) : { kind };
}

const sizeProblem = (text: string): string | undefined =>
  /^[0-9]{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_SIZE
    ? undefined
    : `1 to ${MAX_SIZE} is expected; 3 or 5 survive the loss of 1 or 2, an even number survives no more than the odd one below it`;

const portsOf = (text: string): readonly number[] => text.split(/[\s,]+/).map(Number);

const portsProblem = (count: number) => (text: string) => {
  const ports = portsOf(text);
  const good = ports.every((port) => Number.isInteger(port) && port > 0 && port < 65_536);
  return good && ports.length === count && new Set(ports).size === count
    ? undefined
    : `${count} different ports are expected`;
};

/** All ports in one question; those that were given are not asked. */
async function askPorts(request: InitRequest, ask: Questions): Promise<InitRequest> {
  const all = [
    ['clientPort', 'clients', CLIENT_PORT],
    ['peerPort', 'members', PEER_PORT],
    ...(request.security?.kind === 'insecure' ? [] : [['joinPort', 'joining', JOIN_PORT] as const]),
  ] as const;
  const open = all.filter(([key]) => request[key] === undefined);
  if (open.length === 0) return request;
  const question = `Ports for ${open.map(([, what]) => what).join(', ')}`;
  const answer = await ask.text(question, open.map(([, , port]) => port).join(', '), portsProblem(open.length));
  const ports = portsOf(answer);
  return { ...request, ...Object.fromEntries(open.map(([key], index) => [key, ports[index]])) };
}

const askManager = (ask: Questions): Promise<boolean> =>
  ask.choose('What runs etcd?', [
    { name: 'a systemd unit, at each boot too', value: true },
    { name: 'a background process, until the next boot', value: false },
  ]);

/** How many members there will be, where they come one by one. */
async function askSize({ wish }: InitRequest, size: number | undefined, ask: Questions): Promise<number | undefined> {
  if (size !== undefined || wish?.kind !== 'alone') return size;
  const question = 'How many members will the cluster have, with this one (1, 3 or 5)';
  return Number(await ask.text(question, '1', sizeProblem));
}

async function askNames(given: InitRequest, host: HostDefaults, ask: Questions): Promise<InitRequest> {
  let request = await askEntry(given, host, ask);
  if (!request.ip) request = { ...request, ...(await askAddress(host, ask)) };
  if (request.name !== undefined) return request;
  return { ...request, name: await ask.text('Name of this member', plainName(host.hostname), nameProblem) };
}

/** A folder somebody else's data lies in is no folder for ours, nor is one that has a member. */
async function dirProblem(dir: string): Promise<string | undefined> {
  if (!dir.startsWith('/')) return 'an absolute path is expected';
  const found = await inspectDataDir(resolve(dir)).catch((error: unknown) => asTsflannelError(error));
  if (found instanceof TsflannelError) return found.why;
  if (found.state === 'foreign') return `${dir}: ${found.detail}; another folder, or 'tsflannel init --data-dir' later`;
  return found.state === 'empty'
    ? undefined
    : `${dir} has the member ${found.member.name}: 'tsflannel init --data-dir ${dir}'`;
}

/** Where etcd's data goes, with what is there now. */
async function askDataDir(dir: string, ask: Questions): Promise<string> {
  const problem = await dirProblem(dir);
  const state = problem === undefined ? `${dir} is empty` : `not ${problem}`;
  return resolve(await ask.text(`Folder for etcd's data (${state})`, dir, dirProblem));
}

/** Asks for what the request leaves open, and nothing else. `canManage`: systemd runs here; `openDir`: nobody said a data dir. */
export async function askMissing(
  given: Omit<Answers, 'request'> & {
    readonly request: InitRequest;
    readonly canManage: boolean;
    readonly openDir: boolean;
  },
  host: HostDefaults,
  ask: Questions,
): Promise<Answers> {
  const wish = given.request.wish ?? (await askWish(ask));
  const size = await askSize({ wish }, given.size, ask);
  const security = given.request.security ?? (await askSecurity(wish, ask));
  const known = await withSrv({ ...given.request, wish, security });
  const seen = { ...host, addresses: await byReach(host.addresses, known.wish ?? wish) };
  const named = await askNames(known, seen, ask);
  const request = await askPorts(named, ask);
  const dataDir = given.openDir ? await askDataDir(given.dataDir, ask) : given.dataDir;
  const systemd = given.systemd || !given.canManage ? given.systemd : await askManager(ask);
  const question = 'Network for the containers of all nodes (Enter: later, by config set)';
  const network = given.network ?? (await ask.text(question, '', networkProblem));
  return { request: fillRequest(request, host), network: network === '' ? undefined : network, size, systemd, dataDir };
}
