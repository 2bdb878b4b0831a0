import { constants } from 'node:os';

/** Exit statuses and what they say; every error has one of them. */
export const EXITS: Readonly<Record<number, string>> = {
  0: 'well',
  1: 'failed',
  2: 'the command line or a config is not valid',
  3: 'not found',
  4: 'root is needed',
  5: 'credentials are refused',
  6: 'in conflict with what is there, or used up',
  7: 'the plan is not empty (`plan --detailed-exitcode`), or a budget was exceeded (`lab chaos`)',
  8: 'degraded',
  9: 'down',
  69: 'a service does not answer',
  75: 'timed out',
  130: 'stopped by the user (Ctrl-C)',
  141: 'who read the output has gone',
  143: 'ended by SIGTERM',
};

/** Of Ctrl-C, as shells say it: 128 + SIGINT. */
export const INTERRUPTED = 130;

/** Of one whom it ended, as shells say it. */
export const exitOfSignal = (signal: NodeJS.Signals): number => 128 + constants.signals[signal];
