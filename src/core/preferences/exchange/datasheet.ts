/** The datasheet of an export, in Markdown: what is in the files, who judged, what was left out, what to mind. */
import type { HygieneReport, LengthStatistics } from '../hygiene.ts';

export interface DatasheetFacts {
  readonly format: string;
  readonly set: string | undefined;
  readonly files: readonly {
    readonly name: string;
    readonly split: string | undefined;
    readonly rows: number;
    readonly sha256: string;
  }[];
  readonly judgements: number;
  readonly annotators: ReadonlyMap<string, number>;
  /** Of each judge that was taken in: its name, and sentences on what it is worth. */
  readonly judges: readonly (readonly [name: string, worth: string])[];
  readonly lost: ReadonlyMap<string, number>;
  /** Keys, tokens and personal data were replaced by their kind. */
  readonly redacted: boolean;
  readonly check: HygieneReport;
}

/** Headings follow "Datasheets for Datasets" (Gebru et al. 2021), as far as the journal knows the answers. */
export function datasheet({
  format,
  set,
  files,
  judgements,
  annotators,
  judges,
  lost,
  redacted,
  check,
}: DatasheetFacts): string {
  const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string =>
    [head, head.map(() => '---'), ...rows].map(row => `| ${row.map(cell).join(' | ')} |`).join('\n');
  const counts = Object.entries(check.counts);
  return `${[
    `# Datasheet: ${set ?? 'preferences'}`,
    '## Composition',
    `${judgements} judgements of ${check.items} items, exported in the format \`${format}\`.`,
    table(
      ['file', 'split', 'rows', 'SHA-256'],
      files.map(file => [file.name, file.split ?? '–', file.rows, file.sha256]),
    ),
    files.length > 1
      ? 'Splits are by prompt with a fixed hash: all rows of one prompt are in one split, and a prompt stays in its split when data is added.'
      : '',
    '## Collection process',
    table(
      ['annotator', 'judgements'],
      [...annotators].sort((a, b) => b[1] - a[1]),
    ),
    'A name with a second one in parentheses is a judge that is no person, and who ran it.',
    judges.length === 0 ? '' : table(['judge', 'what it is worth'], judges),
    redacted ? '## Preprocessing' : '',
    redacted
      ? 'What looks like a key, a token or personal data was replaced by its kind in square brackets, by its form alone.'
      : '',
    '## Lengths (characters)',
    table(
      ['', 'count', 'mean', 'median', '95 %', 'longest'],
      [lengthRow('prompts', check.lengths.prompts), lengthRow('answers', check.lengths.answers)],
    ),
    '## What the format does not hold',
    lost.size === 0
      ? 'Nothing was left out.'
      : table(
          ['left out', 'judgements'],
          [...lost].map(([loss, count]) => [loss, count]),
        ),
    '## Known problems',
    counts.length === 0 ? 'None was found.' : table(['finding', 'count'], counts),
    check.nearSkipped ? 'There are too many prompts to look for near duplicates.' : '',
  ]
    .filter(part => part !== '')
    .join('\n\n')}\n`;
}

const lengthRow = (name: string, { count, mean, median, p95, longest }: LengthStatistics) => [
  name,
  count,
  mean.toFixed(0),
  median,
  p95,
  longest,
];

const cell = (value: string | number): string => String(value).replace(/[|\n\r]/g, ' ');
