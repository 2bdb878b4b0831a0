import { rm } from 'node:fs/promises';
import { TsflannelError } from '../errors.ts';
import { readIfThere, writeFileAtomic } from '../files/atomic.ts';
import { parseIp, printIp } from '../model/address.ts';
import { parseEndpoint, parseEndpoints, printEndpoint } from '../model/endpoint.ts';
import { NODE_NAME } from '../model/lease.ts';
import { accept, field, type Parsed, parseJsonObject, reject, wholeNumber } from '../model/parsed.ts';
import { type ClusterMember, parseCluster, printCluster } from './cluster.ts';
import { parseDiscoveryUrl } from './discovery.ts';
import { parseDiscoveryToken } from './discovery-v3.ts';
import { type Bootstrap, type Member, memberFile } from './member.ts';
import { parseSrv } from './srv.ts';

type Json = Readonly<Record<string, unknown>>;

const bootstrapJson = (bootstrap: Bootstrap): Json =>
  'cluster' in bootstrap && bootstrap.cluster ? { ...bootstrap, cluster: printCluster(bootstrap.cluster) } : bootstrap;

/** The text of the marker file. */
export const printMember = (member: Member): string =>
  `${JSON.stringify({ version: 1, ...member, ip: printIp(member.ip), bootstrap: bootstrapJson(member.bootstrap) }, null, 2)}\n`;

const text = (json: Json, name: string): string => {
  const value = field(json, name);
  return typeof value === 'string' ? value : '';
};

function parseAsked(value: unknown): Parsed<{ asked?: { base: string; size: number } }> {
  if (value === undefined) return accept({});
  if (typeof value !== 'object' || value === null) return reject('MEMBER_FILE', 'asked', 'not an object');
  const base = text(value as Json, 'base');
  const size = wholeNumber(field(value as Json, 'size'), 1, 31);
  return base !== '' && size !== undefined
    ? accept({ asked: { base, size } })
    : reject('MEMBER_FILE', 'asked', 'base and size are expected');
}

/** The founding members, where they are known. */
function parseKnown(json: Json): Parsed<{ cluster?: readonly ClusterMember[] }> {
  const known = text(json, 'cluster');
  if (known === '') return accept({});
  const cluster = parseCluster(known, 'cluster');
  return cluster.ok ? accept({ cluster: cluster.value }) : cluster;
}

const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? value : {}) as Json;

function parseV3(json: Json): Parsed<Bootstrap> {
  const registry = object(field(json, 'registry'));
  const token = parseDiscoveryToken(text(registry, 'token'));
  if (!token.ok) return token;
  const list = field(registry, 'endpoints');
  const endpoints = parseEndpoints(Array.isArray(list) ? list.map(String) : [], 'registry.endpoints', 2379);
  if (!endpoints.ok) return endpoints;
  const known = parseKnown(json);
  if (!known.ok) return known;
  const files = (['caFile', 'certFile', 'keyFile'] as const).filter((name) => text(registry, name) !== '');
  return accept({
    kind: 'v3',
    registry: {
      token: token.value,
      endpoints: endpoints.value.map(printEndpoint),
      ...Object.fromEntries(files.map((name) => [name, text(registry, name)])),
    },
    ...known.value,
  });
}

function parseStatic(json: Json): Parsed<Bootstrap> {
  const cluster = parseCluster(text(json, 'cluster'), 'cluster');
  if (!cluster.ok) return cluster;
  if (field(json, 'srv') === undefined) return accept({ kind: 'static', cluster: cluster.value });
  const found = object(field(json, 'srv'));
  const srv = parseSrv(text(found, 'domain'), text(found, 'name') || undefined);
  return srv.ok ? accept({ kind: 'static', cluster: cluster.value, srv: srv.value }) : srv;
}

function parseDiscovery(json: Json): Parsed<Bootstrap> {
  const url = parseDiscoveryUrl(text(json, 'url'));
  if (!url.ok) return url;
  const asked = parseAsked(field(json, 'asked'));
  if (!asked.ok) return asked;
  const known = parseKnown(json);
  return known.ok ? accept({ kind: 'discovery', url: url.value, ...asked.value, ...known.value }) : known;
}

function parseJoined(json: Json): Parsed<Bootstrap> {
  const via = parseEndpoint(text(json, 'via'), 'via', 0);
  if (!via.ok) return via;
  if (!via.value.ip || !via.value.secure) return reject('MEMBER_FILE', 'via', 'https://ADDRESS:PORT is expected');
  const known = parseKnown(json);
  return known.ok ? accept({ kind: 'joined', via: printEndpoint(via.value), ...known.value }) : known;
}

