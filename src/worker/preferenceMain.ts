/**
 * The child process that reads all preference data for one question: figures of charts, findings, an export. It opens the journal
 * of its own, answers, and ends; whoever no longer waits kills it.
 */
import * as v from 'valibot';
import { errorMessage, isHumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { figures } from '../core/preferences/browse/figures.ts';
import { leakOf } from '../core/preferences/findings.ts';
import { requireChecked } from '../core/preferences/judgeChoice.ts';
import { judgeReports } from '../core/preferences/judgeReport.ts';
import { parseSplits, type Split } from '../core/preferences/splits.ts';
import {
  type ExportChoice,
  type PreferenceReply,
  type PreferenceRequest,
  PreferenceRequestSchema,
} from '../protocol/preferenceFigures.ts';
import { checkPreferences, exportPreferences, planExport } from '../storage/exchange/exportPreferences.ts';
import { PreferenceJournal } from '../storage/preferenceJournal.ts';
import { workspaceLayout } from '../storage/workspaceLayout.ts';

process.once('message', message => {
  void answer(v.parse(PreferenceRequestSchema, message)).then(
    result => reply({ type: 'result', result }),
    error => reply({ type: 'failure', message: errorMessage(error), human: isHumanError(error) }),
  );
});
// Whoever asked is gone.
process.once('disconnect', () => process.exit(0));

function reply(message: PreferenceReply): void {
  process.send?.(message, undefined, {}, () => process.exit(0));
}

async function answer(request: PreferenceRequest): Promise<unknown> {
  l10n.config(request.bundle);
  // Nothing is written to the journal, so that the name counts for nothing.
  const { state } = await PreferenceJournal.open(workspaceLayout(request.root), { author: '' });
  switch (request.method) {
    case 'figures':
      return figures(state, { filter: request.filter, splits: splitsOf(request.splits) ?? [] });
    case 'check':
      return checkPreferences(state, {
        splits: splitsOf(request.splits),
        maxTokens: request.maxTokens ?? undefined,
        filter: { judges: 'include' },
      });
    case 'plan':
      return planExport(state, optionsOf(request.choice));
    case 'export': {
      const options = optionsOf(request.choice);
      // As on the command line: what a judge is worth must be known before its labels are trained on.
      if (options.filter.judges !== 'exclude') requireChecked(judgeReports(state, { set: options.set }));
      const leak = request.allowLeaks ? undefined : leakOf(checkPreferences(state, options));
      return leak ? { leak: leak.kind, count: leak.count } : exportPreferences(state, request.path, options);
    }
  }
}

const splitsOf = (text: string): Split[] | undefined => (text.trim() === '' ? undefined : parseSplits(text));

const optionsOf = ({ format, set, judges, splits, redact }: ExportChoice) => ({
  format,
  set: set ?? undefined,
  filter: { judges },
  splits: splitsOf(splits),
  redact,
});
