import type { World } from '../world.ts';

/** Something that goes wrong, and is over by itself. */
export interface Fault {
  readonly name: string;
  inject(world: World): void | Promise<void>;
}
