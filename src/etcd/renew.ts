import { TsflannelError } from '../errors.ts';
import { readIfThere } from '../files/atomic.ts';
import { ask, type Service, type Trust } from './join-client.ts';
import { serviceOfMember, trustOf } from './join-enlist.ts';
import { PATHS, parseJoinAnswer, type Requests } from './join-protocol.ts';
import { identitiesOf, type Member, rootOf } from './member.ts';
import { certificate, type Identity, isDue } from './pki.ts';
import { certFile, ensureCerts, ensureKey, pkiDirOf, readCa, readVia, writeCert } from './pki-files.ts';

/** Kinds of certificate of this folder that are to be made anew. */
export async function dueKinds(pki: string, kinds: readonly Identity['kind'][]): Promise<readonly Identity['kind'][]> {
  const texts = await Promise.all(kinds.map((kind) => readIfThere(certFile(pki, kind))));
  return kinds.filter((_, index) => {
    const text = texts[index];
    return text !== undefined && isDue(certificate(text));
  });
}

/** Shows a certificate that is still good and gets others for the same keys, names and addresses. Rejects with JOIN_…. */
export async function renewBy(service: Service, pki: string, kinds: readonly Identity['kind'][]): Promise<void> {
  const { newRequest } = await import('./pki-make.ts');
  const requests: Partial<Record<Identity['kind'], string>> = {};
  for (const kind of kinds) requests[kind] = await newRequest(await ensureKey(pki, kind));
  const trust: Trust = await trustOf(pki, kinds.includes('server') || kinds.includes('peer') ? 'server' : 'client');
  const answer = parseJoinAnswer(await ask(service, trust, PATHS.renew, JSON.stringify({ requests })));
  if (!answer.ok) throw new TsflannelError('JOIN_FAILED', { detail: answer.rejection.detail });
  await writeRenewed(pki, kinds, answer.value.certs, trust.ca);
}

async function writeRenewed(
  pki: string,
  kinds: readonly Identity['kind'][],
  certs: Requests,
  ca: string,
): Promise<void> {
  for (const kind of kinds) {
    const cert = certs[kind];
    if (cert === undefined || !certificate(cert).verify(certificate(ca).publicKey))
      throw new TsflannelError('JOIN_FAILED', { detail: `the ${kind} certificate is not signed by the cluster's CA` });
    await writeCert(pki, kind, cert);
  }
}

/**
 * Makes anew what is due of a member's certificates, with the CA key that is here or by the join service. etcd reads the files at each
 * new connection. Resolves to the kinds that are new.
 */
export async function renewMember(member: Member, service: Service | undefined): Promise<readonly Identity['kind'][]> {
  const { pki } = member;
  if (pki === undefined) return [];
  const ca = await readCa(pki);
  if (ca) return ensureCerts(pki, ca, [...identitiesOf(member), rootOf(member)]);
  const due = await dueKinds(pki, ['server', 'peer', 'client']);
  if (due.length === 0 || !service) return [];
  await renewBy(service, pki, due);
  return due;
}

/**
 * Makes a client's certificate anew when it is due: a host without a member has no process beside etcd that looks at it, so the daemon does,
 * and a later `join`. Resolves to whether it is new. Rejects with JOIN_… or CERT_….
 */
export async function renewClient(configDir: string): Promise<boolean> {
  const pki = pkiDirOf(configDir);
  const via = await readVia(pki);
  if (via === undefined || (await dueKinds(pki, ['client'])).length === 0) return false;
  await renewBy(serviceOfMember(via), pki, ['client']);
  return true;
}
