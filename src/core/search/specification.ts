/** A search as a person asks for it, made ready to run: target, splits and everything that its result hangs on. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { ExampleBank } from '../datasets/bank.ts';
import type { DataRow } from '../datasets/rows.ts';
import type { Template } from '../prompts/template.ts';
import type { ModelDescription } from '../textGenerator.ts';
import { callsOf } from './evaluate.ts';
import type { Metric, SearchOptions } from './options.ts';
import { type SplitSizes, splitRows } from './splits.ts';
import { type TargetKind, targetOf } from './target.ts';

interface SearchRequest extends SplitSizes {
  readonly template: Template;
  readonly rows: readonly DataRow[];
  readonly bank?: ExampleBank;
  readonly model: ModelDescription;
  readonly proposer?: ModelDescription;
  readonly target?: TargetKind;
  readonly budget: number;
  readonly seed: number;
  readonly metric: Metric;
  readonly given: readonly string[];
}

export interface PreparedSearch {
  readonly options: SearchOptions;
  /** Plain data: two searches with equal specifications have the same result. */
  readonly specification: unknown;
}

/** Throws a HumanError for what cannot be searched. */
export function prepareSearch(request: SearchRequest): PreparedSearch {
  const { template, rows, bank, model, proposer, budget, seed, metric, given, dev, heldOut } = request;
  const { expected } = template.tunesmith;
  if (expected === undefined || rows.some(({ values }) => values[expected] === undefined)) {
    const message =
      expected === undefined
        ? l10n.t('A search grades answers. Name the column of the right answer: “expected” under metadata.tunesmith.')
        : l10n.t('Some rows have no “{0}”, which “expected” names.', expected);
    throw new HumanError(message, { place: { file: template.file } });
  }
  const target = targetOf(template, request.target);
  return {
    options: {
      template,
      target,
      splits: splitRows(template, rows, seed, { dev, heldOut }),
      model: model.label,
      ...(proposer ? { proposer: proposer.label } : {}),
      budget,
      seed,
      metric,
      callsPerAnswer: callsOf(template, metric),
      // Small local models go on better than they follow; servers may refuse to.
      prefill: proposer?.kind === 'local',
      given,
    },
    specification: {
      kind: 'prompt-search',
      version: 1,
      template: template.text,
      rows: rows.map(({ values }) => values),
      bank: bank?.rows.map(({ values }) => values),
      model: model.id,
      proposer: proposer?.id,
      target: target.kind,
      budget,
      seed,
      metric,
      given,
      dev,
      heldOut,
    },
  };
}
