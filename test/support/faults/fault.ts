/**
 * Faults as they happen to users, each with how it is brought about and taken away on the nodes of a lab. Nothing here knows how `doctor`
 * looks: a fault only says by which name it must be called.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { TestLab } from '../lab.ts';

/** What brings about faults on the lab: node 2 is the one that is examined, node 1 has etcd, node 3 is its peer. */
export interface Scene extends TestLab {
  /** Subnets of nodes 1 to 3 as `172.17.5.0/24`. */
  readonly subnets: readonly string[];
}

export interface Fault {
  readonly name: string;
  /** The check that has to name it. */
  readonly check: string;
  /** What the finding's evidence has to say. */
  readonly says?: RegExp;
  /** The row of `status` that is not ok meanwhile. */
  readonly status?: string;
  inject(scene: Scene): Promise<unknown>;
  undo(scene: Scene): Promise<unknown>;
}

/** The nth node's subnet, from 1. */
export const subnetOf = ({ subnets }: Scene, number: number): string => subnets[number - 1] ?? '';

/** An address of that subnet. */
export const addressIn = (scene: Scene, number: number, last: number): string =>
  subnetOf(scene, number).replace(/0\/\d+$/, String(last));

/** A command of iproute2 in the underlay, where the wires of the nodes end. */
export const underlay = ({ lab }: Scene, ...argv: string[]) => execa('ip', ['-n', lab.underlay, ...argv]);

/** A fault that one command on node 2 brings about and another takes away. */
export const commands = (
  fault: Pick<Fault, 'name' | 'check' | 'says' | 'status'>,
  inject: (scene: Scene) => string,
  undo: (scene: Scene) => string,
): Fault => ({
  ...fault,
  inject: (scene) => scene.run(2, ...inject(scene).split(' ')),
  undo: (scene) => scene.run(2, ...undo(scene).split(' ')),
});

/** A fault in a file of node 2; it is put back as it was. */
export function file(
  fault: Pick<Fault, 'name' | 'check' | 'says' | 'status'>,
  path: readonly string[],
  change: (text: string) => string,
): Fault {
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
