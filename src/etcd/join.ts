import { TsflannelError } from '../errors.ts';
import { printEndpoint } from '../model/endpoint.ts';
import { type ClusterMember, memberId, printCluster } from './cluster.ts';
import type { Registry } from './discovery.ts';
import type { Registrar } from './registrar.ts';

/**
 * How a member stands to a registry: it is one of those that count, there is room for it, or it cannot come in. etcd's own
 * `--discovery` counts a restart before the cluster is complete as a second member and gives up; here the same member comes back to its
 * place, because its id is made of nothing but its URLs and the discovery URL or token. It is the id a real etcd uses there, so the two mix.
 */
export type Standing =
  | { readonly kind: 'open' }
  | { readonly kind: 'registered'; readonly complete: boolean }
  | { readonly kind: 'refused'; readonly error: TsflannelError };

const full = (name: string, registry: Registry): Standing => ({
  kind: 'refused',
  error: new TsflannelError('DISCOVERY_FULL', {
    detail: `${name} is for ${registry.size} members, and all have come: ${registry.members
      .slice(0, registry.size)
      .map((member) => member.name)
      .join(', ')}; it serves one cluster, once`,
  }),
});

/** Pure: looks up `self` in the registry. */
export function standing(
  { name, token }: Pick<Registrar, 'name' | 'token'>,
  registry: Registry,
  self: ClusterMember,
): Standing {
  const id = memberId(self.peerUrls, token);
  const counted = registry.members.slice(0, registry.size);
  const same = counted.find((member) => member.name === self.name);
  if (same && same.id !== id) {
    const at = same.peerUrls.map(printEndpoint).join(', ');
    const detail = `a member named ${self.name} (${at}) has come to ${name} already; pass another --name`;
    return { kind: 'refused', error: new TsflannelError('DISCOVERY_NAME_TAKEN', { name: self.name, detail }) };
  }
  const mine = counted.find((member) => member.id === id);
  if (mine && mine.name !== self.name) {
    const detail = `${self.peerUrls.map(printEndpoint).join(', ')} has come to ${name} already under the name ${mine.name}`;
    return { kind: 'refused', error: new TsflannelError('DISCOVERY_NAME_TAKEN', { name: mine.name, detail }) };
  }
  if (mine) return { kind: 'registered', complete: counted.length === registry.size };
  return counted.length === registry.size ? full(name, registry) : { kind: 'open' };
}

/** What {@link joinRegistry} needs from outside: time and a place to report to. */
export interface JoinOptions {
  readonly sleep: (ms: number) => Promise<void>;
  readonly onProgress: (found: number, size: number) => void;
}

/** A wait of a second at first, five after a minute: the service may be a public one. */
const pause = (round: number): number => (round < 60 ? 1000 : 5000);

/**
 * Registers `self` and waits, without end, until the registry is complete; resolves to the founding members. Rejects with
 * DISCOVERY_FULL, DISCOVERY_NAME_TAKEN, DISCOVERY_INVALID or DISCOVERY_UNREACHABLE.
 */
export async function joinRegistry(
  registrar: Registrar,
  self: ClusterMember,
  options: JoinOptions,
): Promise<readonly ClusterMember[]> {
  for (let round = 0; ; round++) {
    const registry = await registrar.read();
    const state = standing(registrar, registry, self);
    if (state.kind === 'refused') throw state.error;
    options.onProgress(Math.min(registry.members.length, registry.size), registry.size);
    if (state.kind === 'registered' && state.complete)
      return registry.members.slice(0, registry.size).map(({ name, peerUrls }) => ({ name, peerUrls }));
    if (state.kind === 'open') await registrar.register(memberId(self.peerUrls, registrar.token), printCluster([self]));
    // After the first registration the list is read again at once; later only after a pause, whatever the service says.
    if (round > 0 || state.kind === 'registered') await options.sleep(pause(round));
  }
}
