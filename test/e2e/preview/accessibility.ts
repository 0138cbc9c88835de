/** Checks a page with axe-core against WCAG 2.1 A and AA. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Frame, Page } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** One line a violation; none when the page is clean. `exclude`: selectors of parts that are not ours. */
export async function accessibilityProblems(page: Page | Frame, exclude: readonly string[] = []): Promise<string[]> {
  await page.evaluate(axe);
  const violations = await page.evaluate(
    async excluded => {
      type Axe = { run(context: unknown, options: unknown): Promise<{ violations: Violation[] }> };
      const { run } = (window as unknown as { axe: Axe }).axe;
      const context = { include: [['body']], exclude: excluded.map(selector => [selector]) };
      const { violations: found } = await run(context, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] });
      return found.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.slice(0, 3) }));
    },
    [...exclude],
  );
  return violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}: ${nodes.map(node => `${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`).join(' | ')}`,
  );
}
