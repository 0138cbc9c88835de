/** Figures that a slow test leaves for docs/verification.md: one Markdown section a file, in the order of the names. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';

/** Whether this run is the quick part that every submission waits for. */
export const quick = process.env.TUNESMITH_QUICK === '1';

export function recordFigures(name: string, markdown: string): void {
  const folder = process.env.TUNESMITH_FIGURES;
  if (folder) writeFileSync(path.join(folder, `${name}.md`), `## ${name}\n\n${markdown.trim()}\n`);
}
