/**
 * Faults as they happen to users, each with how it is brought about and taken away on the nodes of a lab. Nothing here knows how `doctor`
 * looks: a fault only says by which name it must be called.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { TestLab } from '../lab.ts';

export type Backend = 'udp' | 'vxlan' | 'host-gw';
export const EVERY: readonly Backend[] = ['udp', 'vxlan', 'host-gw'];
/** Those with a device and a port. */
export const TUNNELS: readonly Backend[] = ['udp', 'vxlan'];

/** What brings about faults on the lab: node 2 is the one that is examined, node 1 has etcd, node 3 is its peer. */
export interface Scene extends TestLab {
  readonly backend: Backend;
  /** Subnets of nodes 1 to 3 as `172.17.5.0/24`. */
  readonly subnets: readonly string[];
}

/** How a backend's packets leave the node, and the UDP port that its tunnel has. */
export const deviceOf = ({ backend }: Scene): string =>
  ({ udp: 'flannel0', vxlan: 'flannel.1', 'host-gw': 'eth0' })[backend];
export const portOf = ({ backend }: Scene): number => (backend === 'udp' ? 8285 : 8472);

export interface Fault {
  readonly name: string;
  /** Where it is tried, if not with vxlan alone: what is the same for all backends is done once. */
  readonly on?: readonly Backend[];
  /** The check that has to name it. */
  readonly check: string;
  /** What the finding's evidence has to say. */
  readonly says?: RegExp;
  /** The row of `status` that is not ok meanwhile, or warns; or why none tells. */
  readonly status: string | { readonly none: string };
  inject(scene: Scene): Promise<unknown>;
  undo(scene: Scene): Promise<unknown>;
}

/** The nth node's subnet, from 1. */
export const subnetOf = ({ subnets }: Scene, number: number): string => subnets[number - 1] ?? '';

/** An address of that subnet. */
export const addressIn = (scene: Scene, number: number, last: number): string =>
  subnetOf(scene, number).replace(/0\/\d+$/, String(last));

/** A command in the underlay, where the wires of the nodes end. */
export const inUnderlay = ({ lab }: Scene, ...argv: string[]) =>
  execa('nsenter', [`--net=/run/netns/${lab.underlay}`, '--', ...argv]);

export type Named = Omit<Fault, 'inject' | 'undo'>;

/** A fault that one command on node 2 brings about and another takes away. */
export const commands = (fault: Named, inject: (scene: Scene) => string, undo: (scene: Scene) => string): Fault => ({
  ...fault,
  inject: (scene) => scene.run(2, ...inject(scene).split(' ')),
  undo: (scene) => scene.run(2, ...undo(scene).split(' ')),
});

/** A fault in a file of node 2; it is put back as it was. */
export function file(fault: Named, path: readonly string[], change: (text: string) => string): Fault {
  let before = '';
  const of = (scene: Scene): string => join(scene.node(2).dir, ...path);
  return {
    ...fault,
    async inject(scene) {
      before = await readFile(of(scene), 'utf8');
      await writeFile(of(scene), change(before));
    },
    undo: (scene) => writeFile(of(scene), before),
  };
}
