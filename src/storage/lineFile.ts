/** A file that two processes share: one appends whole lines, the other reads what is new. */
import { appendFile, open } from 'node:fs/promises';
import { diskError } from './fileSystem.ts';

/** Whole lines since byte `offset`, and where the next reading begins; a torn last line waits. No file has no lines. */
export async function linesSince(path: string, offset: number): Promise<{ lines: string[]; offset: number }> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { lines: [], offset: 0 };
    throw diskError(error, path);
  }
  try {
    const { size } = await file.stat();
    // Shorter than before: it is another file.
    const start = size < offset ? 0 : offset;
    const bytes = Buffer.alloc(size - start);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, start);
    const end = bytes.subarray(0, bytesRead).lastIndexOf(0x0a) + 1;
    const lines = bytes.subarray(0, end).toString('utf8').split('\n');
    return { lines: lines.filter(line => line.trim() !== ''), offset: start + end };
  } finally {
    await file.close();
  }
}

/** A line before them that a killed process left unfinished gets its end. */
export async function appendLines(path: string, values: readonly unknown[]): Promise<void> {
  if (values.length === 0) return;
  const text = values.map(value => `${JSON.stringify(value)}\n`).join('');
  try {
    await appendFile(path, (await endsTorn(path)) ? `\n${text}` : text, { flush: true });
  } catch (error) {
    throw diskError(error, path);
  }
}

async function endsTorn(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return false;
  try {
    const { size } = await file.stat();
    const last = Buffer.alloc(1);
    return size > 0 && (await file.read(last, 0, 1, size - 1)).bytesRead === 1 && last[0] !== 0x0a;
  } finally {
    await file.close();
  }
}
