import { TsflannelError } from '../errors.ts';
import { parseIp } from '../model/address.ts';
import { admit } from './join-admit.ts';
import { keysOf, type ServiceOptions, sign, whoIs } from './join-parts.ts';
import { place } from './join-place.ts';
import * as protocol from './join-protocol.ts';
import { Refused, refuse, unwrap } from './join-refuse.ts';
import type { Answer, Question, Reply } from './join-server.ts';

/**
 * The join service behind its door: tokens for certificates, certificates for a place in the cluster. A token is used up before anything is
 * signed. Members come in as learners and are promoted when they have caught up; since etcd takes one learner at a time the others are
 * told to come again. It keeps nothing in memory: each question can be asked again, of a service that was started anew too.
 */

const ok = (body: string): Reply => ({ status: 200, body });

/** Addresses and names in a subject alternative name, as Node prints it. */
function placesOf(altName: string) {
  const all = altName.split(', ').filter((one) => one !== '');
  const ips = all.flatMap((one) => parseIp(/^IP Address:(.*)$/.exec(one)?.[1]?.toLowerCase() ?? '') ?? []);
  return { ips, hosts: all.flatMap((one) => /^DNS:([A-Za-z0-9.-]+)$/.exec(one)?.[1] ?? []) };
}

/** Same names and addresses as the certificate that is shown, for another year. */
async function renew(options: ServiceOptions, { shown, body }: Question): Promise<Reply> {
  const { kind, name } = whoIs(shown);
  const keys = await keysOf(unwrap(protocol.parseRenew(body)));
  const allowed = new Map([...keys].filter(([asked]) => kind === 'server' || asked === 'client'));
  if (allowed.size === 0) throw refuse(400, 'BAD_REQUEST', 'nothing is asked for that this certificate allows');
  const certs = await sign(options.pki, allowed, { name, ...placesOf(shown?.subjectAltName ?? '') });
  options.log(`join: ${name} has new certificates`);
  return ok(JSON.stringify({ certs, endpoints: [], prefix: '' }));
}

async function route(options: ServiceOptions, question: Question): Promise<Reply> {
  if (question.path === protocol.PATHS.join) return admit(options, question);
  if (question.path === protocol.PATHS.member) return ok(protocol.printMemberAnswer(await place(options, question)));
  if (question.path === protocol.PATHS.renew) return renew(options, question);
  throw refuse(404, 'PATH', 'there is nothing here');
}

/** Answers one question after the other: a token shown twice at once lets one in, and two joiners do not add two learners. */
export function openService(options: ServiceOptions): Answer {
  let last: Promise<unknown> = Promise.resolve();
  return (question) => {
    const reply = last
      .then(() => route(options, question))
      .catch((error: unknown) => {
        if (error instanceof Refused) return error.reply;
        // Between one quorum and the next etcd does not answer for a moment.
        if (error instanceof TsflannelError && error.code.startsWith('ETCD_'))
          return refuse(503, 'BUSY', error.why).reply;
        throw error;
      });
    last = reply.catch(() => undefined);
    return reply;
  };
}
