import { type Ip, parseIp4, parseIp6, printIp } from './address.ts';
import { accept, type Parsed, reject } from './parsed.ts';

/**
 * Where a server listens: an etcd endpoint or a peer URL. An address stands in canonical text, a name as it was given: etcd makes ids from
 * the letters of peer URLs.
 */
export interface Endpoint {
  readonly secure: boolean;
  readonly host: string;
  /** The host as an address, where it is one. */
  readonly ip?: Ip;
  readonly port: number;
}

const DNS_NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_-]{1,63})*\.?$/i;
const URL_PARTS = /^(?:(https?):\/\/)?(\[[0-9a-fA-F:]{2,39}\]|[^[\]:/?#@\s]{1,253})(?::([0-9]{1,5}))?\/?$/;

function parseHost(text: string): { host: string; ip?: Ip } | undefined {
  if (text.startsWith('[')) {
    const ip = parseIp6(text.slice(1, -1));
    return ip ? { host: `[${printIp(ip)}]`, ip } : undefined;
  }
  const ip = parseIp4(text);
  if (ip) return { host: printIp(ip), ip };
  // A name of digits and dots only would be read as an address in octal or short form by other programs.
  return DNS_NAME.test(text) && /[a-z]/i.test(text) ? { host: text } : undefined;
}

/** What may hold a password is not shown. */
const refuseLogin = (where: string) =>
  reject('ENDPOINT_LOGIN', where, 'a URL with @ in it is not shown here; user and password have their own settings');

/**
 * `http://host:port`, `https://host:port` or `host:port`. Without a scheme it is http; without a port it is `defaultPort`.
 * Credentials, paths and queries are refused.
 */
export function parseEndpoint(text: string, where: string, defaultPort: number): Parsed<Endpoint> {
  const match = URL_PARTS.exec(text.trim());
  const host = match ? parseHost(match[2] ?? '') : undefined;
  if (text.includes('@')) return refuseLogin(where);
  if (!match || !host) return reject('ENDPOINT', where, `${text} is not http://HOST:PORT or https://HOST:PORT`);
  const port = match[3] === undefined ? defaultPort : Number(match[3]);
  if (port < 1 || port > 65_535) return reject('ENDPOINT', where, `${port} is not a port`);
  return accept({ secure: match[1] === 'https', ...host, port });
}

/** Several endpoints, given as a list or separated by commas. At least one is expected. */
export function parseEndpoints(
  texts: readonly string[],
  where: string,
  defaultPort: number,
): Parsed<readonly Endpoint[]> {
  if (texts.some((text) => text.includes('@'))) return refuseLogin(where);
  const endpoints: Endpoint[] = [];
  for (const text of texts.flatMap((item) => item.split(',')).filter((item) => item.trim() !== '')) {
    const endpoint = parseEndpoint(text, where, defaultPort);
    if (!endpoint.ok) return endpoint;
    endpoints.push(endpoint.value);
  }
  return endpoints.length > 0 ? accept(endpoints) : reject('ENDPOINT', where, 'no endpoint is given');
}

/** `http://host:port` or `https://host:port`. */
export const printEndpoint = (endpoint: Endpoint): string =>
  `${endpoint.secure ? 'https' : 'http'}://${endpoint.host}:${endpoint.port}`;
