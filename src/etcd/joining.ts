import { TsflannelError } from '../errors.ts';
import { type ClientConfig, readClientConfig, writeClientConfig } from '../files/client-config.ts';
import { type Ip, printIp } from '../model/address.ts';
import { parseEndpoints, printEndpoint } from '../model/endpoint.ts';
import { isHostAddress } from './addresses.ts';
import { JOIN_PORT, plainName } from './choose.ts';
import { PEER_PORT } from './cluster.ts';
import { inspectDataDir } from './data-dir.ts';
import { clockDiffers } from './host-clock.ts';
import { type InitOptions, type InitOutcome, managed, usable } from './init.ts';
import { ask, checkTime, type Verified, verifyService } from './join-client.ts';
import { type JoinAnswer, KINDS, PATHS, parseJoinAnswer, printJoin, type Requests } from './join-protocol.ts';
import { type JoinToken, type Purpose, serviceOf } from './join-token.ts';
import type { Member } from './member.ts';
import { certificate, hashOfCa } from './pki.ts';
import { clientFiles, ensureKey, pkiDirOf, readCaCert, writeCert, writeVia } from './pki-files.ts';
import { checkPorts } from './ports.ts';
import { checkEtcd, findEtcd } from './program.ts';
import { renewClient } from './renew.ts';
import { runMember } from './run-member.ts';
import { checkSystemd } from './unit.ts';

/** What a joiner says of itself; the rest is in the token. */
export interface JoinWish {
  readonly token: JoinToken | undefined;
  readonly as: Purpose | undefined;
}

/** What came of it: a member that runs, or a client that knows where etcd is. */
export type Joined =
  | { readonly as: 'member'; readonly outcome: InitOutcome }
  | { readonly as: 'client'; readonly changed: boolean; readonly client: ClientConfig };

/** What would be done, known after a look at the service and before anything is sent to it. */
export interface JoinPlan {
  readonly token: JoinToken;
  readonly as: Purpose;
  readonly name: string;
  readonly ip: Ip;
  readonly verified: Verified;
  /** Absent for a client. */
  readonly member?: Member;
}

const CLIENT_PORT = 2379;

const usage = (detail: string): TsflannelError => new TsflannelError('USAGE', { detail });

/** A host belongs to one cluster; its certificates are not written over by another's. */
async function checkFolder(pki: string, token: JoinToken): Promise<void> {
  const there = await readCaCert(pki);
  if (!there || hashOfCa(there).equals(token.caHash)) return;
  throw new TsflannelError('PKI_INVALID', { detail: `${pki} holds the CA of another cluster; be rid of it first` });
}

function addressOf({ request }: InitOptions, { local }: Verified): Ip {
  const ip = request.ip ?? local;
  if (!ip) throw new TsflannelError('ADVERTISE_IP', { detail: 'none is known; pass --advertise-ip' });
  if (!isHostAddress(ip)) throw usage(`--advertise-ip ${printIp(ip)} is not an address of this host`);
  return ip;
}

/** Looks at the service and settles who this host will be. Rejects with JOIN_CA, JOIN_UNREACHABLE, PKI_INVALID, USAGE. */
export async function planJoin(token: JoinToken, as: Purpose, options: InitOptions): Promise<JoinPlan> {
  if (as === 'member' && token.purpose === 'client') throw usage('the token is for a client: pass --as client');
  const pki = pkiDirOf(options.configDir);
  await checkFolder(pki, token);
  const verified = await verifyService(token);
  const differs = clockDiffers(verified.ahead, serviceOf(token));
  if (differs !== undefined) options.notice(`warning: ${differs}: look at both hosts' clocks (timedatectl status)`);
  const { request, host, dataDir } = options;
  const name = request.name ?? plainName(host.hostname);
  const ip = addressOf(options, verified);
  if (as === 'client') return { token, as, name, ip, verified };
  const ports = { clientPort: request.clientPort ?? CLIENT_PORT, peerPort: request.peerPort ?? PEER_PORT };
  const joinPort = request.joinPort ?? JOIN_PORT;
  const bootstrap = { kind: 'joined', via: serviceOf(token) } as const;
  return { token, as, name, ip, verified, member: { name, ip, ...ports, joinPort, dataDir, pki, bootstrap } };
}

/** Keys are made and kept here; a call that comes again asks with the same ones. */
async function requestsOf(pki: string, as: Purpose): Promise<Requests> {
  const { newRequest } = await import('./pki-make.ts');
  const requests: Partial<Record<'server' | 'peer' | 'client', string>> = {};
  for (const kind of KINDS[as]) requests[kind] = await newRequest(await ensureKey(pki, kind));
  return requests;
}

