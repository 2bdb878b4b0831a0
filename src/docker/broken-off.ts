import { TsflannelError } from '../errors.ts';
import type { Container } from './api.ts';
import type { Gathered } from './gather.ts';
import { type Journal, writeJournal } from './journal.ts';
import { type DockerHost, startAgain } from './switch.ts';

/** The journal before a switch and after it, and the containers that are to run again then. */
interface Entries {
  readonly journal: Journal | undefined;
  readonly next: Journal;
  readonly running: readonly Container[];
}

/**
 * Does a switch with what it takes to end it written down first: a run that is killed is ended by the next one, be it apply or revert.
 * One that fails and puts everything back leaves the journal as it was.
 */
export async function journaled(
  stateDir: string,
  { journal, next, running }: Entries,
  work: () => Promise<void>,
): Promise<void> {
  await writeJournal(stateDir, { ...next, stopped: running });
  try {
    await work();
  } catch (error) {
    const restored = error instanceof TsflannelError && error.code !== 'DOCKER_NOT_RESTORED';
    if (restored) await writeJournal(stateDir, journal && { ...journal, stopped: undefined });
    throw error;
  }
  await writeJournal(stateDir, { ...next, stopped: undefined });
}

/** A run that was broken off after it had started dockerd anew has left its containers. */
export async function finishFormer(
  stateDir: string,
  { journal, api }: Gathered,
  { notice }: Pick<DockerHost, 'notice'>,
): Promise<void> {
  if (!journal?.stopped) return;
  await startAgain({ api, notice }, journal.stopped);
  await writeJournal(stateDir, { ...journal, stopped: undefined });
}
