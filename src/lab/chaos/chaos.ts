/**
 * lab/chaos/ knows faults: what is done to a lab, what may be lost meanwhile, and how soon all must be well again. It watches from outside, by
 * packets, files, the kernel's tables and the control socket; it must not know how the daemon works inside, so that another daemon can be
 * put to the same faults.
 */
import type { Budget } from '../../model/fault-figures.ts';
import type { Backend, Stage } from './stage.ts';

/** One thing that goes wrong. */
export interface Fault {
  /** Row of the fault matrix in docs/reliability.md. */
  readonly row: number;
  readonly name: string;
  /** One line: what is done. */
  readonly about: string;
  readonly budget: (backend: Backend) => Budget;
  /** Backends it means something for; absent: all. */
  readonly backends?: readonly Backend[];
  /** Nodes (from 1) whose containers' pairs may lose packets; between the others nothing may be lost. Absent: all. */
  readonly hits?: readonly number[];
  /** It is done where containers are Docker's, on a ground of its own: what two of one bridge lose of each other's packets all may lose. */
  readonly docker?: true;
  /** Lines of a host about what is made anew by others than the subject, with other numbers. */
  readonly anew?: readonly RegExp[];
  /** Only tsflannel can be asked for it. */
  readonly ownOnly?: true;
  /** Does it, and undoes it: when this resolves, the fault is over. Throws where something is not as promised. */
  run(stage: Stage): Promise<void>;
  /** Besides the plan being empty: what must have come about by the end. */
  healed?(stage: Stage): Promise<boolean>;
  /** Takes back what had to stay until all was well, and checks what can be checked only then. */
  undo?(stage: Stage): Promise<void>;
  /** It needs the folder of another version. */
  readonly formerOnly?: true;
  /** It is about subnet.env itself, which is broken by it. */
  readonly tears?: true;
}

/** Milliseconds of the machine's monotonic clock, which all processes on it share. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;
