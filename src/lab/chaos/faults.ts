import type { Fault } from './chaos.ts';
import { DAEMON_FAULTS } from './fault-daemon.ts';
import { KERNEL_FAULTS } from './fault-kernel.ts';
import type { Backend } from './stage.ts';

/** All faults, by row. */
export const FAULTS: readonly Fault[] = [...DAEMON_FAULTS, ...KERNEL_FAULTS].sort((a, b) => a.row - b.row);

/** Those of these rows that mean something for the backend and the subject. */
export const faultsFor = (rows: readonly number[], backend: Backend, own: boolean): readonly Fault[] =>
  FAULTS.filter(
    ({ row, backends, ownOnly }) =>
      (rows.length === 0 || rows.includes(row)) && (backends?.includes(backend) ?? true) && (own || !ownOnly),
  );
