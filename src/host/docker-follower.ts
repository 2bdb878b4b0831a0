import type { DaemonParts, LeaseFollower } from '../daemon/node.ts';
import { applyDocker } from '../docker/apply.ts';
import { bridgeOf } from '../docker/bridge.ts';
import { followLease } from '../docker/follow.ts';
import type { DockerPlace } from '../docker/gather.ts';

/** `up --docker`: `docker apply` on the daemon's own kernel, without questions; what it would ask a person for, it refuses. */
export const dockerFollower = (
  { kernel, clock, log }: Pick<DaemonParts, 'kernel' | 'clock' | 'log'>,
  place: DockerPlace & { readonly subnetFile: string },
): LeaseFollower =>
  followLease({
    clock,
    log,
    apply: (change, signal) =>
      applyDocker(
        { ...place, ...change, wish: {}, stopContainers: false, onlyRunning: true },
        {
          bridge: bridgeOf(kernel),
          signal,
          notice: (line) => log('docker', line),
          confirm: async () => undefined,
        },
      ),
  });
