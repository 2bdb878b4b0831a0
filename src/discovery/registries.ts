import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere, removeFile, writeFileAtomic } from '../files/atomic.ts';
import { type Parsed, reject } from '../model/parsed.ts';
import {
  type Entry,
  newRegistry,
  type Placed,
  parseRegistry,
  placed,
  printRegistry,
  type Registry,
  TOKEN,
  withMember,
} from './registry.ts';

/** All registries of one server: in memory, and each in a file of its own that is written before anybody is told. */
export interface Registries {
  get(token: string): Registry | undefined;
  /** A new one; `undefined` when there are too many. */
  create(size: number): Promise<Registry | undefined>;
  /** Adds a member; those who wait for it are told. */
  add(token: string, entry: Entry): Promise<Parsed<Registry>>;
  /** The first member from this index on (`id`: this member), now or when it comes; `undefined` when `stop` comes first. */
  next(
    token: string,
    wish: { readonly from: number; readonly id?: string },
    stop: AbortSignal,
  ): Promise<Placed | undefined>;
  /** Forgets those that nobody came to for too long; resolves to how many. */
  forgetOld(): Promise<number>;
}

export interface RegistriesOptions {
  readonly dataDir: string;
  readonly maxTokens: number;
  /** A registry lives so long after it was made, or after the last member came. */
  readonly ttlMs: number;
  readonly now: () => number;
  readonly notice: (line: string) => void;
}

const fileOf = (dataDir: string, token: string): string => join(dataDir, `${token}.json`);

async function load(options: RegistriesOptions): Promise<Map<string, Registry>> {
  const { dataDir, notice } = options;
  const found = new Map<string, Registry>();
  for (const name of await readdir(dataDir)) {
    const token = name.replace(/\.json$/, '');
    if (!TOKEN.test(token) || token === name) continue;
    const parsed = parseRegistry((await readIfThere(fileOf(dataDir, token))) ?? '', token);
    if (parsed.ok) found.set(token, parsed.value);
    else notice(`warning: ${fileOf(dataDir, token)} is left alone: ${parsed.rejection.detail}`);
  }
  return found;
}

/** Who waits for which registry. */
function createBell() {
  const waiting = new Map<string, Set<() => void>>();
  return {
    ring(token: string): void {
      for (const wake of [...(waiting.get(token) ?? [])]) wake();
    },
    heard(token: string, stop: AbortSignal): Promise<void> {
      return new Promise((resolve) => {
        const own = waiting.get(token) ?? new Set();
        waiting.set(token, own);
        const wake = (): void => {
          stop.removeEventListener('abort', wake);
          own.delete(wake);
          if (own.size === 0) waiting.delete(token);
          resolve();
        };
        own.add(wake);
        stop.addEventListener('abort', wake);
        if (stop.aborted) wake();
      });
    },
  };
}

/** Writes one after the other: a second look at what is there is part of each. */
function createQueue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
}

/** Reads the registries of a folder that is this process' own (see lockFolder). Rejects with FILE_UNREADABLE. */
export async function openRegistries(options: RegistriesOptions): Promise<Registries> {
  const { dataDir, maxTokens, ttlMs, now } = options;
  const all = await load(options);
  const bell = createBell();
  const queue = createQueue();
  const keep = async (registry: Registry): Promise<void> => {
    await writeFileAtomic(fileOf(dataDir, registry.token), printRegistry(registry), 0o600);
    all.set(registry.token, registry);
  };

  const forgetOld = () =>
    queue(async () => {
      const old = [...all.values()].filter(({ touched }) => now() - touched > ttlMs);
      for (const { token } of old) {
        await removeFile(fileOf(dataDir, token));
        all.delete(token);
        bell.ring(token);
      }
      return old.length;
    });

  return {
    get: (token) => all.get(token),
    forgetOld,
    async create(size) {
      await forgetOld();
      return queue(async () => {
        if (all.size >= maxTokens) return undefined;
        const registry = newRegistry(size, now());
        await keep(registry);
        return registry;
      });
    },
    add: (token, entry) =>
      queue(async () => {
        const registry = all.get(token);
        const next = registry ? withMember(registry, entry, now()) : reject('TOKEN', token, 'no such registry');
        if (!next.ok) return next;
        await keep(next.value);
        bell.ring(token);
        return next;
      }),
    async next(token, { from, id }, stop) {
      for (;;) {
        const registry = all.get(token);
        const found = registry && placed(registry).find((each) => each.index >= from && (id ?? each.id) === each.id);
        if (found || !registry || stop.aborted) return found;
        await bell.heard(token, stop);
      }
    },
  };
}
