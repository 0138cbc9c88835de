/** `metadata.tunesmith.score`: which texts are compared by their likelihood, and by which score. */
import { l10n } from '../../base/l10n.ts';
import type { Report, Section } from './frontMatter.ts';
import { ScoreForms, ScoreMeasures, ScoreMethods, type ScoreSettings, ScoreTasks } from './template.ts';

/** More candidates are refused: each is a text that the model reads for every row. */
export const mostCandidates = 1000;

/** Undefined where it is no mapping. What is wrong in it is reported and read as if it were left out. */
export function readScoreSettings(parent: Section, report: Report): ScoreSettings | undefined {
  const field = parent.field('score');
  const section = parent.section('score');
  if (!field || !section) return undefined;
  const candidates = readCandidates(section, report);
  const input = section.string('input');
  const task = section.oneOf(ScoreTasks, 'task') ?? 'candidates';
  if (task === 'candidates' && !section.field('candidates')) {
    const message = l10n.t(
      '“score” names no candidates. Add “candidates”: a list of texts, or the column that has them.',
    );
    report('error', 'wrong-type', message, field.range);
  }
  return {
    task,
    ...(task === 'candidates' && candidates !== undefined ? { candidates } : {}),
    ...(task === 'candidates' && input !== undefined ? { input } : {}),
    method: section.oneOf(ScoreMethods, 'method') ?? 'partial',
    by: section.oneOf(ScoreMeasures, 'by') ?? 'total',
    // A sentence with a gap and a passage without its end are texts; candidates that follow a prompt are answers.
    as: section.oneOf(ScoreForms, 'as') ?? (task === 'last-word' || input !== undefined ? 'text' : 'chat'),
    range: field.range,
  };
}

function readCandidates(section: Section, report: Report): ScoreSettings['candidates'] {
  const field = section.field('candidates');
  if (!field) return undefined;
  const { value, valueRange } = field;
  if (typeof value === 'string' && value !== '') return { column: value };
  const texts = candidateTexts(value);
  if (texts && texts.length >= 2) return texts;
  const message = l10n.t('“{0}” must be {1}.', 'candidates', l10n.t('a column’s name, or a list of two or more texts'));
  report('error', 'wrong-type', message, valueRange);
  return undefined;
}

/** A list of different texts, numbers and truth values as such; undefined for everything else. */
export function candidateTexts(value: unknown): string[] | undefined {
  if (!Array.isArray(value) || value.length > mostCandidates) return undefined;
  const plain = value.every(item => ['string', 'number', 'boolean'].includes(typeof item) && item !== '');
  const texts = value.map(String);
  return plain && new Set(texts).size === texts.length ? texts : undefined;
}
