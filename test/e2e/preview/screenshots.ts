/** Pictures for the eye, in .cache/screenshots. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export function saveScreenshot(name: string, image: Buffer): void {
  const folder = path.resolve(import.meta.dirname, '../../../.cache/screenshots');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, `${name}.png`), image);
}
