/** A judge that is a model: a template, the model that it is asked of, and how its verdicts are read; and the name it signs with. */
import type { ExampleBank } from '../datasets/bank.ts';
import { samplingOf } from '../evaluation/runCells.ts';
import type { RenderTemplate } from '../prompts/pieces.ts';
import type { Template } from '../prompts/template.ts';
import type { TextGenerator } from '../textGenerator.ts';
import type { JudgedBy } from './judgement.ts';
import { type JudgePrompts, judgePrompts } from './judgeTemplate.ts';

export interface Judge {
  /** Signs its judgements: the same for the same template, model, sampling and way of reading, and for these alone. */
  readonly id: string;
  readonly judgedBy: JudgedBy;
  readonly prompts: JudgePrompts;
  readonly generator: TextGenerator;
  /**
   * `words`: the verdict is read from what it writes. `tokens`: it writes, and the probabilities of the letter decide.
   * `scores`: nothing is written; “A” and “B” are compared as what follows the prompt.
   */
  readonly reading: 'words' | 'tokens' | 'scores';
}

export interface JudgeParts {
  readonly template: Template;
  readonly generator: TextGenerator;
  readonly render: RenderTemplate;
  /** Of the template's examples. */
  readonly bank?: ExampleBank | undefined;
  /** Verdicts by likelihood, where the model can tell it. */
  readonly likelihood: boolean;
  /** SHA-256 of a text, hexadecimal. */
  readonly hash: (text: string) => string;
}

/** Rejects with a HumanError for a template that is no judge. */
export async function makeJudge({ template, generator, render, bank, likelihood, hash }: JudgeParts): Promise<Judge> {
  const prompts = await judgePrompts(template, render, bank);
  const reading = likelihood ? readingOf(template, generator) : 'words';
  const revision = await generator.identity?.().catch(() => undefined);
  const { id: model } = generator.model;
  const templateHash = hash(template.text).slice(0, 12);
  const options = samplingOf(template);
  const mark = hash(JSON.stringify([1, templateHash, model, revision ?? null, options, reading])).slice(0, 8);
  return {
    id: `${template.name} on ${model}${reading === 'words' ? '' : ', by likelihood'} #${mark}`,
    judgedBy: {
      model,
      ...(revision ? { revision } : {}),
      template: template.name,
      templateHash,
      verdictsFrom: reading === 'words' ? 'text' : 'likelihood',
    },
    prompts,
    generator,
    reading,
  };
}

/**
 * Local models score a given text after any prompt; of servers that tell log-probabilities the answer's own tokens are taken. What
 * is voted on or extracted in several steps has no one place of the verdict.
 */
function readingOf({ tunesmith: { reasoning } }: Template, { model, score }: TextGenerator): Judge['reading'] {
  if (reasoning.strategy !== 'direct' && reasoning.strategy !== 'few-shot-cot') return 'words';
  if (score && model.kind === 'local') return 'scores';
  return model.logProbs ? 'tokens' : 'words';
}
