import { type Ip, parseIp, printIp } from '../model/address.ts';
import { NODE_NAME } from '../model/lease.ts';
import { accept, field, type Parsed, parseJsonObject, reject, wholeNumber } from '../model/parsed.ts';
import { type ClusterMember, parseCluster, printCluster } from './cluster.ts';
import { PURPOSES, type Purpose } from './join-token.ts';
import type { Identity } from './pki.ts';

/**
 * What a joiner and the join service say to each other: JSON over TLS, one POST a question. `/v1/join` shows a token and asks for
 * certificates; `/v1/member` and `/v1/renew` are for who shows a certificate of the cluster's CA.
 */
export const PATHS = { join: '/v1/join', member: '/v1/member', renew: '/v1/renew' } as const;

/** Bytes of a question at most; three certificate requests are a fourth of it. */
export const MAX_BODY = 16_384;

/** Requests for certificates (PEM), by the kind of certificate. */
export type Requests = Partial<Record<Identity['kind'], string>>;

export interface JoinRequest {
  readonly id: string;
  readonly secret: Buffer;
  readonly as: Purpose;
  readonly name: string;
  /** Address and port of the member to be; of a client only the address is asked, for the log. */
  readonly ip: Ip;
  readonly peerPort: number;
  readonly requests: Requests;
}

export interface JoinAnswer {
  readonly certs: Requests;
  /** Client URLs of the cluster. */
  readonly endpoints: readonly string[];
  readonly prefix: string;
}

/** Where a member that was let in stands: `queued` behind another learner, added (`learner`), or `voting`. */
export interface MemberAnswer {
  readonly state: 'queued' | 'learner' | 'voting';
  /** Members to start with, this one among them; empty while it is queued. */
  readonly cluster: readonly ClusterMember[];
  /** Why it does not get on. */
  readonly waiting?: string;
}

/** Kinds of certificate that each purpose gets. */
export const KINDS: Readonly<Record<Purpose, readonly ('server' | 'peer' | 'client')[]>> = {
  member: ['server', 'peer', 'client'],
  client: ['client'],
};

type Json = Readonly<Record<string, unknown>>;

const PEM_SIZE = 4096;

function parsePems(value: unknown, where: string): Parsed<Requests> {
  if (typeof value !== 'object' || value === null) return reject('JOIN', where, 'an object is expected');
  const found: Record<string, string> = {};
  for (const kind of KINDS.member) {
    const pem = field(value as Json, kind);
    if (pem === undefined) continue;
    if (typeof pem !== 'string' || pem.length > PEM_SIZE || !pem.startsWith('-----BEGIN CERTIFICATE'))
      return reject('JOIN', `${where}.${kind}`, 'a PEM text is expected');
    found[kind] = pem;
  }
  return accept(found);
}

export const printJoin = ({ id, secret, as, name, ip, peerPort, requests }: JoinRequest): string =>
  JSON.stringify({ id, secret: secret.toString('base64url'), as, name, ip: printIp(ip), peerPort, requests });

const text = (json: Json, name: string, most: number): string | undefined => {
  const value = field(json, name);
  return typeof value === 'string' && value.length <= most ? value : undefined;
};

/** Parses a question to `/v1/join`. The rejection shows nothing of what came. */
export function parseJoin(body: string): Parsed<JoinRequest> {
  const json = parseJsonObject(body, 'join', MAX_BODY);
  if (!json.ok) return reject('JOIN', 'join', 'not a JSON object');
  const as = PURPOSES.find((purpose) => purpose === field(json.value, 'as'));
  const [id, secret, name] = [text(json.value, 'id', 64), text(json.value, 'secret', 64), text(json.value, 'name', 63)];
  const ip = parseIp(text(json.value, 'ip', 64) ?? '');
  const peerPort = wholeNumber(field(json.value, 'peerPort'), 1, 65_535);
  if (id === undefined || secret === undefined || !as) return reject('JOIN', 'join', 'id, secret and as are expected');
  if (name === undefined || !NODE_NAME.test(name) || !ip || peerPort === undefined)
    return reject('JOIN', 'join', 'name, ip and peerPort are expected');
  const requests = parsePems(field(json.value, 'requests'), 'requests');
  if (!requests.ok) return requests;
  if (KINDS[as].some((kind) => requests.value[kind] === undefined))
    return reject('JOIN', 'requests', `${KINDS[as].join(', ')} are expected`);
  return accept({ id, secret: Buffer.from(secret, 'base64url'), as, name, ip, peerPort, requests: requests.value });
}

/** Parses the answer of `/v1/join` or `/v1/renew`; which certificates have to be in it is for the caller. */
export function parseJoinAnswer(body: string): Parsed<JoinAnswer> {
  const json = parseJsonObject(body, 'answer');
  if (!json.ok) return json;
  const certs = parsePems(field(json.value, 'certs'), 'certs');
  if (!certs.ok) return certs;
  const endpoints = field(json.value, 'endpoints');
  const prefix = text(json.value, 'prefix', 200);
  if (!Array.isArray(endpoints) || endpoints.length > 64 || prefix === undefined)
    return reject('JOIN', 'answer', 'endpoints and prefix are expected');
  if (!endpoints.every((one): one is string => typeof one === 'string'))
    return reject('JOIN', 'endpoints', 'texts are expected');
  return accept({ certs: certs.value, endpoints, prefix });
}

/** Parses a question to `/v1/member`: the peer port; who asks is in the certificate. */
export function parseMemberRequest(body: string): Parsed<{ readonly ip: Ip; readonly peerPort: number }> {
  const json = parseJsonObject(body, 'member', MAX_BODY);
  if (!json.ok) return reject('JOIN', 'member', 'not a JSON object');
  const ip = parseIp(text(json.value, 'ip', 64) ?? '');
  const peerPort = wholeNumber(field(json.value, 'peerPort'), 1, 65_535);
  return ip && peerPort !== undefined ? accept({ ip, peerPort }) : reject('JOIN', 'member', 'ip and peerPort');
}

/** Parses a question to `/v1/renew`. */
export function parseRenew(body: string): Parsed<Requests> {
  const json = parseJsonObject(body, 'renew', MAX_BODY);
  return json.ok ? parsePems(field(json.value, 'requests'), 'requests') : reject('JOIN', 'renew', 'not a JSON object');
}

export const printMemberAnswer = ({ state, cluster, waiting }: MemberAnswer): string =>
  JSON.stringify({ state, cluster: printCluster(cluster), waiting });

/** Parses the answer of `/v1/member`. */
export function parseMemberAnswer(body: string): Parsed<MemberAnswer> {
  const json = parseJsonObject(body, 'answer');
  if (!json.ok) return json;
  const state = (['queued', 'learner', 'voting'] as const).find((one) => one === field(json.value, 'state'));
  const listed = text(json.value, 'cluster', 8192);
  if (!state || listed === undefined) return reject('JOIN', 'answer', 'state and cluster are expected');
  const cluster = listed === '' ? accept([]) : parseCluster(listed, 'cluster');
  if (!cluster.ok) return cluster;
  const waiting = text(json.value, 'waiting', 400);
  return accept({ state, cluster: cluster.value, ...(waiting !== undefined && { waiting }) });
}

/** Parses what a refusal says: its code and its words. */
export function parseRefusal(body: string): { readonly code: string; readonly detail: string } {
  const json = parseJsonObject(body, 'refusal');
  const code = json.ok ? text(json.value, 'code', 32) : undefined;
  const detail = json.ok ? text(json.value, 'detail', 400) : undefined;
  return { code: code ?? '', detail: detail ?? 'it does not say why' };
}
