/** Runs mocha inside the extension host and writes what it counted to the file that TUNESMITH_HOST_REPORT names. */
import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

export function runTests(load: () => void): Promise<void> {
  const mocha = new Mocha({ ui: 'bdd', timeout: 120_000, reporter: 'min' });
  mocha.suite.emit('pre-require', globalThis as unknown as Mocha.MochaGlobals, '', mocha);
  load();
  const lines: string[] = [];
  const failures: string[] = [];
  return new Promise((resolve, reject) => {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const runner = mocha.run(failed => {
      const file = process.env.TUNESMITH_HOST_REPORT;
      if (file) writeFileSync(file, JSON.stringify({ ...counts, lines, failures }));
      if (failed) reject(new Error(`${failed} tests failed.`));
      else resolve();
    });
    runner.on('pass', test => {
      counts.passed++;
      lines.push(`  ✔ ${test.fullTitle()}`);
    });
    runner.on('fail', (test, error) => {
      counts.failed++;
      const reason = String(error?.stack ?? error);
      lines.push(`  ✘ ${test.fullTitle()}`, reason);
      failures.push(`${test.fullTitle()}\n${reason.slice(0, 1500)}`);
    });
    runner.on('pending', () => counts.skipped++);
  });
}
