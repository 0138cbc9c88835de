/** `tunesmith score <template>`: compares candidates, or last words, by how likely a model finds them. */
import { basename, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { DataRow } from '../../core/datasets/rows.ts';
import { requireScores, scoreRows } from '../../core/evaluation/score.ts';
import { summariseScores } from '../../core/evaluation/scoreSummary.ts';
import { scoreOptionsOf, scoreTexts } from '../../core/evaluation/scoreTexts.ts';
import { exampleValues } from '../../core/prompts/inputValues.ts';
import { candidateTexts } from '../../core/prompts/scoreSettings.ts';
import {
  type ScoreForm,
  ScoreForms,
  type ScoreMeasure,
  ScoreMeasures,
  type ScoreMethod,
  ScoreMethods,
  type Template,
} from '../../core/prompts/template.ts';
import { readDataFile } from '../../storage/templateFiles.ts';
import { type Cli, numberOption } from '../cli.ts';
import { collectWords, embedderFor, generatorFor, guardedBank } from '../experiments.ts';
import { rowAsJson, rowAsText, summaryAsText } from '../scoreOutput.ts';
import { givenValues, loadTemplate, modelOf, rowsOf, withReferences } from '../templates.ts';

interface ScoreFlags {
  readonly model?: string;
  readonly data?: string;
  readonly input: readonly string[];
  readonly candidate: readonly string[];
  readonly row?: number;
  readonly limit?: number;
  readonly shots?: number;
  readonly by?: ScoreMeasure;
  readonly method?: ScoreMethod;
  readonly as?: ScoreForm;
  readonly tokens?: boolean;
  readonly json?: boolean;
  readonly allowEndpoint: readonly string[];
}

export function registerScore(program: Command, cli: Cli): void {
  const count = (name: string, min = 0) => numberOption(name, { min, max: 1_000_000 });
  program
    .command('score <template>')
    .description(l10n.t('compare candidates, or last words, by how likely a model finds them'))
    .option('-m, --model <model>', l10n.t('id, name, or path of a model (default: the template’s, else pebble)'))
    .option('--data <file>', l10n.t('rows of this JSONL or CSV file in place of the template’s'))
    .addOption(
      new Option('-i, --input <name=value>', l10n.t('a value of an input; repeat it'))
        .argParser(collectWords)
        .default([]),
    )
    .addOption(
      new Option('--candidate <text>', l10n.t('candidates in place of the template’s; repeat it'))
        .argParser(collectWords)
        .default([]),
    )
    .option('--row <number>', l10n.t('one of the rows, counted from 1'), count('--row', 1))
    .option('--limit <number>', l10n.t('the first rows only'), count('--limit', 1))
    .option('--shots <number>', l10n.t('worked examples to show'), count('--shots'))
    .addOption(new Option('--by <figure>', l10n.t('which figure decides')).choices(ScoreMeasures))
    .addOption(
      new Option('--method <part>', l10n.t('candidates inside a text: score what follows, or all of it')).choices(
        ScoreMethods,
      ),
    )
    .addOption(new Option('--as <form>', l10n.t('a plain text, or a conversation')).choices(ScoreForms))
    .option('--tokens', l10n.t('the log-probability of each token'))
    .addOption(
      new Option('--allow-endpoint <origin>', l10n.t('a server that the template may send prompts to'))
        .argParser(collectWords)
        .default([]),
    )
    .option('--json', l10n.t('JSON Lines: one object a row, then a summary'))
    .action((path: string, flags: ScoreFlags) => score(cli, path, flags));
}

async function score(cli: Cli, path: string, flags: ScoreFlags): Promise<void> {
  const written = await loadTemplate(cli, path);
  const local = !/^https?:/i.test(modelOf(written, flags.model).id);
  const template = await withReferences(cli, written, { local, allowEndpoint: flags.allowEndpoint });
  const given = candidatesOf(flags);
  const rows = await scoredRows(cli, template, flags);
  const generator = await generatorFor(cli, template, flags.model, flags);
  requireScores(generator);
  cli.note(l10n.t('{0} on {1}', basename(path), generator.model.label));
  const options = scoreOptionsOf(template, flags);
  const shots = flags.shots ?? template.tunesmith.examples?.shots ?? 0;
  const texts = await scoreTexts(template, rows, {
    options,
    render: cli.evaluator.render,
    shots,
    ...(given ? { candidates: given } : {}),
    ...(flags.data === undefined ? {} : { file: flags.data }),
    ...(shots > 0 ? { bank: await guardedBank(cli, template, rows), embed: await embedderFor(cli, template) } : {}),
  });
  let done = 0;
  const show = { tokens: flags.tokens ?? false, options };
  const scored = await scoreRows(generator, texts, options, {
    signal: cli.signal,
    alternatives: flags.json && flags.tokens ? 5 : 0,
    onRows: part => {
      done += part.length;
      cli.progress('');
      for (const row of part)
        if (flags.json) cli.out(`${JSON.stringify(rowAsJson(row, show))}\n`);
        else cli.show(rowAsText(row, texts[done - part.length + part.indexOf(row)]!.task, show));
      cli.progress(l10n.t('{0} of {1} rows', done, texts.length));
    },
  });
  cli.progress('');
  const summary = summariseScores(texts[0]?.task ?? 'candidates', scored);
  if (flags.json) cli.out(`${JSON.stringify({ summary: { model: generator.model.id, ...options, ...summary } })}\n`);
  else if (scored.length > 1) cli.show(summaryAsText(summary, options));
}

/** `--candidate`, two or more different ones. */
function candidatesOf({ candidate }: ScoreFlags): readonly string[] | undefined {
  if (candidate.length === 0) return undefined;
  const texts = candidateTexts(candidate);
  if (texts && texts.length >= 2) return texts;
  throw new HumanError(l10n.t('To compare, --candidate is needed twice or more, with different texts.'));
}

type NumberedRow = DataRow & { readonly number: number };

/** Rows of `--data`, else of the template, else one of the inputs' examples. */
async function scoredRows(cli: Cli, template: Template, flags: ScoreFlags): Promise<readonly NumberedRow[]> {
  const given = givenValues(template, flags.input);
  const named = flags.data !== undefined || template.tunesmith.rows !== undefined;
  if (!named && flags.row === undefined && flags.limit === undefined) {
    return [{ number: 1, line: 1, values: { ...exampleValues(template.inputs), ...given } }];
  }
  const file = flags.data === undefined ? undefined : resolve(cli.terminal.cwd, flags.data);
  const read = file === undefined ? await rowsOf(cli, template) : await readDataFile(file);
  if (read.length === 0) throw new HumanError(l10n.t('“{0}” has no rows.', flags.data ?? ''), { place: { file } });
  const rows = read.map(({ line, values }, i) => ({ line, number: i + 1, values: { ...values, ...given } }));
  if (flags.row === undefined) return rows.slice(0, flags.limit);
  const row = rows[flags.row - 1];
  if (!row) throw new HumanError(l10n.t('There is no row {0}; there are {1}.', flags.row, rows.length));
  return [row];
}
