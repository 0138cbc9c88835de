/** The two models of a search: one writes candidates, the other is asked the template's questions and graded. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { ExampleBank } from '../datasets/bank.ts';
import type { DataRow } from '../datasets/rows.ts';
import type { MatchPattern } from '../evaluation/answers.ts';
import type { Ask } from '../evaluation/ask.ts';
import { Dispatcher } from '../evaluation/dispatch.ts';
import { type Cell, runCells, samplingOf } from '../evaluation/runCells.ts';
import { requireScores } from '../evaluation/score.ts';
import { afterPrompt, scoreOptionsOf } from '../evaluation/scoreTexts.ts';
import { defaultSampling } from '../generation.ts';
import type { RenderTemplate } from '../prompts/pieces.ts';
import { firstError } from '../prompts/promptyFile.ts';
import { renderPrompt } from '../prompts/render.ts';
import type { Template } from '../prompts/template.ts';
import type { GenerateRequest, TextGenerator } from '../textGenerator.ts';
import type { Metric } from './options.ts';
import type { RowResult, SearchHost } from './search.ts';
import { expectedText } from './splits.ts';

interface SearchModels {
  readonly model: TextGenerator;
  readonly proposer?: TextGenerator;
  readonly bank?: ExampleBank;
  readonly render: RenderTemplate;
  readonly match: MatchPattern;
  readonly seed: number;
  readonly signal?: AbortSignal;
}

/** Proposals are sampled: greedy ones would all be the same. */
const proposalTemperature = 0.9;
const proposalTokens = 60;

export function searchModels(models: SearchModels): Pick<SearchHost, 'write' | 'answer'> {
  // Without a cache: what was found is kept by the search itself, and a fresh one asks anew.
  const dispatcher = new Dispatcher();
  const ask = dispatcher.ask(models.model);
  const propose = models.proposer && dispatcher.ask(models.proposer);
  return {
    async write(requests) {
      const { seed, signal } = models;
      if (!propose) throw new Error('there is no proposing model');
      const generations = await texts(
        propose,
        requests.map(({ prompt, stopSequences, repeat }) => ({
          prompt,
          repeat,
          options: {
            ...defaultSampling,
            temperature: proposalTemperature,
            topP: 0.95,
            maxOutputTokens: proposalTokens,
            seed,
            stopSequences,
          },
        })),
        signal,
      );
      return generations;
    },
    answer: (template, rows, metric) =>
      metric === 'likelihood' ? likelihoods(models, template, rows) : answers(models, ask, template, rows),
  };
}

async function texts(
  ask: Ask,
  requests: readonly GenerateRequest[],
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const answered = await Promise.all(requests.map(request => ask(request, { signal })));
  return answered.map(({ generation }) => generation.text);
}

async function cellsOf({ render, bank }: SearchModels, template: Template, rows: readonly DataRow[]): Promise<Cell[]> {
  const { expected } = template.tunesmith;
  const options = samplingOf(template);
  const cells: Cell[] = [];
  for (const { values } of rows) {
    const { prompt, diagnostics } = await renderPrompt(template, { values, bank }, render);
    if (!prompt) throw firstError(template, diagnostics) ?? new Error('nothing rendered and nothing said');
    cells.push({ prompt, options, repeat: 0, expected: values[expected ?? ''] });
  }
  return cells;
}

async function answers(
  models: SearchModels,
  ask: Ask,
  template: Template,
  rows: readonly DataRow[],
): Promise<RowResult[]> {
  const { match, signal } = models;
  const cells = await cellsOf(models, template, rows);
  const results = await runCells(ask, template, template.tunesmith.reasoning.strategy, cells, { match, signal });
  return results.map(({ answer, correct, failure, problem }) => {
    // A row without an answer would be counted wrong for the candidate that met it.
    if (failure !== undefined) throw failure;
    if (problem) throw problem;
    return { score: correct ? 1 : 0, ...(answer === undefined ? {} : { answer }) };
  });
}

/** log p(expected answer | prompt) for each row, nats. */
async function likelihoods(models: SearchModels, template: Template, rows: readonly DataRow[]): Promise<RowResult[]> {
  const { model, signal } = models;
  requireScores(model);
  const cells = await cellsOf(models, template, rows);
  const { as } = scoreOptionsOf(template);
  const scored = await model.score(
    cells.map(({ prompt }, i) => afterPrompt(prompt, expectedText(template, rows[i]!), as)),
    { signal },
  );
  return scored.map(({ logLikelihood }) => ({ score: logLikelihood }));
}

/** Calls of a model that one answer takes at most. */
export function callsOf(template: Template, metric: Metric): number {
  const { strategy, samples } = template.tunesmith.reasoning;
  if (metric === 'likelihood' && strategy !== 'direct') {
    throw new HumanError(
      l10n.t(
        'Log-likelihood scores answers that come at once; this template reasons first. Score by accuracy instead.',
      ),
      { place: { file: template.file } },
    );
  }
  switch (strategy) {
    case 'direct':
    case 'few-shot-cot':
      return 1;
    case 'zero-shot-cot':
      return 2;
    case 'self-consistency':
      return samples;
    case 'critique-revise':
      return 3;
    case 'least-to-most':
      return 10;
  }
}
