import { request } from 'node:http';
import { TsflannelError } from '../errors.ts';
import { field, printable } from '../model/parsed.ts';

/** A running container as far as a restart of Docker concerns it. */
export interface Container {
  readonly id: string;
  readonly name: string;
}

/** What Docker says of its default bridge network. */
export interface BridgeNetwork {
  /** `10.1.74.0/24`; `undefined` where Docker runs without a default bridge. */
  readonly subnet: string | undefined;
  /** docker0's address when it was given as bip, else `undefined`. */
  readonly gateway: string | undefined;
  readonly mtu: number | undefined;
  readonly ipMasq: boolean | undefined;
}

export interface DockerInfo {
  readonly version: string;
  readonly liveRestore: boolean;
  readonly rootless: boolean;
}

/** Docker's API, as far as needed. Every call rejects with DOCKER_UNREACHABLE when the socket does not answer. */
export interface DockerApi {
  readonly socket: string;
  ping(): Promise<boolean>;
  info(): Promise<DockerInfo>;
  running(): Promise<readonly Container[]>;
  bridge(): Promise<BridgeNetwork>;
  /** Starts it; `false` when it is gone meanwhile (`--rm`). */
  start(id: string): Promise<boolean>;
  /** Stops it within its own grace period (10 s by default). */
  stop(id: string): Promise<void>;
}

type Json = Readonly<Record<string, unknown>>;

interface Answer {
  readonly status: number;
  readonly body: string;
}

const TIMEOUT_MS = 10_000;
/** A stop waits for the container's own grace period, which users set to minutes. */
const STOP_TIMEOUT_MS = 600_000;
const MAX_BYTES = 16 * 1024 * 1024;

/** One request over the unix socket. Local and not trusted: time and size are bounded. */
function ask(socketPath: string, method: string, path: string, timeout: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path, timeout, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_BYTES) outgoing.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
      );
      incoming.on('error', reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer in ${timeout / 1000} s`)));
    outgoing.on('error', reject);
    outgoing.end();
  });
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const objects = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isObject) : []);
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const child = (value: Json, name: string): Json => {
  const inner = field(value, name);
  return isObject(inner) ? inner : {};
};

const unreachable = (socket: string, detail: string): TsflannelError =>
  new TsflannelError('DOCKER_UNREACHABLE', { socket, detail: printable(detail) });

async function get(socket: string, path: string): Promise<unknown> {
  const { status, body } = await ask(socket, 'GET', path, TIMEOUT_MS).catch((error: Error) => {
    throw unreachable(socket, error.message);
  });
  try {
    if (status !== 200) throw new Error(`${path} answered ${status}: ${body}`);
    return JSON.parse(body);
  } catch (error) {
    throw unreachable(socket, (error as Error).message);
  }
}

async function post(socket: string, path: string, accepted: readonly number[]): Promise<number> {
  const { status, body } = await ask(socket, 'POST', path, STOP_TIMEOUT_MS).catch((error: Error) => {
    throw unreachable(socket, error.message);
  });
  if (!accepted.includes(status)) throw unreachable(socket, `${path} answered ${status}: ${body}`);
  return status;
}

/** `undefined` when it does not look like one of a container. */
function container(value: Json): Container | undefined {
  const id = text(field(value, 'Id'));
  const names = field(value, 'Names');
  const name = Array.isArray(names) ? text(names[0]) : undefined;
  if (id === undefined || !/^[0-9a-f]{12,64}$/.test(id)) return undefined;
  return { id, name: printable(name?.replace(/^\//, '') ?? id.slice(0, 12)) };
}

function bridgeNetwork(value: Json): BridgeNetwork {
  const options = child(value, 'Options');
  const ipam = objects(field(child(value, 'IPAM'), 'Config')).find(
    (each) => !text(field(each, 'Subnet'))?.includes(':'),
  );
  const mtu = Number(text(field(options, 'com.docker.network.driver.mtu')));
  const masquerade = text(field(options, 'com.docker.network.bridge.enable_ip_masquerade'));
  return {
    subnet: ipam && text(field(ipam, 'Subnet')),
    gateway: ipam && text(field(ipam, 'Gateway')),
    mtu: Number.isInteger(mtu) && mtu > 0 ? mtu : undefined,
    ipMasq: masquerade === 'true' || masquerade === 'false' ? masquerade === 'true' : undefined,
  };
}

function dockerInfo(value: unknown): DockerInfo {
  const info = isObject(value) ? value : {};
  const security = field(info, 'SecurityOptions');
  return {
    version: printable(text(field(info, 'ServerVersion')) ?? 'unknown'),
    liveRestore: field(info, 'LiveRestoreEnabled') === true,
    rootless: Array.isArray(security) && security.includes('name=rootless'),
  };
}

/** Docker's API on this unix socket; nothing is asked before the first call. */
export function dockerApi(socket: string): DockerApi {
  return {
    socket,
    ping: () =>
      ask(socket, 'GET', '/_ping', TIMEOUT_MS).then(
        ({ status }) => status === 200,
        () => false,
      ),
    info: async () => dockerInfo(await get(socket, '/info')),
    async running() {
      return objects(await get(socket, '/containers/json'))
        .map(container)
        .filter((each) => each !== undefined);
    },
    async bridge() {
      const value = await get(socket, '/networks/bridge').catch((error: TsflannelError) => {
        if (/ answered 404/.test(error.why)) return {};
        throw error;
      });
      return bridgeNetwork(isObject(value) ? value : {});
    },
    start: async (id) => (await post(socket, `/containers/${id}/start`, [204, 304, 404])) !== 404,
    async stop(id) {
      await post(socket, `/containers/${id}/stop`, [204, 304, 404]);
    },
  };
}
