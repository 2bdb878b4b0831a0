import assert from 'node:assert/strict';
import { junit } from '../../../src/output/junit.ts';

describe('junit', () => {
  it('counts, and keeps what would break the document out of it', () => {
    const report = junit('a "suite"', [
      { name: 'one', result: 'ok' },
      { name: '<two>', result: 'fail', detail: 'a & b\u0000\u001b[31m' },
      { name: 'three', result: 'skip', detail: 'not here' },
      { name: 'four', result: 'warn', detail: 'hm' },
    ]);
    assert.equal(
      report,
      `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="a &quot;suite&quot;" tests="4" failures="1" skipped="1">
    <testcase name="one"/>
    <testcase name="&lt;two&gt;">
      <failure message="a &amp; b[31m"/>
    </testcase>
    <testcase name="three">
      <skipped message="not here"/>
    </testcase>
    <testcase name="four">
      <system-out>hm</system-out>
    </testcase>
  </testsuite>
</testsuites>
`,
    );
  });
});
