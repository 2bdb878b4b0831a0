import { X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls';
import type { Endpoint } from '../../model/endpoint.ts';
import { parseEndpoint } from '../../model/endpoint.ts';
import { nodeIdIn } from '../../model/lease.ts';
import { parseNetworkConfig } from '../../model/network-config.ts';
import { printable } from '../../model/parsed.ts';
import type { KeyValue, Kv, KvOptions } from '../../store/kv.ts';
import type { Maintenance } from '../../store/maintenance.ts';
import type {
  EndpointEvidence,
  EtcdEvidence,
  Looked,
  NetworkEvidence,
  OwnCertificate,
  TlsEvidence,
} from '../evidence.ts';
import { look } from './looked.ts';

/** How etcd is asked; the caller has the client. */
export interface EtcdAsk {
  readonly options: KvOptions;
  readonly prefix: string;
  /** Ours: whose lease is asked after. */
  readonly nodeId: string;
  openKv(options: KvOptions): Promise<Kv>;
  openMaintenance(options: KvOptions): Promise<Maintenance>;
}

/** Shorter than a whole look, so that what is asked after it still has time. */
const STEP_MS = 700;

const bare = (host: string): string => host.replace(/^\[|\]$/g, '');

const unseen = (why: string): { readonly unseen: string } => ({ unseen: why });

const tcp = ({ host, port }: Endpoint): Promise<true> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: bare(host), port });
    const end = (): void => {
      socket.destroy();
      resolve(true);
    };
    socket.setTimeout(STEP_MS, () => socket.destroy(new Error(`no answer in ${STEP_MS} ms`)));
    socket.once('connect', end);
    socket.once('error', reject);
  });

const readIf = async (path: string | undefined): Promise<Buffer | undefined> =>
  path === undefined ? undefined : readFile(path).catch(() => undefined);

function seenOf(socket: TLSSocket, host: string): TlsEvidence {
  const certificate = socket.getPeerCertificate();
  const wrongName = checkServerIdentity(host, certificate);
  const distrust = socket.authorized ? wrongName?.message : String(socket.authorizationError);
  return { validTo: new Date(certificate.valid_to), ...(distrust !== undefined && { distrust: printable(distrust) }) };
}

/** The handshake alone. Without a certificate of ours where one is wanted the server breaks off only after it (TLS 1.3): status says so. */
async function handshake({ host, port }: Endpoint, options: KvOptions): Promise<TlsEvidence> {
  const [ca, cert, key] = await Promise.all([options.caFile, options.certFile, options.keyFile].map(readIf));
  return new Promise((resolve, reject) => {
    const name = bare(host);
    const socket = connectTls({
      ...{ host: name, port, rejectUnauthorized: false, ALPNProtocols: ['h2'], checkServerIdentity: () => undefined },
      ...(ca && { ca }),
      ...(cert && key && { cert, key }),
    });
    socket.setTimeout(STEP_MS, () => socket.destroy(new Error(`no answer in ${STEP_MS} ms`)));
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      resolve(seenOf(socket, name));
      socket.destroy();
    });
  });
}

async function skew(url: string): Promise<number> {
  const { headers } = await fetch(`${url}/version`, { signal: AbortSignal.timeout(STEP_MS) });
  const date = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(date)) throw new Error('it does not tell the time');
  return Math.round((date - Date.now()) / 1000);
}

async function withKv<T>(ask: EtcdAsk, options: KvOptions, work: (kv: Kv) => Promise<T>): Promise<T> {
  const kv = await ask.openKv(options);
  try {
    return await work(kv);
  } finally {
    kv.close();
  }
}

async function endpointEvidence(ask: EtcdAsk, url: string): Promise<EndpointEvidence[]> {
  const parsed = parseEndpoint(url, 'etcd', 2379);
  if (!parsed.ok) return [];
  const endpoint = parsed.value;
  const addresses = await look(
    async () => (await lookup(bare(endpoint.host), { all: true })).map(({ address }) => address),
    STEP_MS,
  );
  const open: Looked<true> = 'seen' in addresses ? await look(() => tcp(endpoint)) : unseen('its name leads nowhere');
  const reached = 'seen' in open;
  const options = { ...ask.options, endpoints: [url], timeoutMs: STEP_MS };
  const [tls, status, clock] = await Promise.all([
    reached && endpoint.secure
      ? look(() => handshake(endpoint, ask.options))
      : unseen(reached ? 'it is http://' : 'not reached'),
    reached ? look(() => withKv(ask, options, (kv) => kv.status())) : unseen('not reached'),
    reached && !endpoint.secure ? look(() => skew(url)) : unseen('not asked'),
  ]);
  return [{ endpoint, url, addresses, tcp: open, tls, status, skew: clock }];
}

async function ownFiles({ options }: EtcdAsk): Promise<OwnCertificate[]> {
  const { caFile, certFile } = options;
  // Reads and checks them all; its errors name the file.
  const { readTarget } = await import('../../etcd-client/tls.ts');
  readTarget(options);
  const paths = [caFile, certFile].filter((path) => path !== undefined);
  return Promise.all(
    paths.map(async (path) => {
      const { validFromDate, validToDate } = new X509Certificate(await readFile(path));
      return { path, validFrom: validFromDate, validTo: validToDate };
    }),
  );
}

