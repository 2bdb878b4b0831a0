import { TsflannelError } from '../errors.ts';
import { type Prefix, parsePrefix } from '../model/address.ts';
import { field, parseJsonObject, printable } from '../model/parsed.ts';
import { change, child, get, isObject, type Json, objects, text } from './http.ts';

/** A user-defined bridge network, as Docker lists it. */
export interface UserNetwork {
  readonly id: string;
  readonly name: string;
  /** Its IPv4 subnet. */
  readonly subnet: Prefix | undefined;
  /** Bytes; `undefined`: Docker's own 1500. */
  readonly mtu: number | undefined;
  /** Made by `docker network create` of ours. */
  readonly ours: boolean;
}

/** The label on networks of ours. */
export const NETWORK_LABEL = 'tsflannel.network';
export const MTU_OPTION = 'com.docker.network.driver.mtu';

const DEFAULT_BRIDGE = 'bridge';

function networkOf(value: Json): UserNetwork | undefined {
  const [id, name] = [text(field(value, 'Id')), text(field(value, 'Name'))];
  if (id === undefined || !/^[0-9a-f]{12,64}$/.test(id) || name === undefined) return undefined;
  if (field(value, 'Driver') !== 'bridge' || name === DEFAULT_BRIDGE) return undefined;
  const subnets = objects(field(child(value, 'IPAM'), 'Config')).map((each) => text(field(each, 'Subnet')) ?? '');
  const mtu = Number(text(field(child(value, 'Options'), MTU_OPTION)));
  return {
    id,
    name: printable(name),
    subnet: subnets.map(parsePrefix).find((each) => each?.family === 4),
    mtu: Number.isInteger(mtu) && mtu > 0 ? mtu : undefined,
    ours: text(field(child(value, 'Labels'), NETWORK_LABEL)) !== undefined,
  };
}

/** The user-defined bridge networks of the Docker behind this socket. Rejects with DOCKER_UNREACHABLE. */
export async function userNetworks(socket: string): Promise<readonly UserNetwork[]> {
  const list = await get(socket, '/networks');
  return (Array.isArray(list) ? list.filter(isObject) : []).map(networkOf).filter((each) => each !== undefined);
}

/** A network to make. */
export interface NetworkWish {
  readonly name: string;
  /** `a.b.c.d/len`. */
  readonly subnet: string;
  readonly gateway: string;
  readonly options: Readonly<Record<string, string>>;
}

const refused = (name: string, body: string): TsflannelError => {
  const parsed = parseJsonObject(body, 'the answer', 65_536);
  const message = parsed.ok ? text(field(parsed.value, 'message')) : undefined;
  return new TsflannelError('DOCKER_NETWORK', { name, detail: printable(message ?? body) });
};

/** Makes it, marked as ours. Rejects with DOCKER_NETWORK when Docker refuses it, DOCKER_UNREACHABLE when Docker is gone. */
export async function createNetwork(socket: string, { name, subnet, gateway, options }: NetworkWish): Promise<void> {
  const { status, body } = await change(socket, 'POST', '/networks/create', {
    Name: name,
    CheckDuplicate: true,
    Driver: 'bridge',
    IPAM: { Config: [{ Subnet: subnet, Gateway: gateway }] },
    Options: options,
    Labels: { [NETWORK_LABEL]: subnet },
  });
  if (status !== 201) throw refused(name, body);
}

/** Removes it; one that is gone already is fine. Rejects as createNetwork does: Docker keeps one with containers on it. */
export async function removeNetwork(socket: string, { id, name }: UserNetwork): Promise<void> {
  const { status, body } = await change(socket, 'DELETE', `/networks/${id}`);
  if (status !== 204 && status !== 404) throw refused(name, body);
}
