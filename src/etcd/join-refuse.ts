import type { Parsed } from '../model/parsed.ts';
import type { Reply } from './join-server.ts';

const fail = (status: number, code: string, detail: string): Reply => ({
  status,
  body: JSON.stringify({ code, detail }),
});

/** A refusal on its way out: what the one who asked is told. */
export class Refused extends Error {
  readonly reply: Reply;
  constructor(reply: Reply) {
    super(reply.body);
    this.reply = reply;
  }
}

export const refuse = (status: number, code: string, detail: string): Refused =>
  new Refused(fail(status, code, detail));

export function unwrap<T>(parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw refuse(400, 'BAD_REQUEST', `${parsed.rejection.where}: ${parsed.rejection.detail}`);
}
