import { createHash, randomBytes } from 'node:crypto';
import { TsflannelError } from '../errors.ts';
import { type Ip, printIp } from '../model/address.ts';

/** What a token lets its holder become: a voting member, or a client only. */
export const PURPOSES = ['member', 'client'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** All a joiner needs to know: where the join service is, by which CA it is known, and the secret that opens it. */
export interface JoinToken {
  readonly purpose: Purpose;
  readonly ip: Ip;
  readonly port: number;
  /** SHA-256 of the CA certificate (DER). */
  readonly caHash: Buffer;
  /** Names the token in lists; no secret. */
  readonly id: string;
  readonly secret: Buffer;
}

const PREFIX = 'tsf1.';
/** Bytes before the address: purpose, family, port. */
const HEAD = 4;
const SIZE = { id: 5, secret: 20, hash: 32, check: 4 } as const;

const checkOf = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest().subarray(0, SIZE.check);

export const newId = (): string => randomBytes(SIZE.id).toString('hex');
export const newSecret = (): Buffer => randomBytes(SIZE.secret);

/** What is kept of a secret. It is random and long, so that one round of a plain hash is enough. */
export const hashOfSecret = (secret: Uint8Array): Buffer => createHash('sha256').update(secret).digest();

function bytesOfIp({ family, value }: Ip): Buffer {
  const hex = value.toString(16).padStart(family === 4 ? 8 : 32, '0');
  return Buffer.from(hex, 'hex');
}

/** The token as one word: letters, digits, dash, underscore and a dot. Its end is a checksum, so that a mistyped one is told from a wrong one. */
export function printToken(token: JoinToken): string {
  const head = Buffer.from([PURPOSES.indexOf(token.purpose), token.ip.family, token.port >> 8, token.port & 255]);
  const rest = [bytesOfIp(token.ip), token.caHash, Buffer.from(token.id, 'hex'), token.secret];
  const bytes = Buffer.concat([head, ...rest]);
  return `${PREFIX}${Buffer.concat([bytes, checkOf(bytes)]).toString('base64url')}`;
}

const refused = (detail: string): TsflannelError => new TsflannelError('JOIN_TOKEN', { detail });

function bytesOfText(text: string): Buffer {
  const word = text.trim();
  if (!word.startsWith(PREFIX)) throw refused(`it begins with ${PREFIX}`);
  const body = word.slice(PREFIX.length);
  if (!/^[\w-]{1,200}$/.test(body)) throw refused('it has characters that no token has; it was cut or changed');
  const all = Buffer.from(body, 'base64url');
  const bytes = all.subarray(0, -SIZE.check);
  if (all.length <= SIZE.check || !checkOf(bytes).equals(all.subarray(-SIZE.check)))
    throw refused('its checksum is wrong: it was cut or mistyped');
  return bytes;
}

/** Reads a token; nothing of it is shown in the error. Throws JOIN_TOKEN. */
export function parseToken(text: string): JoinToken {
  const bytes = bytesOfText(text);
  const [kind = 255, family = 0, high = 0, low = 0] = bytes;
  const purpose = PURPOSES[kind];
  const port = high * 256 + low;
  const hash = HEAD + (family === 4 ? 4 : 16);
  const known = purpose !== undefined && (family === 4 || family === 6) && port !== 0;
  if (!known || bytes.length !== hash + SIZE.hash + SIZE.id + SIZE.secret)
    throw refused('it was made by another version of tsflannel');
  const id = hash + SIZE.hash;
  return {
    purpose,
    port,
    ip: { family, value: BigInt(`0x${bytes.toString('hex', HEAD, hash)}`) },
    caHash: bytes.subarray(hash, id),
    id: bytes.toString('hex', id, id + SIZE.id),
    secret: bytes.subarray(id + SIZE.id),
  };
}

/** `https://address:port` of the join service. */
export const serviceOf = ({ ip, port }: Pick<JoinToken, 'ip' | 'port'>): string =>
  `https://${ip.family === 6 ? `[${printIp(ip)}]` : printIp(ip)}:${port}`;

/** Hides every secret a text may hold; for what is shown or logged. */
export const withoutTokens = (text: string): string => text.replace(/tsf1\.[\w-]+/g, 'tsf1.…');
