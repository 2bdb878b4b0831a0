import { askIfRunning } from '../control/client.ts';
import { TsflannelError } from '../errors.ts';

/** Throws ALREADY_RUNNING when a daemon answers in this run folder. */
export async function refuseSecond(runDir: string): Promise<void> {
  const running = await askIfRunning(runDir, 'ping');
  if (running) throw new TsflannelError('ALREADY_RUNNING', { pid: running.pid });
}
