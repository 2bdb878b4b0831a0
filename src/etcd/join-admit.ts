import { asTsflannelError } from '../errors.ts';
import { isSpecialIp4, printIp } from '../model/address.ts';
import { parseEndpoint } from '../model/endpoint.ts';
import type { MemberInfo } from '../store/kv.ts';
import { keyHash, keysOf, membersOf, neverRan, type ServiceOptions, sign, urlOf } from './join-parts.ts';
import * as protocol from './join-protocol.ts';
import { Refused, refuse, unwrap } from './join-refuse.ts';
import type { Question, Reply } from './join-server.ts';
import * as tokens from './token-files.ts';

/** Finds the token and checks all of it but its use; what is refused is counted. */
async function tokenOf(
  options: ServiceOptions,
  request: protocol.JoinRequest,
  key: string,
): Promise<tokens.TokenRecord> {
  const { pki, now = Date.now } = options;
  const token = await tokens.readToken(pki, request.id);
  const right = tokens.isSecret(token, request.secret);
  const problem = !right || !token ? 'WRONG' : problemOf(token, request, { key, now: now() });
  if (token && right && problem === undefined) return token;
  if (token) await tokens.saveToken(pki, { ...token, refused: token.refused + 1 });
  else await tokens.countUnknown(pki);
  throw refuse(403, `TOKEN_${problem}`, WORDS[problem ?? 'WRONG']);
}

const WORDS = {
  WRONG: 'nobody made this token here, or it was revoked',
  EXPIRED: 'it has expired',
  USED: 'it was used already; a token lets one host in',
  PURPOSE: 'it is for a client, not for a member',
} as const;

function problemOf(
  token: tokens.TokenRecord,
  request: protocol.JoinRequest,
  { key, now }: { readonly key: string; readonly now: number },
): Exclude<keyof typeof WORDS, 'WRONG'> | undefined {
  // Whoever lost the answer comes again with the same key.
  if (token.used && token.used.key !== key) return 'USED';
  if (token.expires <= now) return 'EXPIRED';
  return request.as === 'member' && token.purpose === 'client' ? 'PURPOSE' : undefined;
}

const hostOf = (url: string): string => {
  const endpoint = parseEndpoint(url, 'member', 0);
  return endpoint.ok ? endpoint.value.host : '';
};

/** A new member has a name and an address of its own: with another's it could stand in for that one. What was added for it beforehand waits for it. */
function checkPlace(members: readonly MemberInfo[], request: protocol.JoinRequest): void {
  const { family, value } = request.ip;
  if (family === 4 ? isSpecialIp4(request.ip) : value <= 1n)
    throw refuse(400, 'BAD_REQUEST', `${printIp(request.ip)} is no address of a host`);
  const url = urlOf(request.ip, request.peerPort);
  const host = hostOf(url);
  const same = members.find(
    (member) =>
      !(neverRan(member) && member.peerUrls.includes(url)) &&
      (member.name === request.name || member.peerUrls.some((other) => hostOf(other) === host)),
  );
  if (!same) return;
  const which = `${same.name || 'one that never started'} (${same.peerUrls.join(', ')}, id ${same.id.toString(16)})`;
  throw refuse(
    409,
    'MEMBER_EXISTS',
    `the cluster has a member ${which}; remove it first, or take another name and address`,
  );
}

/** A token for certificates. It is used up before anything is signed. */
export async function admit(options: ServiceOptions, { body, from }: Question): Promise<Reply> {
  const { pki, now = Date.now, log } = options;
  const request = unwrap(protocol.parseJoin(body));
  const keys = await keysOf(request.requests).catch((error: unknown) => {
    throw refuse(400, 'BAD_REQUEST', asTsflannelError(error).why);
  });
  const wanted = new Map([...keys].filter(([kind]) => protocol.KINDS[request.as].some((one) => one === kind)));
  const key = keyHash(wanted);
  const token = await tokenOf(options, request, key).catch((error: unknown) => {
    log(`join: refused ${from}: ${error instanceof Refused ? error.message : String(error)}`);
    throw error;
  });
  const members = await membersOf(options);
  if (request.as === 'member' && !token.used) checkPlace(members, request);
  if (!token.used) await tokens.saveToken(pki, { ...token, used: { at: now(), name: request.name, key } });
  const hosts = /^[A-Za-z0-9.-]+$/.test(request.name) ? [request.name] : [];
  const certs = await sign(pki, wanted, { name: request.name, ips: [request.ip], hosts });
  log(`join: ${request.name} (${from}) has certificates of a ${request.as} by token ${token.id}`);
  const endpoints = members.filter((one) => !one.isLearner).flatMap((one) => one.clientUrls);
  return { status: 200, body: JSON.stringify({ certs, endpoints, prefix: token.prefix }) };
}
