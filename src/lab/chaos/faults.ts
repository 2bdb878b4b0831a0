import type { Fault } from './chaos.ts';
import { DAEMON_FAULTS } from './fault-daemon.ts';
import { ETCD_FAULTS } from './fault-etcd.ts';
import { HOST_FAULTS } from './fault-host.ts';
import { KERNEL_FAULTS } from './fault-kernel.ts';
import { LEASE_FAULTS } from './fault-lease.ts';
import { UNDERLAY_FAULTS } from './fault-underlay.ts';
import type { Backend } from './stage.ts';

const ALL = [DAEMON_FAULTS, ETCD_FAULTS, LEASE_FAULTS, KERNEL_FAULTS, UNDERLAY_FAULTS, HOST_FAULTS];

/** All faults, by row. */
export const FAULTS: readonly Fault[] = ALL.flat().sort((a, b) => a.row - b.row);

/** What to run: rows of the matrix or names of faults (none: all), as far as they mean something for the backend and the subject. */
export const faultsFor = (which: readonly string[], backend: Backend, own: boolean): readonly Fault[] =>
  FAULTS.filter(
    ({ row, name, backends, ownOnly }) =>
      (which.length === 0 || which.includes(String(row)) || which.includes(name)) &&
      (backends?.includes(backend) ?? true) &&
      (own || !ownOnly),
  );
