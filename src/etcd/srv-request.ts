import { printIp } from '../model/address.ts';
import { isHostAddress } from './addresses.ts';
import type { ClusterMember } from './cluster.ts';
import type { InitRequest } from './request.ts';
import { lookUpSrv } from './srv.ts';

/** A name that was said is this host's own, whatever the DNS calls it. */
function renamed(cluster: readonly ClusterMember[], { name, ip }: InitRequest): readonly ClusterMember[] {
  if (name === undefined || cluster.some((member) => member.name === name)) return cluster;
  const here = cluster.find(({ peerUrls: [url] }) => {
    if (!url?.ip) return false;
    return ip ? printIp(url.ip) === printIp(ip) : isHostAddress(url.ip);
  });
  return cluster.map((member) => (member === here ? { ...member, name } : member));
}

/** The request with the members that the DNS names, once it is known whether they speak TLS. Rejects as {@link lookUpSrv}. */
export async function withSrv(request: InitRequest): Promise<InitRequest> {
  const { wish, security } = request;
  if (wish?.kind !== 'srv' || !security) return request;
  const cluster = await lookUpSrv(wish.srv, security.kind !== 'insecure');
  return { ...request, wish: { kind: 'static', cluster: renamed(cluster, request), srv: wish.srv } };
}
