/** What an approval is kept under, and the words that ask for it. */
import * as vscode from 'vscode';
import { originOf, type Reference } from '../core/prompts/references.ts';

export type ApprovalKind = 'env' | 'file' | 'origin';

export function keyOf(reference: Reference): [ApprovalKind, string] {
  switch (reference.kind) {
    case 'env':
      return ['env', reference.name];
    case 'file':
      return ['file', reference.file];
    case 'endpoint':
      return ['origin', originOf(reference.address) ?? reference.address];
  }
}

/** One line for the list of what waits, and the dialog's words. */
export function words(reference: Reference, template: string): { question: string; detail: string } {
  switch (reference.kind) {
    case 'env':
      return {
        question: vscode.l10n.t('Let “{0}” read the environment variable {1}?', template, reference.name),
        detail: vscode.l10n.t('Its value becomes part of the prompt and is sent to the models that you choose.'),
      };
    case 'file':
      return {
        question: vscode.l10n.t('Let “{0}” read the file {1}?', template, reference.file),
        detail: vscode.l10n.t('Its content becomes part of the prompt and is sent to the models that you choose.'),
      };
    case 'endpoint':
      return {
        question: vscode.l10n.t(
          'Let “{0}” send its prompts to {1}?',
          template,
          originOf(reference.address) ?? reference.address,
        ),
        detail: vscode.l10n.t(
          'The rendered prompt with its inputs and examples is sent there. You did not configure this server; the template names it.',
        ),
      };
  }
}
