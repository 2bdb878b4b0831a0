import { TsflannelError } from '../errors.ts';
import { canAsk, openAsk } from './ask.ts';

/** Asks before something that cannot be taken back; `yes` answers for the user. Throws NEEDS_CONFIRMATION or ABORTED. */
export async function confirm(detail: string, yes: boolean): Promise<void> {
  if (yes) return;
  if (!canAsk()) throw new TsflannelError('NEEDS_CONFIRMATION', { detail });
  const ask = await openAsk();
  if (!(await ask.confirm(`${detail}. Go on?`, false))) throw new TsflannelError('ABORTED');
}
