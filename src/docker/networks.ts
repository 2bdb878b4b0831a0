import { type Prefix, parsePrefix } from '../model/address.ts';
import { field, printable } from '../model/parsed.ts';
import { child, get, isObject, type Json, objects, text } from './http.ts';

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
