/** Asks before a model is asked many questions, or paid ones. */
import * as vscode from 'vscode';
import { priceOf, pricesOf } from '../core/evaluation/prices.ts';
import type { ModelDescription } from '../core/textGenerator.ts';
import { setting } from './config.ts';

/** `tokens`: of each answer at most. Local models cost nothing but time, which the progress shows: they are asked at once. */
export async function mayAskMany(
  { label, ...model }: ModelDescription,
  questions: number,
  tokens: number,
): Promise<boolean> {
  const price = priceOf(pricesOf(setting('prices')), model);
  if (model.kind === 'local') return true;
  const most = price && (questions * tokens * price.output) / 1e6;
  if (questions <= setting('forecastCalls') && most !== undefined && most <= setting('forecastCost')) return true;
  const ask = vscode.l10n.t('Ask');
  const detail = [
    vscode.l10n.t('at most {0} tokens out', (questions * tokens).toLocaleString(vscode.env.language)),
    ...(most ? [vscode.l10n.t('at most {0} dollars for them', most.toFixed(2))] : []),
  ].join(', ');
  const answer = await vscode.window.showInformationMessage(
    vscode.l10n.t('Ask {0} up to {1} questions?', label, questions),
    { modal: true, detail },
    ask,
  );
  return answer === ask;
}
