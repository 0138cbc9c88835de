/** The questions of self-improvement: to practise on, to decide after each round, and to report on in the end. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { Rng } from '../../base/rng.ts';
import type { DataRow } from '../datasets/rows.ts';
import type { RenderedPrompt, Template } from '../prompts/template.ts';
import { withoutDuplicates } from '../search/splits.ts';
import type { Question } from './selfImprovement.ts';

export type QuestionSets = Record<'practice' | 'deciding' | 'reporting', Question[]>;

export interface QuestionOptions {
  /** Share to practise on; the others decide and report in halves. */
  readonly practice: number;
  readonly seed: number;
  /** Learn to do without the template's examples. */
  readonly forgetExamples?: boolean | undefined;
  /** Of the rows, for errors. */
  readonly file?: string | undefined;
  /** All questions' prompts, in the order of the rows. `kept`: the rows that an example may not give away. */
  readonly render: (
    template: Template,
    rows: readonly DataRow[],
    kept: readonly DataRow[],
  ) => Promise<readonly RenderedPrompt[]>;
}

/** Fewer questions than this of a kind say nothing. */
const fewest = 10;

/**
 * Each input once, divided by the seed. Rejects with a HumanError where it is not known what is right, or where there are too few.
 */
export async function questionSets(
  template: Template,
  rows: readonly DataRow[],
  { practice: share, seed, forgetExamples, file, render }: QuestionOptions,
): Promise<QuestionSets> {
  const { expected: column, rows: rowsFile } = template.tunesmith;
  if (column === undefined)
    throw new HumanError(
      l10n.t(
        'To see whether it helps it must be known which answers are right. Add “expected” under metadata.tunesmith.',
      ),
      { place: { file: template.file } },
    );
  const { kept } = withoutDuplicates(template, rows, new Set());
  const bad = kept.find(({ values }) => values[column] === undefined);
  if (bad)
    throw new HumanError(l10n.t('This row has no “{0}”, which says what is right.', column), {
      place: { file: file ?? rowsFile, line: bad.line },
    });
  const order = Rng.seeded(seed).stream('self-improvement').shuffled(kept);
  const practice = Math.round(order.length * share);
  const deciding = Math.ceil((order.length - practice) / 2);
  const reporting = order.length - practice - deciding;
  if (Math.min(practice, deciding, reporting) < fewest)
    throw new HumanError(
      l10n.t(
        'Of {0} different questions {1} are to practise on, {2} to decide and {3} to report; each needs {4}. Give it more questions.',
        order.length,
        practice,
        deciding,
        reporting,
        fewest,
      ),
      { place: { file: file ?? rowsFile } },
    );
  const asked = async (part: readonly DataRow[]): Promise<Question[]> => {
    const prompts = await render(template, part, kept);
    const bare = forgetExamples ? await render(withoutShots(template), part, kept) : prompts;
    return part.map(({ values }, i) => ({ prompt: prompts[i]!, bare: bare[i]!, expected: values[column] }));
  };
  return {
    practice: await asked(order.slice(0, practice)),
    deciding: await asked(order.slice(practice, practice + deciding)),
    reporting: await asked(order.slice(practice + deciding)),
  };
}

const withoutShots = (template: Template): Template => {
  const { examples } = template.tunesmith;
  return examples
    ? { ...template, tunesmith: { ...template.tunesmith, examples: { ...examples, shots: 0 } } }
    : template;
};
