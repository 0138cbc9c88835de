/** `tunesmith` on the command line. */
import { runCommandLine } from './program.ts';

if (Number.parseInt(process.versions.node, 10) < 22) {
  process.stderr.write(`Tunesmith needs Node 22 or newer; this is ${process.version}.\n`);
  process.exit(1);
}
// `| head` closes the pipe: that is no error.
process.stdout.on('error', error => {
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(0);
  throw error;
});
process.exitCode = await runCommandLine(process.argv.slice(2));
// Child processes and pipes that are still closing must not hold the terminal.
setTimeout(() => process.exit(), 500).unref();
