import { existsSync } from 'node:fs';
import { asTsflannelError } from '../errors.ts';
import { printIp } from '../model/address.ts';
import { printEndpoint } from '../model/endpoint.ts';
import { serviceOfMember } from './join-enlist.ts';
import type { Door } from './join-server.ts';
import { localUrl, type Member } from './member.ts';
import { clientFiles, keyFile } from './pki-files.ts';
import { renewMember } from './renew.ts';

/**
 * What runs beside etcd in its supervisor: the join service, where the CA key is, and the renewal of certificates. A failure of it is
 * logged and ends nothing else.
 */
export interface Services {
  /** Looks at the certificates now, and not at the next hour it would. */
  look(): Promise<void>;
  close(): Promise<void>;
}

interface Options {
  readonly log: (line: string) => void;
}

const CALL_MS = 5000;
/** A third of a certificate's time is months. */
const LOOK_MS = 6 * 3_600_000;

/** The kinds that are new; a join service that does not answer is asked again at the next look. */
async function renew(member: Member, { log }: Options): Promise<readonly string[]> {
  const { bootstrap } = member;
  try {
    const made = await renewMember(member, bootstrap.kind === 'joined' ? serviceOfMember(bootstrap.via) : undefined);
    if (made.length > 0) log(`certificates renewed: ${made.join(', ')}`);
    return made;
  } catch (error) {
    const { message, why } = asTsflannelError(error);
    log(`certificates: ${message}: ${why}`);
    return [];
  }
}

async function openJoin(member: Member, pki: string, port: number, { log }: Options): Promise<Door> {
  const [{ openDoor }, { openService }, { openKv }, { openAdmin }] = await Promise.all([
    import('./join-server.ts'),
    import('./join-service.ts'),
    import('../host/kv.ts'),
    import('../host/admin.ts'),
  ]);
  const access = { ...clientFiles(pki, 'root'), endpoints: [printEndpoint(localUrl(member))], timeoutMs: CALL_MS };
  const answer = openService({ pki, access, openKv, openAdmin, log });
  const onError = (error: unknown) => log(`join: ${asTsflannelError(error).message}: ${asTsflannelError(error).why}`);
  return openDoor({ pki, host: printIp(member.ip), port, answer, onError });
}

/** Whether this host may sign: it has the CA's key. */
export const maySign = ({ pki }: Member): boolean => pki !== undefined && existsSync(keyFile(pki, 'ca'));

/** Starts what belongs to this member. Never rejects. */
export async function startServices(member: Member, options: Options): Promise<Services> {
  const { pki, joinPort } = member;
  if (pki === undefined) return { look: async () => undefined, close: async () => undefined };
  await renew(member, options);
  const opening = joinPort !== undefined && maySign(member) ? openJoin(member, pki, joinPort, options) : undefined;
  const door = await opening?.catch((error: Error) => {
    options.log(`join: the service does not run: ${error.message}`);
    return undefined;
  });
  if (door) options.log(`join: other hosts join at ${printIp(member.ip)}:${door.port}`);
  const look = async () => {
    if ((await renew(member, options)).includes('server')) await door?.reload();
  };
  const timer = setInterval(() => void look(), LOOK_MS);
  return {
    look,
    async close() {
      clearInterval(timer);
      await door?.close();
    },
  };
}
