/** Mocha's spec reporter that also says which files took longest, set-up included, and leaves the counts, the failures and what each failed file counted in TUNESMITH_REPORT, so that suites can be added up. */
const { reporters } = require('mocha');
const fs = require('node:fs');
const path = require('node:path');

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const failed = [];
    const files = {};
    const count = (test, key) => {
      let file = test.file ?? '';
      for (let suite = test.parent; !file && suite; suite = suite.parent) file = suite.file ?? '';
      const name = file && path.relative(process.cwd(), file);
      files[name] ??= { passed: 0, failed: 0, skipped: 0 };
      files[name][key]++;
    };
    runner.on('pass', test => count(test, 'passed'));
    runner.on('pending', test => count(test, 'skipped'));
    runner.on('fail', (test, error) => {
      count(test, 'failed');
      failed.push(`${test.fullTitle()}\n${String(error?.stack ?? error).slice(0, 1500)}`);
    });
    const seconds = [];
    let started = 0;
    runner.on('suite', suite => {
      if (suite.parent?.root) started = Date.now();
    });
    runner.on('suite end', suite => {
      if (suite.parent?.root) seconds.push([suite.title, (Date.now() - started) / 1000]);
    });
    runner.once('end', () => {
      const slowest = seconds.sort((a, b) => b[1] - a[1]).slice(0, 15);
      if (slowest[0]?.[1] > 20)
        console.log(`  slowest: ${slowest.map(([title, time]) => `${title} ${time.toFixed(0)} s`).join('; ')}\n`);
      const file = process.env.TUNESMITH_REPORT;
      const { passes, failures, pending } = this.stats;
      if (file)
        fs.writeFileSync(
          file,
          JSON.stringify({
            passed: passes,
            failed: failures,
            skipped: pending,
            failures: failed,
            failedFiles: Object.fromEntries(Object.entries(files).filter(([, counts]) => counts.failed)),
          }),
        );
    });
  }
};
