/** AI feedback by principles (Bai et al. 2022, section 4): each item's answers are compared by one drawn principle, as a judge's rubric. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { hash64 } from '../preferences/hashTables.ts';
import type { Judge } from '../preferences/judge.ts';
import type { ItemRecord } from '../preferences/judgement.ts';
import type { Rubric } from '../preferences/judgeRun.ts';
import { takesGuidelines } from '../preferences/judgeTemplate.ts';
import { type Constitution, drawPrinciples } from './constitution.ts';

/**
 * The rubric of each item: the same for the same constitution, seed and item. Its version names constitution and principle and
 * changes with their words. Throws a HumanError where no principle says what is better.
 */
export function principleRubrics({ name, principles }: Constitution, seed: number): (item: ItemRecord) => Rubric {
  const comparing = principles.filter(({ preference }) => preference !== undefined);
  if (comparing.length === 0)
    throw new HumanError(
      l10n.t('No principle of “{0}” has a “preference”, which says which of two answers is better.', name),
    );
  return ({ id }) => {
    const principle = drawPrinciples(comparing, seed, id)[0]!;
    const text = principle.preference!;
    return { text, version: `${name}/${principle.name} #${hash64(text)[0].toString(16).padStart(8, '0')}` };
  };
}

/** The judge that compares by a constitution's principles instead of by the project's guidelines, and each item's rubric. */
export function judgeByConstitution(
  judge: Judge,
  constitution: Constitution,
  seed: number,
): { readonly judge: Judge; readonly rubricOf: (item: ItemRecord) => Rubric } {
  const rubricOf = principleRubrics(constitution, seed);
  const { template } = judge.prompts;
  if (!takesGuidelines(template))
    throw new HumanError(l10n.t('This template shows no principle to the judge: it does not use “guidelines”.'), {
      place: { file: template.file },
    });
  // Signs otherwise than by the guidelines, so that neither replaces the other.
  return { judge: { ...judge, id: `${judge.id} by ${constitution.name}` }, rubricOf };
}
