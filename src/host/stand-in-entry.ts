/** The thread that stands in for a container: enters a namespace of its own, says which thread it is, then does what it is asked, one after the other. */
import { parentPort } from 'node:worker_threads';
import { asTsflannelError } from '../errors.ts';
import { type SweepWish, sweep } from '../liveness/sweep.ts';
import { enterOwnNamespace } from '../sys/own-namespace.ts';
import { measureWay, pings, withEcho } from './way.ts';

/** What it can be asked. */
const abilities = {
  pings,
  measureWay,
  sweep: (wish: SweepWish) => withEcho({ errors: true }, (port) => sweep(port, wish)),
};
export type Abilities = typeof abilities;

/** What it says: the thread's id first, then an answer to each question. */
export type Said = { readonly thread: number } | { readonly value: unknown } | { readonly error: string };

const say = (said: Said): void => parentPort?.postMessage(said);
const words = (error: unknown): string => {
  const { message, why } = asTsflannelError(error);
  return `${message}: ${why}`;
};

try {
  say({ thread: enterOwnNamespace() });
} catch (error) {
  say({ error: words(error) });
}
parentPort?.on('message', ({ name, wish }: { name: keyof Abilities; wish: never }) => {
  (abilities[name] as (wish: never) => Promise<unknown>)(wish).then(
    (value) => say({ value }),
    (error: unknown) => say({ error: words(error) }),
  );
});
