import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { asTsflannelError, TsflannelError } from '../errors.ts';
import { printIp } from '../model/address.ts';
import { parseEndpoint } from '../model/endpoint.ts';
import { ask, type Service, type Trust } from './join-client.ts';
import { type MemberAnswer, PATHS, parseMemberAnswer } from './join-protocol.ts';
import type { Member } from './member.ts';
import { writeMember } from './member-file.ts';
import { certFile, keyFile } from './pki-files.ts';

/** How a member that has its certificates comes into the cluster: it asks the join service again and again, first for a place, then for its vote. */
export interface EnlistOptions {
  readonly stop: AbortSignal;
  readonly log: (line: string) => void;
  /** Told why it waits, each time that changes. */
  readonly onProgress: (waiting: string) => Promise<void>;
}

const ROUND_MS = 300;

/** The service a joined member came in by. Throws MEMBER_FILE_INVALID. */
export function serviceOfMember(via: string): Service {
  const endpoint = parseEndpoint(via, 'via', 0);
  if (endpoint.ok && endpoint.value.ip) return { ip: endpoint.value.ip, port: endpoint.value.port };
  throw new TsflannelError('MEMBER_FILE_INVALID', { file: 'member.json', detail: `via: ${via}` });
}

/** What this host trusts and shows, from its files. */
export async function trustOf(pki: string, kind: 'server' | 'client'): Promise<Trust> {
  const files = [certFile(pki, 'ca'), certFile(pki, kind), keyFile(pki, kind)];
  const [ca = '', cert = '', key = ''] = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return { ca, cert, key };
}

async function askPlace(member: Member, via: string): Promise<MemberAnswer> {
  const question = JSON.stringify({ ip: printIp(member.ip), peerPort: member.peerPort });
  const trust = await trustOf(member.pki ?? '', 'server');
  const answer = parseMemberAnswer(await ask(serviceOfMember(via), trust, PATHS.member, question));
  if (answer.ok) return answer.value;
  throw new TsflannelError('JOIN_FAILED', { detail: `${answer.rejection.where}: ${answer.rejection.detail}` });
}

/** A service that does not answer now may do so later; what it refuses it will refuse again. */
async function askInTime(member: Member, via: string): Promise<MemberAnswer> {
  try {
    return await askPlace(member, via);
  } catch (error) {
    const ours = asTsflannelError(error);
    if (ours.code !== 'JOIN_UNREACHABLE') throw error;
    return { state: 'queued', cluster: [], waiting: `${ours.message}: ${ours.why}` };
  }
}

/** Goes on asking in the background until the member has its vote: the service promotes a learner when it is asked. */
async function untilVoting(member: Member, via: string, { stop, log }: EnlistOptions): Promise<void> {
  while (!stop.aborted) {
    const { state, waiting } = await askInTime(member, via);
    if (state === 'voting') return log('join: this member votes');
    if (waiting !== undefined) log(`join: ${waiting}`);
    await sleep(ROUND_MS, undefined, { signal: stop });
  }
}

/** It votes, and has never started here: an empty member under its name would forget what it has voted for. */
const lost = ({ name }: Member): TsflannelError =>
  new TsflannelError('JOIN_FAILED', {
    detail: `${name} votes in the cluster already and its data is not here; 'tsflannel etcd member remove ${name}' on another member, then join by a new token`,
  });

/**
 * Resolves to the member with the cluster it starts in, as soon as it was added; its promotion goes on in the background. Rejects with
 * JOIN_FAILED or JOIN_REFUSED when it will never be added.
 */
export async function enlist(member: Member, options: EnlistOptions): Promise<Member> {
  const { bootstrap } = member;
  if (bootstrap.kind !== 'joined') return member;
  const { via } = bootstrap;
  const promote = () => untilVoting(member, via, options).catch((error: unknown) => options.log(`join: ${error}`));
  if (bootstrap.cluster) {
    if (member.clusterId === undefined) void promote();
    return member;
  }
  for (let said = ''; ; await sleep(ROUND_MS, undefined, { signal: options.stop })) {
    const { state, cluster, waiting = '' } = await askInTime(member, via);
    if (state === 'voting') throw lost(member);
    if (state !== 'queued') {
      const enlisted: Member = { ...member, bootstrap: { ...bootstrap, cluster } };
      await writeMember(enlisted);
      void promote();
      return enlisted;
    }
    if (waiting !== said) await options.onProgress(waiting);
    said = waiting;
  }
}
