import { existsSync } from 'node:fs';
import { asTsflannelError } from '../errors.ts';
import { printIp } from '../model/address.ts';
import { printEndpoint } from '../model/endpoint.ts';
import type { Door } from './join-server.ts';
import { localUrl, type Member } from './member.ts';
import { clientFiles, keyFile } from './pki-files.ts';

/** What runs beside etcd in its supervisor: the join service, where the CA key is. A failure of it is logged and ends nothing else. */
export interface Services {
  close(): Promise<void>;
}

interface Options {
  readonly log: (line: string) => void;
}

const CALL_MS = 5000;

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
  if (pki === undefined || joinPort === undefined || !maySign(member)) return { close: async () => undefined };
  const door = await openJoin(member, pki, joinPort, options).catch((error: Error) => {
    options.log(`join: the service does not run: ${error.message}`);
    return undefined;
  });
  if (door) options.log(`join: other hosts join at ${printIp(member.ip)}:${door.port}`);
  return { close: async () => door?.close() };
}
