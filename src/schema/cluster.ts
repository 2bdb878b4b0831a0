/** What the commands print that show etcd and the tokens. */
import type { MemberRow } from '../etcd/members.ts';
import {
  count,
  decimal,
  flag,
  hex,
  list,
  object,
  optional,
  orNull,
  type Properties,
  type PropertiesOf,
  real,
  text,
  time,
  word,
} from './build.ts';

const memberProperties: PropertiesOf<MemberRow> = {
  name: text('empty for a member that has not started'),
  id: hex(),
  clientUrls: list(text()),
  peerUrls: list(text()),
  status: text('healthy, or what is wrong'),
  isLeader: flag(),
  isLearner: flag('it has no vote'),
  version: optional(text()),
  dbSize: optional(decimal('bytes')),
  dbSizeInUse: optional(decimal('bytes')),
  revision: optional(decimal('of its store')),
  trouble: optional(text('why it could not be asked')),
};

const cluster = { clusterId: hex(), leader: orNull(hex()) };
export const memberList: Properties = { ...cluster, members: list(object(memberProperties)) };

export const alarms = list(object({ member: hex(), name: text(), kind: word('nospace', 'corrupt', 'unknown') }));

const certificateTime = { notBefore: time(), notAfter: time() };
export const etcdStatus: Properties = {
  ...cluster,
  healthy: flag(),
  members: list(
    object({
      ...memberProperties,
      behind: orNull(decimal('revisions behind the newest')),
      certificate: orNull(object(certificateTime)),
      signs: orNull(flag('it can sign new certificates')),
      clockAhead: orNull(real('seconds by which its clock is ahead of the one here; below 0: behind')),
    }),
  ),
  newestRevision: decimal(),
  alarms: orNull(alarms),
  certificates: list(object({ what: text(), file: text(), ...certificateTime }), 'of this host'),
};

export const tokenList: Properties = {
  tokens: list(
    object({
      id: text(),
      purpose: text(),
      state: text(),
      expires: time(),
      usedBy: optional(text()),
      usedAt: optional(time()),
      refused: count('how often'),
    }),
  ),
  unknown: count('how often a token was refused that nobody made here'),
};
