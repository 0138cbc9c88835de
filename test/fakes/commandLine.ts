/** Runs `tunesmith` inside the test: what it writes is collected, keys are given as text. */
import { PassThrough, Writable } from 'node:stream';
import { runCommandLine } from '../../src/cli/program.ts';

export interface CommandLineResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandLineOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly keys?: string;
}

export async function tunesmith(
  argv: readonly string[],
  { cwd, env = {}, keys = '' }: CommandLineOptions,
): Promise<CommandLineResult> {
  const written = { stdout: '', stderr: '' };
  const collect = (name: 'stdout' | 'stderr') =>
    new Writable({
      decodeStrings: false,
      write(chunk: string, _, done) {
        written[name] += chunk;
        done();
      },
    });
  const stdin = new PassThrough();
  stdin.end(keys);
  const code = await runCommandLine(argv, {
    stdin: stdin as unknown as NodeJS.ReadStream,
    stdout: collect('stdout'),
    stderr: collect('stderr'),
    // The person's own folder is never the tester's.
    env: { TUNESMITH_HOME: `${cwd}/home`, ...env },
    cwd,
  });
  return { code, ...written };
}
