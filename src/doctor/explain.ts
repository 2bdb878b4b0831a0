import { ERRORS, type ErrorEntry } from '../errors.ts';
import { LOG_EVENTS, type LogEvent } from '../model/log-events.ts';
import { REJECTIONS } from '../model/rejections.ts';
import { CHECKS } from './doctor.ts';

/** What `explain` says of a name: that of an error, of a check, of an event in the log, or why a value in etcd is refused. */
export interface Explanation {
  readonly code: string;
  readonly kind: 'error' | 'check' | 'event' | 'rejection';
  readonly what: string;
  readonly why: string;
  readonly fix: readonly string[];
  /** Exit status of an error. */
  readonly exit?: number;
}

/** Places for details: `{detail}` becomes `<detail>`. */
const open = (text: string): string => text.replace('{command}', 'tsflannel …').replace(/\{(\w+)\}/g, '<$1>');

/** Errors whose reason is known only where they happen. */
const reason = (why: string): string => (why === '{detail}' ? 'the message says it' : open(why));

const errors = Object.entries(ERRORS as Record<string, ErrorEntry>).map(
  ([code, { exit, what, why, fix }]): Explanation => ({
    ...{ code, kind: 'error', what: open(what), why: reason(why), fix: fix.map(open), exit },
  }),
);

const checks = CHECKS.map(
  ({ id, title, why, fix }): Explanation => ({ code: id, kind: 'check', what: title, why, fix }),
);

const events = Object.entries(LOG_EVENTS as Record<string, LogEvent>).map(
  ([code, { what, why, fix }]): Explanation => ({ code, kind: 'event', what, why, fix }),
);

const rejections = Object.entries(REJECTIONS).map(
  ([code, meaning]): Explanation => ({ code, kind: 'rejection', ...meaning }),
);

/** Everything that has a name. */
export const EXPLANATIONS: readonly Explanation[] = [...errors, ...checks, ...events, ...rejections];

const plain = (code: string): string => code.toLowerCase().replaceAll('_', '-');

/** All that is called so, in whatever case; a check and an event may share a name. */
export const explain = (code: string): readonly Explanation[] =>
  EXPLANATIONS.filter((one) => plain(one.code) === plain(code));

/** Letters to be put in, taken out or changed to make one text of the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length]!;
}

const MAX_LENGTH = 40;
const MAX_NEAR = 4;

/** Names like this one, the nearest first: those that hold it, and those it is a slip of. */
export function near(code: string): readonly string[] {
  const wanted = plain(code).slice(0, MAX_LENGTH);
  const scored = [...new Set(EXPLANATIONS.map((one) => one.code))].map((name) => {
    const holds = wanted.length >= 3 && plain(name).includes(wanted);
    // The shortest of those that hold it come first.
    return { name, score: holds ? 1 + name.length / 100 : distance(wanted, plain(name)) };
  });
  const limit = Math.max(2, Math.floor(wanted.length / 3));
  const close = scored.filter(({ score }) => score <= limit).sort((a, b) => a.score - b.score);
  return close.slice(0, MAX_NEAR).map(({ name }) => name);
}
