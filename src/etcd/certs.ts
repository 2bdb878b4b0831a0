import { existsSync } from 'node:fs';
import type { TLSSocket } from 'node:tls';
import { readIfThere } from '../files/atomic.ts';
import { type Endpoint, parseEndpoint, printEndpoint } from '../model/endpoint.ts';
import type { KvOptions } from '../store/kv.ts';
import { JOIN_PORT } from './choose.ts';
import { clockAhead, type Material } from './host-clock.ts';
import { memberFile } from './member.ts';
import { readMember } from './member-file.ts';
import type { MemberRow } from './members.ts';
import { certificate } from './pki.ts';
import { certFile, keyFile } from './pki-files.ts';

/**
 * When certificates end, who may sign new ones and whose clock differs, for `etcd status`: by a TLS handshake with each member, which shows its certificate
 * even where nobody would trust it, and by the files of this host.
 */
export interface CertTime {
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
}

/** What is seen of one member from here. */
export interface MemberCerts {
  /** Of the certificate at its client port; absent: plain http, or no handshake. */
  readonly server?: CertTime;
  /** It holds the CA key; `undefined`: a member elsewhere at which no join service answers. */
  readonly signs?: boolean;
  /** Seconds by which its clock is ahead of this host's; absent: it does not tell. */
  readonly clockAhead?: number;
}

/** One certificate file of this host. */
export interface LocalCert extends CertTime {
  readonly what: string;
  readonly file: string;
}

export interface Certs {
  readonly members: ReadonlyMap<bigint, MemberCerts>;
  readonly here: readonly LocalCert[];
}

/** The member of this host, where there is one. */
export interface Here {
  readonly dataDir?: string;
}

const ASK_MS = 2000;

async function materialOf({ caFile, certFile, keyFile }: KvOptions): Promise<Material> {
  const read = (file: string | undefined) => (file === undefined ? undefined : readIfThere(file));
  const [ca, cert, key] = await Promise.all([read(caFile), read(certFile), read(keyFile)]);
  return { ...(ca && { ca }), ...(cert && key && { cert, key }) };
}

interface Seen extends CertTime {
  /** Signed by the CA, for this address, and in force. */
  readonly trusted: boolean;
}

function seenOf(socket: TLSSocket): Seen | undefined {
  const { valid_from, valid_to } = socket.getPeerCertificate();
  if (!valid_to) return undefined;
  return { from: Date.parse(valid_from), to: Date.parse(valid_to), trusted: socket.authorized };
}

/** The certificate that is shown at this address; `undefined` where there is no TLS. Never rejects. */
async function handshake({ host, port }: Endpoint, material: Material): Promise<Seen | undefined> {
  const { connect } = await import('node:tls');
  return new Promise((resolve) => {
    // Whatever is shown is looked at, nothing is sent.
    const options = { host: host.replace(/^\[|\]$/g, ''), port, rejectUnauthorized: false, ...material };
    const done = (seen?: Seen): void => {
      socket.destroy();
      resolve(seen);
    };
    const socket = connect(options, () => {
      const seen = seenOf(socket);
      socket.end(() => done(seen));
    });
    socket.setTimeout(ASK_MS, () => done());
    socket.on('error', () => done());
  });
}

const urlOf = (row: MemberRow): Endpoint | undefined => {
  const parsed = row.clientUrls.map((url) => parseEndpoint(url, 'client URL', 2379)).find((one) => one.ok);
  return parsed?.ok ? parsed.value : undefined;
};

async function clockOf(etcd: Endpoint, material: Material): Promise<Pick<MemberCerts, 'clockAhead'>> {
  const ahead = await clockAhead(`${printEndpoint(etcd)}/version`, material);
  return ahead === undefined ? {} : { clockAhead: ahead };
}

async function certsOf(row: MemberRow, material: Material, joinPort: number): Promise<MemberCerts> {
  const url = urlOf(row);
  if (!url?.secure) return url ? clockOf(url, {}) : {};
  const [server, join, clock] = await Promise.all([
    handshake(url, material),
    handshake({ ...url, port: joinPort }, material.ca === undefined ? {} : { ca: material.ca }),
    clockOf(url, material),
  ]);
  // The join service runs where the CA key is, and only there.
  return {
    ...clock,
    ...(server && { server: { from: server.from, to: server.to } }),
    ...(join?.trusted && { signs: true }),
  };
}

const NAMES = { server: 'server', peer: 'peer', client: 'client', ca: 'CA' } as const;

async function localCerts(files: readonly (readonly [string, string])[]): Promise<readonly LocalCert[]> {
  const found: LocalCert[] = [];
  for (const [what, file] of files) {
    const text = await readIfThere(file).catch(() => undefined);
    if (text === undefined) continue;
    const { validFrom, validTo } = certificate(text);
    found.push({ what, file, from: Date.parse(validFrom), to: Date.parse(validTo) });
  }
  return found;
}

/** Looks at the certificates of these members from here. Rejects with PKI_INVALID or FILE_UNREADABLE for files of this host. */
export async function readCerts(rows: readonly MemberRow[], kv: KvOptions, here: Here): Promise<Certs> {
  const member = here.dataDir === undefined ? undefined : await readMember(memberFile(here.dataDir));
  const pki = member?.pki;
  const material = await materialOf(kv);
  const members = new Map<bigint, MemberCerts>();
  const seen = await Promise.all(rows.map((row) => certsOf(row, material, member?.joinPort ?? JOIN_PORT)));
  for (const [index, row] of rows.entries()) {
    const mine = pki !== undefined && row.name === member?.name;
    members.set(row.id, { ...seen[index], ...(mine && { signs: existsSync(keyFile(pki, 'ca')) }) });
  }
  const given = [kv.certFile && ['client', kv.certFile], kv.caFile && ['CA', kv.caFile]] as const;
  const files = pki
    ? (['server', 'peer', 'client', 'ca'] as const).map((kind) => [NAMES[kind], certFile(pki, kind)] as const)
    : given.filter((pair) => Array.isArray(pair));
  return { members, here: await localCerts(files as readonly (readonly [string, string])[]) };
}
