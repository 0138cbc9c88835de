/** The template, rows and examples that a past run was made with, from what it kept. */
import * as vscode from 'vscode';
import { HumanError } from '../../base/errors.ts';
import { readBank } from '../../core/datasets/bank.ts';
import { readRows } from '../../core/datasets/rows.ts';
import type { RunSpecification } from '../../core/runs/runRecord.ts';
import type { Setup } from '../../protocol/playground.ts';
import { readInput } from '../../storage/runInputs.ts';
import type { Services } from '../services.ts';
import type { LoadedTemplate } from './loadedTemplate.ts';
import { loadTemplate } from './playgroundTemplate.ts';

export interface Past {
  readonly loaded: LoadedTemplate;
  readonly others: ReadonlyMap<string, LoadedTemplate>;
}

/** Rejects with a HumanError where the rows or examples of then are neither kept nor those of now. */
export async function pastOf(
  services: Services,
  uri: vscode.Uri,
  { then, now, setup }: { readonly then: RunSpecification; readonly now: RunSpecification; readonly setup: Setup },
): Promise<Past> {
  const load = (at: vscode.Uri, text: string): Promise<LoadedTemplate> => loadTemplate(at, text, services.approvals);
  let loaded = await load(uri, then.template.text);
  const text = async (file: RunSpecification['data'], today: RunSpecification['data']): Promise<string | undefined> => {
    if (!file || file.hash === today?.hash) return undefined;
    const kept = await readInput(services.layout(uri), file.hash, file.file);
    if (kept !== undefined) return kept;
    throw new HumanError(
      vscode.l10n.t('“{0}” is not what it was when this run was made, and no copy of it was kept.', file.file),
    );
  };
  const rows = await text(then.data, now.data);
  if (rows !== undefined) loaded = { ...loaded, rows: readRows(rows, then.data!.file) };
  const bank = await text(then.bank, now.bank);
  if (bank !== undefined) loaded = { ...loaded, bank: readBank(bank, then.bank!.file) };
  const others = new Map<string, LoadedTemplate>();
  for (const variant of setup.variants) {
    if (variant.kind !== 'template') continue;
    const at = vscode.Uri.parse(variant.file);
    const file = vscode.workspace.asRelativePath(at, false).replaceAll('\\', '/');
    const kept = then.others.find(other => other.file === file);
    if (kept) others.set(variant.file, await load(at, kept.text));
  }
  return { loaded, others };
}
