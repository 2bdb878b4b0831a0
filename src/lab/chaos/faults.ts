import type { Fault } from './chaos.ts';
import { CONFIG_FAULTS } from './fault-config.ts';
import { CROWD_FAULTS } from './fault-crowd.ts';
import { DAEMON_FAULTS } from './fault-daemon.ts';
import { DOCKER_FAULTS } from './fault-docker.ts';
import { ETCD_FAULTS } from './fault-etcd.ts';
import { FILE_FAULTS } from './fault-files.ts';
import { FORGED_FAULTS } from './fault-forged.ts';
import { KERNEL_FAULTS } from './fault-kernel.ts';
import { LEASE_FAULTS } from './fault-lease.ts';
import { POINT_FAULTS } from './fault-points.ts';
import { REST_FAULTS } from './fault-rest.ts';
import { SQUEEZE_FAULTS } from './fault-squeeze.ts';
import { UNDERLAY_FAULTS } from './fault-underlay.ts';
import type { Backend } from './stage.ts';

const ALL = [
  DAEMON_FAULTS,
  POINT_FAULTS,
  FORGED_FAULTS,
  CROWD_FAULTS,
  DOCKER_FAULTS,
  ETCD_FAULTS,
  LEASE_FAULTS,
  KERNEL_FAULTS,
  UNDERLAY_FAULTS,
  FILE_FAULTS,
  SQUEEZE_FAULTS,
  CONFIG_FAULTS,
  REST_FAULTS,
];

const FAULTS: readonly Fault[] = ALL.flat().sort((a, b) => a.row - b.row);

/** Faults of these rows of the matrix, or of these names; none given: all. */
export const listFaults = (which: readonly string[]): readonly Fault[] =>
  FAULTS.filter((fault) => which.length === 0 || isAskedFor(fault, which));

/** Another daemon can be put to it; Docker is given its options by tsflannel's own command. */
const isForAny = ({ ownOnly, docker }: Fault): boolean => !ownOnly && !docker;

/** The same as `--list` tells them. */
export const describeFaults = (which: readonly string[]) =>
  listFaults(which).map((fault) => ({
    row: fault.row,
    name: fault.name,
    about: fault.about,
    anyDaemon: isForAny(fault),
  }));

/** What to run them on. */
export interface Capable {
  readonly backend: Backend;
  /** The subject is tsflannel. */
  readonly own: boolean;
  /** There is another version of it. */
  readonly former: boolean;
}

/** Whether it is among them because it, or its row, was asked for. */
export const isAskedFor = ({ row, name }: Fault, which: readonly string[]): boolean =>
  which.includes(String(row)) || which.includes(name);

/** Those of them that mean something there. */
export const faultsFor = (which: readonly string[], { backend, own, former }: Capable): readonly Fault[] =>
  listFaults(which).filter(
    (fault) => (fault.backends?.includes(backend) ?? true) && (own || isForAny(fault)) && (former || !fault.formerOnly),
  );
