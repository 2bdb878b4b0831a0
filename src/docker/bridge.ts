import { TsflannelError } from '../errors.ts';
import type { Address, Kernel, KernelObject, Link, Step } from '../kernel/state.ts';
import { parseCidr, printIp } from '../model/address.ts';

/** Docker's default bridge. */
export const DOCKER_BRIDGE = 'docker0';

/** docker0 as far as the change of Docker concerns it; the kernel is changed through kernel/ only. */
export interface Bridge {
  /** Its IPv4 addresses as `a.b.c.d/len` in the kernel's order; `undefined` when there is no such device. */
  addresses(): Promise<readonly string[] | undefined>;
  /** Bytes; `undefined` when there is no such device. */
  mtu(): Promise<number | undefined>;
  /** Makes these its IPv4 addresses; no device is fine. Rejects with KERNEL_REFUSED. */
  setAddresses(wanted: readonly string[]): Promise<void>;
}

const QUERY = { kinds: new Set(['link', 'address'] as const), paths: [], sysctls: [] };
const BECAUSE = 'docker0 has the address dockerd is started with';

const linkIn = (objects: readonly KernelObject[]): Link | undefined =>
  objects.filter((object) => object.kind === 'link').find(({ name }) => name === DOCKER_BRIDGE);

const observed = async (kernel: Kernel): Promise<KernelObject[]> =>
  [...(await kernel.observe(QUERY)).values()].map(({ object }) => object);

async function found(kernel: Kernel): Promise<readonly Address[] | undefined> {
  const objects = await observed(kernel);
  if (!linkIn(objects)) return undefined;
  return objects
    .filter((object) => object.kind === 'address')
    .filter(({ device, ip }) => device === DOCKER_BRIDGE && ip.family === 4);
}

const textOf = ({ ip, length }: Address): string => `${printIp(ip)}/${length}`;

const addressOf = (text: string): Address => {
  const cidr = parseCidr(text);
  if (!cidr) throw new TsflannelError('INTERNAL', { detail: `${text} is no address` });
  return { kind: 'address', device: DOCKER_BRIDGE, ...cidr };
};

/** Removals first: the kernel takes all addresses of a subnet away with its first one. */
function steps(now: readonly Address[], wanted: readonly string[]): Step[] {
  const has = new Set(now.map(textOf));
  return [
    ...now
      .filter((each) => !wanted.includes(textOf(each)))
      .map((object): Step => ({ action: 'remove', object, previous: object, because: BECAUSE })),
    ...wanted
      .filter((each) => !has.has(each))
      .map((each): Step => ({ action: 'create', object: addressOf(each), because: BECAUSE })),
  ];
}

/** docker0 of the namespace this kernel shows. */
export function bridgeOf(kernel: Kernel): Bridge {
  return {
    addresses: async () => (await found(kernel))?.map(textOf),
    mtu: async () => linkIn(await observed(kernel))?.mtu,
    async setAddresses(wanted) {
      const now = await found(kernel);
      if (!now) return;
      const outcomes = await kernel.apply(steps(now, wanted));
      const refused = outcomes.find(({ result }) => result !== 'done');
      if (!refused) return;
      throw new TsflannelError('KERNEL_REFUSED', {
        detail: `address of ${DOCKER_BRIDGE}`,
        why: refused.error ?? refused.result,
      });
    },
  };
}