/** Shows the token and writes the certificates that come back. */
async function enroll(plan: JoinPlan, pki: string): Promise<JoinAnswer> {
  const { token, as, name, ip, verified, member } = plan;
  const { id, secret } = token;
  const peerPort = member?.peerPort ?? PEER_PORT;
  const question = printJoin({ id, secret, as, name, ip, peerPort, requests: await requestsOf(pki, as) });
  const answer = parseJoinAnswer(await ask(token, { ca: verified.ca }, PATHS.join, question));
  const failed = (detail: string) => new TsflannelError('JOIN_FAILED', { detail });
  if (!answer.ok) throw failed(`${answer.rejection.where}: ${answer.rejection.detail}`);
  for (const kind of KINDS[as]) {
    const cert = answer.value.certs[kind];
    if (cert === undefined || !certificate(cert).verify(certificate(verified.ca).publicKey))
      throw failed(`the ${kind} certificate is not signed by the CA of the token`);
    // It was made this moment: our clock is behind the service's.
    checkTime(certificate(cert), `the new ${kind} certificate`, token, verified.ahead);
    await writeCert(pki, kind, cert);
  }
  await writeCert(pki, 'ca', verified.ca);
  return answer.value;
}

async function joinAsClient(plan: JoinPlan, options: InitOptions): Promise<Joined> {
  const pki = pkiDirOf(options.configDir);
  const before = await readClientConfig(options.configDir);
  if (before?.dataDir !== undefined)
    throw usage(`this host has a member (${before.dataDir}) and needs no client's access`);
  const answer = await enroll(plan, pki);
  const endpoints = parseEndpoints(answer.endpoints, 'endpoints', CLIENT_PORT);
  if (!endpoints.ok) throw new TsflannelError('JOIN_FAILED', { detail: endpoints.rejection.detail });
  const prefix = options.prefix ?? answer.prefix;
  const client = { endpoints: endpoints.value.map(printEndpoint), prefix, ...clientFiles(pki) };
  await writeVia(pki, serviceOf(plan.token));
  await writeClientConfig(options.configDir, client);
  return { as: 'client', changed: true, client };
}

async function joinAsMember(plan: JoinPlan & { readonly member: Member }, options: InitOptions): Promise<Joined> {
  const { member } = plan;
  await checkEtcd(findEtcd(options.path, options.etcd));
  if (options.systemd) await checkSystemd();
  await checkPorts(member);
  const { prefix } = await enroll(plan, pkiDirOf(options.configDir));
  const settled = { member: managed(member, options), existing: false, network: undefined };
  return { as: 'member', outcome: await runMember(settled, { ...options, prefix: options.prefix ?? prefix }) };
}

/** A client that has joined by a token of the same CA, and lost nothing since. */
async function joinedBefore(token: JoinToken | undefined, configDir: string): Promise<ClientConfig | undefined> {
  const pki = pkiDirOf(configDir);
  const [client, ca] = await Promise.all([readClientConfig(configDir), readCaCert(pki)]);
  const same = ca && (token === undefined || hashOfCa(ca).equals(token.caHash));
  return same && client?.certFile === clientFiles(pki).certFile && client.dataDir === undefined ? client : undefined;
}

/** The member that a former call made; it goes on from where it was. Rejects with ETCD_DATA_DIR where it came in another way. */
export async function formerMember({ dataDir }: InitOptions): Promise<Member | undefined> {
  const member = usable(await inspectDataDir(dataDir), dataDir);
  if (!member || member.bootstrap.kind === 'joined') return member;
  const detail = `its member ${member.name} was made by init; 'tsflannel etcd stop --purge' is rid of it`;
  throw new TsflannelError('ETCD_DATA_DIR', { dir: dataDir, detail });
}

/**
 * Brings this host into a cluster. Each step can be done again: a member that has its certificates needs no token any more. Rejects with
 * JOIN_…, PKI_INVALID, USAGE and what {@link runMember} rejects with.
 */
export async function joinCluster(wish: JoinWish, options: InitOptions): Promise<Joined> {
  const member = await formerMember(options);
  if (member)
    return {
      as: 'member',
      outcome: await runMember({ member: managed(member, options), existing: true, network: undefined }, options),
    };
  const before = await joinedBefore(wish.token, options.configDir);
  const as = wish.as ?? wish.token?.purpose ?? 'client';
  if (before && as === 'client') return { as, changed: await renewClient(options.configDir), client: before };
  if (!wish.token) throw usage("a token is needed: 'tsflannel token create' prints one on the host that ran init");
  const plan = await planJoin(wish.token, as, options);
  const { member: planned } = plan;
  return planned ? joinAsMember({ ...plan, member: planned }, options) : joinAsClient(plan, options);
}
