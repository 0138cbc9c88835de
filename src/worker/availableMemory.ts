/** How much memory this process may still take: what the computer has free, within what its container allows. */
import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';

/** Sets the limit by hand, for the whole process, e.g. `4GB` or a number of bytes. */
export const limitVariable = 'TUNESMITH_MEMORY_LIMIT';

/**
 * Bytes, below 0 where the limit that was set is exceeded. Page cache counts as free: the system gives it up when memory is asked for. `root` stands for `/` in tests.
 * Source: Linux `Documentation/admin-guide/cgroup-v2.rst`.
 */
export function availableMemory(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  root = '/',
): number {
  const set = environment[limitVariable];
  if (set !== undefined && set !== '') return parseLimit(set) - process.memoryUsage.rss();
  return Math.min(freeMemory(root), ...cgroupRoom(root));
}

function parseLimit(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(GB|MB)?$/i.exec(text.trim());
  if (!match) {
    throw new HumanError(
      l10n.t('{0} must be a number of bytes or something like 4GB, not “{1}”.', limitVariable, text),
    );
  }
  const unit = { GB: 1e9, MB: 1e6 }[match[2]?.toUpperCase() ?? ''] ?? 1;
  return Number(match[1]) * unit;
}

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

function freeMemory(root: string): number {
  const kilobytes = /^MemAvailable:\s+(\d+) kB/m.exec(read(`${root}proc/meminfo`) ?? '')?.[1];
  return kilobytes === undefined ? freemem() : Number(kilobytes) * 1024;
}

/** What the control groups of this process leave, from its own up to the root; nothing where there are no limits. */
function cgroupRoom(root: string): number[] {
  const own = /^0::(\/.*)$/m.exec(read(`${root}proc/self/cgroup`) ?? '')?.[1] ?? '/';
  const rooms: number[] = [];
  for (let path = own; ; path = path.slice(0, path.lastIndexOf('/'))) {
    const folder = `${root}sys/fs/cgroup${path === '/' ? '' : path}`;
    const limit = Number(read(`${folder}/memory.max`) ?? Number.NaN);
    const used = Number(read(`${folder}/memory.current`) ?? Number.NaN);
    // “max” is no number: there is no limit.
    if (Number.isFinite(limit) && Number.isFinite(used)) {
      const statistics = read(`${folder}/memory.stat`) ?? '';
      const cached = ['inactive_file', 'active_file'].map(name =>
        Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(statistics)?.[1] ?? 0),
      );
      rooms.push(Math.max(0, limit - used + cached[0]! + cached[1]!));
    }
    if (path === '/' || path === '') return rooms;
  }
}
