#!/usr/bin/env node
/** `tunesmith` on the command line. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { errorMessage } from '../base/errors.ts';
import { diskError } from '../storage/fileSystem.ts';
import { runCommandLine } from './program.ts';

// A checkout brings a newer Node along: where the machine's own is too old, that one takes over.
if (Number.parseInt(process.versions.node, 10) < 22) {
  const newer = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
  if (existsSync(newer)) {
    const argv = [fileURLToPath(import.meta.url), ...process.argv.slice(2)];
    process.exit(spawnSync(newer, argv, { stdio: 'inherit' }).status ?? 1);
  }
  process.stderr.write(`Tunesmith needs Node 22 or newer; this is ${process.version}.\n`);
  process.exit(1);
}
// `| head` closes the pipe: that is no error. Anything else (a full disk behind `>`) is one, and the output is not whole.
process.stdout.on('error', error => {
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(0);
  process.stderr.write(`${errorMessage(diskError(error, 'stdout'))}\n`);
  process.exit(1);
});
process.exitCode = await runCommandLine(process.argv.slice(2));
// Child processes and pipes that are still closing must not hold the terminal.
setTimeout(() => process.exit(), 500).unref();
