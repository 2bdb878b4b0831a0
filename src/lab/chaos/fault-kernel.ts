import type { Fault } from './chaos.ts';
import type { Backend, Stage } from './stage.ts';

/** Rows about somebody who changes what is ours in the kernel: with `ip` by hand, as another program would. */

const VICTIM = 4;

const vandal = (
  name: string,
  about: string,
  run: (stage: Stage) => Promise<unknown>,
  backends?: readonly Backend[],
): Fault => ({
  row: 16,
  name,
  about,
  budget: () => ({ gapMs: 1_000, healMs: 1_000 }),
  hits: [VICTIM],
  ...(backends && { backends }),
  run: async (stage) => void (await run(stage)),
});

/** The first route of the daemon to a peer, as `ip` takes it. */
async function peerRoute({ run }: Stage): Promise<string[]> {
  const text = await run(VICTIM, 'ip', 'route', 'show', 'root', '10.97.0.0/16', 'proto', '241');
  const [line = ''] = text.split('\n').filter((each) => each.trim() !== '');
  return line.trim().split(/\s+/);
}

export const KERNEL_FAULTS: readonly Fault[] = [
  vandal('route-deleted', 'one route to a peer is deleted', async (stage) =>
    stage.run(VICTIM, 'ip', 'route', 'del', (await peerRoute(stage))[0] ?? ''),
  ),
];
