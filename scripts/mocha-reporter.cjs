/** mocha's spec reporter, which also writes how many tests passed, failed and were skipped to the file in TSFLANNEL_TEST_COUNTS. */
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = function countingReporter(runner, options) {
  const spec = new reporters.Spec(runner, options);
  runner.once('end', () => {
    const { passes, failures, pending } = spec.stats;
    writeFileSync(process.env.TSFLANNEL_TEST_COUNTS, JSON.stringify({ passes, failures, pending }));
  });
  return spec;
};
