import { memoryKernel } from '../../src/kernel/memory/memory.ts';
import type { KernelObject, Observed, Plan } from '../../src/kernel/state.ts';
import type { Lease } from '../../src/model/lease.ts';
import { createReconciler } from '../../src/reconcile/reconciler.ts';
import { createTestClock } from './clock.ts';
import { sceneOf, underlay } from './scene.ts';
import { nodeLease } from './values.ts';

/** Node 1 of a host-gw network on a fake kernel; every applied plan is kept. */
export function reconcilerRig(config: Record<string, unknown> = { Backend: { Type: 'host-gw' } }) {
  const clock = createTestClock();
  const inner = memoryKernel();
  for (const object of underlay(1)) inner.foreign(object);
  const plans: Plan[] = [];
  const log: string[] = [];
  const kernel = {
    ...inner,
    apply(plan: Plan) {
      plans.push(plan);
      return inner.apply(plan);
    },
  };
  const asked: { resolve: (peers: ReadonlyMap<string, Lease>) => void; reject: (error: Error) => void }[] = [];
  const reconciler = createReconciler({
    kernel,
    clock,
    random: () => 0.5,
    confirm: () => new Promise((resolve, reject) => asked.push({ resolve, reject })),
    log: (event, detail) => log.push(`${event} ${detail}`),
  });
  const monitor = kernel.monitor((kinds) => reconciler.ring(kinds));
  return {
    clock,
    kernel,
    reconciler,
    plans,
    log,
    asked,
    monitor,
    scene: sceneOf(config),
    steps: () => plans.flat(),
    async seen(): Promise<ReadonlyMap<string, Observed>> {
      return inner.observe({ paths: ['/run/flannel/subnet.env'], sysctls: ['net.ipv4.ip_forward'] });
    },
    async close() {
      monitor.close();
      await reconciler.close();
    },
  };
}

/** Nodes 2 to `last`, each with the subnet of its number. */
export const peersTo = (last: number): Map<string, Lease> =>
  new Map(
    Array.from({ length: last - 1 }, (_, i) => {
      const lease = nodeLease(`10.5.${i + 2}.0/24`, i + 2, { type: 'host-gw' });
      return [lease.etcd.key, lease];
    }),
  );

export const routeKey = (number: number): string => `route/10.5.${number}.0/24/0`;

/** Somebody else's route to the subnet of node `number`. */
export const strangeRoute = (number: number, device = 'eth0'): KernelObject => {
  const { subnet } = nodeLease(`10.5.${number}.0/24`, number);
  return { kind: 'route', dst: subnet, device, onlink: false, metric: 0, protocol: 4 };
};

type Rig = ReturnType<typeof reconcilerRig>;

/** A started node with peers 2 to `last`; what was applied at the start is forgotten. */
export async function started(
  last: number,
  config?: Record<string, unknown>,
): Promise<Rig & { peers: ReturnType<typeof peersTo> }> {
  const rig = reconcilerRig(config);
  const peers = peersTo(last);
  await rig.reconciler.start(rig.scene, peers);
  rig.plans.length = 0;
  return { ...rig, peers };
}

/** Keys of all routes into the network. */
export const routesIn = async (rig: Rig): Promise<string[]> =>
  [...(await rig.seen()).keys()].filter((key) => /^route\/10\.5/.test(key)).sort();
