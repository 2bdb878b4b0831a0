import { paint } from './color.ts';
import type { JunitCase } from './junit.ts';

/** A finding as it is shown. */
interface Shown {
  readonly id: string;
  readonly group: string;
  readonly title: string;
  readonly result: 'ok' | 'warn' | 'fail' | 'skip';
  readonly evidence: string;
  readonly why: string;
  readonly fix: readonly string[];
}

const COLOR = { ok: 'green', warn: 'yellow', fail: 'red', skip: 'dim' } as const;

const count = (findings: readonly Shown[], result: Shown['result']): number =>
  findings.filter((one) => one.result === result).length;

/** `3 failed, 2 warnings, 50 ok, 8 skipped`. */
export const countsText = (findings: readonly Shown[]): string =>
  `${count(findings, 'fail')} failed, ${count(findings, 'warn')} warnings, ${count(findings, 'ok')} ok, ${count(findings, 'skip')} skipped`;

/** A fault in full: what was seen, why it hurts, what to type. */
const fault = ({ id, title, result, evidence, why, fix }: Shown): string =>
  [
    `${paint(COLOR[result], result)}  ${id}: not so: ${title}`,
    `      seen: ${evidence}`,
    `      why:  ${why}`,
    ...fix.map((line) => `      try:  ${line}`),
  ].join('\n');

const line = (one: Shown): string =>
  `${paint(COLOR[one.result], one.result.padEnd(4))}  ${one.id.padEnd(16)}  ${one.evidence}`;

/** Line one is the verdict; then what is wrong in full, failures first; with `all` the rest after it, a line each. */
export function doctorText(findings: readonly Shown[], all: boolean): string {
  const faults = [
    ...findings.filter(({ result }) => result === 'fail'),
    ...findings.filter(({ result }) => result === 'warn'),
  ];
  const rest = findings.filter(({ result }) => result === 'ok' || result === 'skip');
  return [
    countsText(findings),
    ...faults.flatMap((one) => ['', fault(one)]),
    ...(all ? ['', ...rest.map(line)] : []),
  ].join('\n');
}

/** The findings for a JUnit report; a warning is no failure. */
export const doctorCases = (findings: readonly Shown[]): readonly JunitCase[] =>
  findings.map(({ id, title, result, evidence, why, fix }) => ({
    name: `${id}: ${title}`,
    result,
    detail: result === 'fail' || result === 'warn' ? [evidence, why, ...fix].join('; ') : evidence,
  }));
