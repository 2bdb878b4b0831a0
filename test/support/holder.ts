import { acquire, type Held } from '../../src/lease/acquire.ts';
import { type Holder, type HolderOptions, hold } from '../../src/lease/hold.ts';
import { printPrefix } from '../../src/model/address.ts';
import { openStore } from '../../src/store/store.ts';
import { NET } from './kvs.ts';
import { type Ground, ground } from './lease.ts';

export interface HolderRig extends Ground {
  readonly held: Held;
  readonly holder: Holder;
  readonly changes: string[];
  readonly events: string[];
  /** Calls and writes this node has made since it was asked last. */
  calls(): string[];
}

/** Node 1 holding a lease, renewing every ten minutes. */
export async function holderRig(
  before?: (base: Ground) => Promise<void>,
  parts: Partial<HolderOptions> = {},
): Promise<HolderRig> {
  const base = await ground();
  await before?.(base);
  const made: string[] = [];
  const kv = base.etcd.client();
  const noting = new Proxy(kv, {
    get(target, name: keyof typeof kv) {
      const member = target[name] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        made.push(name);
        return member(...args);
      };
    },
  });
  const claim = base.options(1, { store: openStore(noting, NET) });
  const held = await acquire(claim);
  made.length = 0;
  const changes: string[] = [];
  const events: string[] = [];
  const holder = hold(held, {
    claim,
    clock: base.clock,
    renewEveryMs: 600_000,
    onChange: (now, then) => changes.push(`${printPrefix(then.subnet)} -> ${printPrefix(now.subnet)}`),
    log: (event) => events.push(event),
    ...parts,
  });
  return { ...base, held, holder, changes, events, calls: () => made.splice(0) };
}
