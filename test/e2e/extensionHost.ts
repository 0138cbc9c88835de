/** The real extension host among the processes of a server, to watch it and to kill it. */
import { readdirSync, readFileSync } from 'node:fs';

/** Process numbers of the extension hosts that this server started; zombies are none. */
export function extensionHosts(server: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      const [state, parent] = readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ');
      if (state !== 'Z' && state !== 'X') parents.set(pid, Number(parent));
    } catch {
      // It ended while we looked.
    }
  }
  const belongs = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at))
      if (at === server) return true;
    return false;
  };
  return [...parents.keys()].filter(pid => belongs(pid) && commandLine(pid).includes('--type=extensionHost'));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
