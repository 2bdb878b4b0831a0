import { TsflannelError } from '../errors.ts';
import { overlaps, parseCidr, prefixOf, printPrefix } from '../model/address.ts';
import type { Gathered } from './gather.ts';
import { userNetworks } from './networks.ts';

/** Networks of ours in the subnet that docker0 is to have, with which dockerd would not start. Rejects with DOCKER_CONFIG. */
export async function refuseOwnNetworks({ api, info }: Gathered, bip: string | undefined): Promise<void> {
  const cidr = parseCidr(bip ?? '');
  if (!info || !cidr) return;
  const subnet = prefixOf(cidr.ip, cidr.length);
  const inside = (await userNetworks(api.socket)).filter(
    (network) => network.ours && network.subnet && overlaps(network.subnet, subnet),
  );
  if (inside.length === 0) return;
  const names = inside.map(({ name }) => name).join(', ');
  throw new TsflannelError('DOCKER_CONFIG', {
    detail: `docker0 would have ${printPrefix(subnet)}, which has the network ${names} in it: tsflannel docker network remove, or another --docker0-length`,
  });
}
