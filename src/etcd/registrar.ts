import { type Registry, readDiscovery, register } from './discovery.ts';
import { readV3, registerV3 } from './discovery-v3.ts';
import type { Bootstrap } from './member.ts';
import type { OpenKv } from './members.ts';

/** A registry in which members that found a cluster find each other, whatever protocol it speaks. */
export interface Registrar {
  /** For messages. */
  readonly name: string;
  /** The cluster's token, from which etcd makes ids. */
  readonly token: string;
  /** Rejects with DISCOVERY_UNREACHABLE or DISCOVERY_INVALID. */
  read(): Promise<Registry>;
  /** Resolves to `false` when the id is in there already. Rejects as `read`. */
  register(id: string, value: string): Promise<boolean>;
}

export const v2Registrar = (url: string): Registrar => ({
  name: url,
  token: url,
  read: () => readDiscovery(url),
  register: (id, value) => register(url, id, value),
});

/** The registry a member has to come to; `undefined` where there is none. */
export function registrarOf(bootstrap: Bootstrap, open: OpenKv): Registrar | undefined {
  if (bootstrap.kind === 'discovery') return v2Registrar(bootstrap.url);
  if (bootstrap.kind !== 'v3') return undefined;
  const { registry } = bootstrap;
  return {
    name: `the discovery token at ${registry.endpoints.join(', ')}`,
    token: registry.token,
    read: () => readV3(open, registry),
    register: (id, value) => registerV3(open, registry, id, value),
  };
}
