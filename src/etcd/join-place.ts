import { TsflannelError } from '../errors.ts';
import { printIp } from '../model/address.ts';
import { parseEndpoint } from '../model/endpoint.ts';
import type { MemberInfo } from '../store/kv.ts';
import type { ClusterMember } from './cluster.ts';
import { membersOf, neverRan, type ServiceOptions, urlOf, whoIs, withAdmin } from './join-parts.ts';
import * as protocol from './join-protocol.ts';
import { refuse, unwrap } from './join-refuse.ts';
import type { Question } from './join-server.ts';

/** The members as a new one has to be started with: all that are in the list, by the names they have or will have. */
const clusterOf = (members: readonly MemberInfo[], name: string, url: string): readonly ClusterMember[] =>
  members.map((member) => ({
    name: member.peerUrls.includes(url) ? name : member.name || `id-${member.id.toString(16)}`,
    peerUrls: member.peerUrls.flatMap((text) => {
      const endpoint = parseEndpoint(text, 'member', 0);
      return endpoint.ok ? [endpoint.value] : [];
    }),
  }));

/** etcd refuses what cannot be yet: another learner is under way, or this one is behind. */
async function unlessEarly(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (error instanceof TsflannelError && error.code === 'ETCD_FAILED') return error.why;
    throw error;
  }
}

/** Where the member that asks stands, and one step on where it can be done now. */
export async function place(options: ServiceOptions, { shown, body }: Question): Promise<protocol.MemberAnswer> {
  const { kind, name } = whoIs(shown);
  const { ip, peerPort } = unwrap(protocol.parseMemberRequest(body));
  if (kind !== 'server' || shown?.checkIP(printIp(ip)) === undefined)
    throw refuse(403, 'CERTIFICATE', 'the certificate shown is not for a member at this address');
  const url = urlOf(ip, peerPort);
  const members = await membersOf(options);
  const mine = members.find(({ peerUrls }) => peerUrls.includes(url));
  const cluster = (list: readonly MemberInfo[]) => clusterOf(list, name, url);
  // Added with a vote, by hand, and not started yet: it has nothing to forget.
  if (mine && !mine.isLearner && neverRan(mine)) return { state: 'learner', cluster: cluster(members) };
  if (mine && !mine.isLearner) return { state: 'voting', cluster: cluster(members) };
  if (mine) {
    const waiting = await unlessEarly(withAdmin(options, (admin) => admin.promoteMember(mine.id)));
    return {
      state: waiting === undefined ? 'voting' : 'learner',
      cluster: cluster(members),
      ...(waiting && { waiting }),
    };
  }
  const learner = members.find(({ isLearner }) => isLearner);
  const queued = (waiting: string): protocol.MemberAnswer => ({ state: 'queued', cluster: [], waiting });
  if (learner) return queued(`${learner.name || learner.peerUrls.join()} joins first`);
  const early = await unlessEarly(withAdmin(options, (admin) => admin.addMember([url], { learner: true })));
  if (early !== undefined) return queued(early);
  options.log(`join: ${name} (${url}) is added as a learner`);
  return { state: 'learner', cluster: cluster(await membersOf(options)) };
}