function parseBootstrap(value: unknown): Parsed<Bootstrap> {
  const json = object(value);
  const kind = field(json, 'kind');
  if (kind === 'discovery') return parseDiscovery(json);
  if (kind === 'joined') return parseJoined(json);
  if (kind === 'v3') return parseV3(json);
  if (kind === 'static') return parseStatic(json);
  const given = text(json, 'token');
  return kind === 'alone' && /^[\w-]{1,64}$/.test(given)
    ? accept({ kind, token: given })
    : reject('MEMBER_FILE', 'bootstrap', `kind ${String(kind)}`);
}

/** Name and program: absent, or what they may be. */
function parseOwn(json: Json): Parsed<Pick<Member, 'host' | 'etcd'>> {
  const [host, etcd] = [text(json, 'host'), text(json, 'etcd')];
  const named = host === '' || (parseEndpoint(host, 'host', 1).ok && /^[\w.-]+$/.test(host));
  if (!named) return reject('MEMBER_FILE', 'host', 'a host name is expected');
  if (etcd !== '' && (!etcd.startsWith('/') || etcd.includes('\0')))
    return reject('MEMBER_FILE', 'etcd', 'an absolute path is expected');
  return accept({ ...(host !== '' && { host }), ...(etcd !== '' && { etcd }) });
}

function parseSecurity(json: Json): Parsed<Pick<Member, 'pki' | 'joinPort' | 'systemd'>> {
  const pki = field(json, 'pki');
  const systemd = field(json, 'systemd') === true ? { systemd: true as const } : {};
  if (pki === undefined) return accept(systemd);
  if (typeof pki !== 'string' || !pki.startsWith('/') || pki.includes('\0'))
    return reject('MEMBER_FILE', 'pki', 'an absolute path is expected');
  const joinPort = wholeNumber(field(json, 'joinPort'), 1, 65_535);
  return accept({ ...systemd, pki, ...(joinPort !== undefined && { joinPort }) });
}

/** Parses the marker file. */
export function parseMember(content: string): Parsed<Member> {
  const json = parseJsonObject(content, 'member file');
  if (!json.ok) return json;
  const bootstrap = parseBootstrap(field(json.value, 'bootstrap'));
  if (!bootstrap.ok) return bootstrap;
  const name = text(json.value, 'name');
  const ip = parseIp(text(json.value, 'ip'));
  const clientPort = wholeNumber(field(json.value, 'clientPort'), 1, 65_535);
  const peerPort = wholeNumber(field(json.value, 'peerPort'), 1, 65_535);
  const dataDir = text(json.value, 'dataDir');
  if (field(json.value, 'version') !== 1) return reject('MEMBER_FILE', 'version', 'made by another version');
  if (!NODE_NAME.test(name) || !ip || !clientPort || !peerPort || !dataDir.startsWith('/'))
    return reject('MEMBER_FILE', 'member file', 'name, ip, clientPort, peerPort and dataDir are expected');
  const clusterId = text(json.value, 'clusterId');
  const secured = parseSecurity(json.value);
  if (!secured.ok) return secured;
  const own = parseOwn(json.value);
  if (!own.ok) return own;
  const formed = /^[0-9a-f]{1,16}$/.test(clusterId) ? { clusterId } : {};
  return accept({
    name,
    bootstrap: bootstrap.value,
    ip,
    clientPort,
    peerPort,
    dataDir,
    ...own.value,
    ...secured.value,
    ...formed,
  });
}

/** The marker at this path; `undefined` when there is none. Rejects with MEMBER_FILE_INVALID or FILE_UNREADABLE. */
export async function readMember(file: string): Promise<Member | undefined> {
  const content = await readIfThere(file);
  if (content === undefined) return undefined;
  const parsed = parseMember(content);
  if (parsed.ok) return parsed.value;
  const { where, detail } = parsed.rejection;
  throw new TsflannelError('MEMBER_FILE_INVALID', { file, detail: `${where}: ${detail}` });
}

/** Writes the marker beside the member's data dir, for root only: it may hold a discovery URL that is still open. */
export const writeMember = (member: Member): Promise<void> =>
  writeFileAtomic(memberFile(member.dataDir), printMember(member), 0o600);

/** Removes the marker. */
export const removeMember = (dataDir: string): Promise<void> => rm(memberFile(dataDir), { force: true });
