/** One case of a JUnit report. */
export interface JunitCase {
  readonly name: string;
  /** `fail` is a failure, `skip` is skipped, all else passed. */
  readonly result: 'ok' | 'warn' | 'fail' | 'skip';
  /** What went wrong, or what was seen. */
  readonly detail?: string;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text in XML 1.0, which has no control characters. */
const xml = (text: string): string =>
  text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replace(/[&<>"]/g, (sign) => ENTITIES[sign] ?? '');

function caseXml({ name, result, detail = '' }: JunitCase): string {
  const head = `    <testcase name="${xml(name)}"`;
  const text = xml(detail);
  if (result === 'fail') return `${head}>\n      <failure message="${text}"/>\n    </testcase>`;
  if (result === 'skip') return `${head}>\n      <skipped message="${text}"/>\n    </testcase>`;
  return text === '' ? `${head}/>` : `${head}>\n      <system-out>${text}</system-out>\n    </testcase>`;
}

/** A JUnit report of one suite, as CI servers read it. */
export function junit(suite: string, cases: readonly JunitCase[]): string {
  const count = (result: JunitCase['result']): number => cases.filter((one) => one.result === result).length;
  const attributes = `tests="${cases.length}" failures="${count('fail')}" skipped="${count('skip')}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    `  <testsuite name="${xml(suite)}" ${attributes}>`,
    ...cases.map(caseXml),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}
