/** Mocha's spec reporter that also leaves the counts in TUNESMITH_REPORT, so that suites can be added up. */
const { reporters } = require('mocha');
const fs = require('node:fs');

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const file = process.env.TUNESMITH_REPORT;
      const { passes, failures, pending } = this.stats;
      if (file) fs.writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
    });
  }
};