/** Larger than any revision: the transaction is judged by who asks, and never done. */
const NEVER = (1n << 63n) - 1n;

async function writable(kv: Kv, prefix: string): Promise<true> {
  const key = `${prefix}/doctor`;
  await kv.txn([{ target: 'create', key, revision: NEVER }], [{ op: 'put', key, value: '' }]);
  return true;
}

/** Prefixes that distributions and guides give to flannel. */
const USUAL = [
  '/coreos.com/network',
  '/atomic.io/network',
  '/kube-centos/network',
  '/flannel/network',
  '/kubernetes/network',
  '/docker-flannel/network',
];

async function elsewhere(kv: Kv, prefix: string): Promise<string[]> {
  const others = USUAL.filter((one) => one !== prefix);
  const found = await Promise.all(
    others.map(async (one) => (await kv.range(`${one}/config`, { exact: true, keysOnly: true })).kvs.length > 0),
  );
  return others.filter((_, at) => found[at]);
}

async function hasV2(url: string, prefix: string): Promise<boolean> {
  const reply = await fetch(`${url}/v2/keys${prefix}/config`, { signal: AbortSignal.timeout(STEP_MS) });
  if (!reply.ok) return false;
  return (await reply.text()).includes('"value"');
}

const configIn = (kvs: readonly KeyValue[], prefix: string) => {
  const entry = kvs.find(({ key }) => key === `${prefix}/config`);
  return entry && parseNetworkConfig(entry.value);
};

/** What etcd was found to hold: all keys below the prefix, once for every check. */
export interface EtcdLook {
  readonly evidence: EtcdEvidence;
  readonly kvs: Looked<readonly KeyValue[]>;
  /** Seconds left and granted of our own lease. */
  readonly time?: NetworkEvidence['time'];
}

async function timeOf(kv: Kv, kvs: readonly KeyValue[], nodeId: string): Promise<Pick<EtcdLook, 'time'>> {
  const own = kvs.find(({ key, value }) => key.includes('/subnets/') && nodeIdIn(value) === nodeId);
  if (!own || own.lease === 0n) return {};
  const time = await look(() => kv.timeToLive(own.lease), STEP_MS);
  return 'seen' in time && time.seen.left >= 0 ? { time: time.seen } : {};
}

/** Where there is no config: whether it is somewhere else. */
async function missing(ask: EtcdAsk, kv: Kv): Promise<Pick<EtcdEvidence, 'elsewhere' | 'v2'>> {
  const [url] = ask.options.endpoints;
  const [others, v2] = await Promise.all([
    look(() => elsewhere(kv, ask.prefix), STEP_MS),
    url?.startsWith('http:')
      ? look(() => hasV2(url, ask.prefix))
      : unseen('the v2 store is looked at over http:// only'),
  ]);
  return { elsewhere: 'seen' in others ? others.seen : [], v2 };
}

/** All of etcd that is judged, everything at once. Rejects only where the options themselves are no good. */
export async function etcdEvidence(ask: EtcdAsk): Promise<EtcdLook> {
  const options = { ...ask.options, timeoutMs: STEP_MS };
  const [files, endpoints, rest] = await Promise.all([
    look(() => ownFiles(ask)),
    Promise.all(ask.options.endpoints.map((url) => endpointEvidence(ask, url))),
    look(() => withKv(ask, options, (kv) => contents(ask, kv))),
  ]);
  const gone = 'unseen' in rest ? rest : unseen('');
  const none = {
    members: gone,
    alarms: gone,
    writable: gone,
    config: gone,
    elsewhere: [],
    v2: unseen('etcd does not answer'),
  };
  const { kvs, time, ...seen } = 'seen' in rest ? rest.seen : { kvs: gone, time: undefined, ...none };
  return { kvs, ...(time && { time }), evidence: { prefix: ask.prefix, endpoints: endpoints.flat(), files, ...seen } };
}

type Contents = Pick<EtcdEvidence, 'members' | 'alarms' | 'writable' | 'config' | 'elsewhere' | 'v2'> &
  Pick<EtcdLook, 'kvs' | 'time'>;

async function contents(ask: EtcdAsk, kv: Kv): Promise<Contents> {
  const { prefix } = ask;
  const [kvs, members, right, alarms] = await Promise.all([
    look(async () => (await kv.range(`${prefix}/`)).kvs),
    look(() => kv.members()),
    look(() => writable(kv, prefix)),
    look(async () => {
      const maintenance = await ask.openMaintenance({ ...ask.options, timeoutMs: STEP_MS });
      return maintenance.alarms().finally(() => maintenance.close());
    }),
  ]);
  const config = 'seen' in kvs ? { seen: configIn(kvs.seen, prefix) } : kvs;
  const isMissing = 'seen' in config && config.seen === undefined;
  const time = 'seen' in kvs ? await timeOf(kv, kvs.seen, ask.nodeId) : {};
  const other = isMissing ? await missing(ask, kv) : { elsewhere: [], v2: unseen('the v3 store has a config') };
  return { ...time, kvs, members, alarms, writable: right, config, ...other };
}
