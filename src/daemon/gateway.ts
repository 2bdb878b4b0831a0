import type { Node } from './node.ts';

/** Takes over what `gateway enable` and `disable` wrote: rules, and what the lease says. */
export async function followGateway({ disk, reconciler, holder, parts }: Node): Promise<void> {
  const mode = await disk.gateway?.();
  const scene = reconciler.scene();
  if (!scene || scene.host.gateway === mode) return;
  const { gateway: _, ...host } = scene.host;
  reconciler.setScene({ ...scene, host: { ...host, ...(mode && { gateway: mode }) } });
  holder.announce({ gateway: mode });
  parts.log('gateway', mode === undefined ? 'no gateway any more' : `hosts from outside are let in: ${mode}`);
}
