/** What every kernel backend wants of the source check: the table, and what it lets in for each peer. Nothing where it is off or cannot be. */
import type { GuardSettings } from '../kernel/source-check.ts';
import type { KernelObject } from '../kernel/state.ts';
import type { SourceCheck } from '../model/backend-config.ts';
import type { Lease } from '../model/lease.ts';
import type { Mac } from '../model/mac.ts';
import type { Scene } from './backend.ts';

type Check = GuardSettings['check'];

/** The check that is made on this host; undefined: none. */
const checkOf = ({ host }: Scene, wish: SourceCheck): Check | undefined =>
  wish === 'off' || host.filter.noSourceCheck !== undefined ? undefined : wish;

/** The table; `tunnel` of the backends that have one. */
export function guard(scene: Scene, wish: SourceCheck, tunnel?: GuardSettings['tunnel']): readonly KernelObject[] {
  const check = checkOf(scene, wish);
  if (!check) return [];
  const { self, host, network } = scene;
  const where = { network: network.network, subnet: self.subnet, underlay: host.iface.name };
  return [{ kind: 'guard', settings: { check, ...where, ...(tunnel && { tunnel }) } }];
}

/** A peer whose packets come over the underlay as they are. */
export const directSource = (scene: Scene, wish: SourceCheck, lease: Lease): readonly KernelObject[] =>
  checkOf(scene, wish) ? [{ kind: 'source', subnet: lease.subnet, direct: true }] : [];

/**
 * A peer with this VTEP MAC. `strict` binds it to the address of its lease, and a peer that is reached without the tunnel to that way;
 * `subnet` takes it from anywhere.
 */
export function tunnelSource(
  scene: Scene,
  wish: SourceCheck,
  { subnet, publicIp }: Lease,
  mac: Mac,
): readonly KernelObject[] {
  const check = checkOf(scene, wish);
  if (!check) return [];
  return [{ kind: 'source', subnet, mac, ...(check === 'strict' && { outer: publicIp }), direct: false }];
}
