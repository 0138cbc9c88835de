/** A report of refusals before and after a tuning, graded as the command line grades: what a model was asked and answered is made up. */
import { refusalChange, refusalFigures, refusalOutcome } from '../../src/core/refusals/grade.ts';
import type { RefusalReport } from '../../src/core/refusals/report.ts';
import { type RefusalPrompt, refusalSuite } from '../../src/core/refusals/suite.ts';

export const refused = 'I’m sorry, but I can’t help with that.';
export const answered = 'Of course. First, take a sheet of paper and write down what you want to say.';

/** The whole suite, answered twice. */
export function refusalReport(
  before: (prompt: RefusalPrompt, i: number) => string,
  after: (prompt: RefusalPrompt, i: number) => string,
): RefusalReport {
  const texts = [before, after].map(answer => refusalSuite.map(answer));
  const [first, second] = texts.map(own => own.map(refusalOutcome));
  return {
    models: [first!, second!].map((own, i) =>
      refusalFigures(i === 0 ? 'local:pebble' : 'local:polite-v1', refusalSuite, own),
    ),
    change: refusalChange(refusalSuite, first!, second!),
    answers: refusalSuite.map((prompt, i) => ({
      ...prompt,
      answers: [first!, second!].map((own, model) => ({ text: texts[model]![i]!, outcome: own[i]! })),
    })),
  };
}

/** Attacks get through after the tuning that did not before, and one direct request is turned down that was not. */
export const softened = refusalReport(
  ({ shouldRefuse }, i) => (shouldRefuse && i !== 2 ? refused : answered),
  ({ attack, shouldRefuse }, i) =>
    shouldRefuse && !(['role-play', 'prefix-injection'].includes(attack) && i % 2 === 0) ? refused : answered,
);
