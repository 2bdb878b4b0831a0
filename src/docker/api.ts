import type { TsflannelError } from '../errors.ts';
import { field, printable } from '../model/parsed.ts';
import { child, get, isObject, type Json, objects, ping, post, text } from './http.ts';

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
  /** How many containers are on it. */
  readonly containers: number;
}

export interface DockerInfo {
  readonly version: string;
  readonly liveRestore: boolean;
}

/** Docker's API, as far as needed. Every call rejects with DOCKER_UNREACHABLE when the socket does not answer. */
export interface DockerApi {
  readonly socket: string;
  ping(): Promise<boolean>;
  info(): Promise<DockerInfo>;
  /** Oldest first: one that needs another was made after it. */
  running(): Promise<readonly Container[]>;
  bridge(): Promise<BridgeNetwork>;
  /** Starts it; `false` when it is gone meanwhile (`--rm`). */
  start(id: string): Promise<boolean>;
  /** Stops it within its own grace period (10 s by default). */
  stop(id: string): Promise<void>;
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
    containers: Object.keys(child(value, 'Containers')).length,
  };
}

function dockerInfo(value: unknown): DockerInfo {
  const info = isObject(value) ? value : {};
  return {
    version: printable(text(field(info, 'ServerVersion')) ?? 'unknown'),
    liveRestore: field(info, 'LiveRestoreEnabled') === true,
  };
}

/** Docker's API on this unix socket; nothing is asked before the first call. */
export function dockerApi(socket: string): DockerApi {
  return {
    socket,
    ping: () => ping(socket),
    info: async () => dockerInfo(await get(socket, '/info')),
    async running() {
      return objects(await get(socket, '/containers/json'))
        .map(container)
        .filter((each) => each !== undefined)
        .reverse();
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
