/** `tunesmith search <template>`: a better instruction or trigger, found on dev rows and checked on held-out ones. */
import { writeFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { requireScores } from '../../core/evaluation/score.ts';
import { triggers } from '../../core/evaluation/triggers.ts';
import { searchModels } from '../../core/search/evaluate.ts';
import { type Metric, Metrics } from '../../core/search/options.ts';
import { reportMarkdown } from '../../core/search/report.ts';
import { runSearch, type SearchProgress } from '../../core/search/search.ts';
import { prepareSearch } from '../../core/search/specification.ts';
import { type TargetKind, Targets, targetOf, withTarget } from '../../core/search/target.ts';
import { SearchStore } from '../../storage/searchStore.ts';
import { type Cli, numberOption } from '../cli.ts';
import { type ForecastFlags, forecastOptions, rowRenderer, saySearch } from '../forecasts.ts';
import { bankOf, loadTemplate, modelOf, rowsOf, withReferences } from '../templates.ts';

interface SearchFlags extends ForecastFlags {
  readonly model?: string;
  readonly proposer?: string;
  readonly budget: number;
  readonly seed: number;
  readonly target?: TargetKind;
  readonly metric: Metric;
  readonly candidate: readonly string[];
  readonly knownTriggers?: boolean;
  readonly dev?: number;
  readonly heldOut?: number;
  readonly output?: string;
  readonly allowEndpoint: readonly string[];
}

/** As `--proposer`: no model proposes. */
const nobody = 'none';

export function registerSearch(program: Command, cli: Cli): void {
  const count = (name: string, min: number) => numberOption(name, { min, max: 1_000_000 });
  const collect = (word: string, before: readonly string[] = []): string[] => [...before, word];
  const [forecastOption, priceOption] = forecastOptions();
  program
    .command('search <template>')
    .description(l10n.t('search for a better instruction or trigger'))
    .option('-m, --model <model>', l10n.t('the model that answers (default: the template’s, else pebble)'))
    .option(
      '--proposer <model>',
      l10n.t('the model that proposes; “none” compares only what you give (default: --model)'),
    )
    .option('--budget <calls>', l10n.t('calls of models in all'), count('--budget', 1), 400)
    .option('--seed <number>', l10n.t('the same seed gives the same search'), numberOption('--seed'), 0)
    .addOption(
      new Option('--target <what>', l10n.t('what is varied (default: the trigger where there is one)')).choices(
        Targets,
      ),
    )
    .addOption(
      new Option(
        '--metric <metric>',
        l10n.t('what scores candidates on the dev rows: right answers, or the log-likelihood of the expected ones'),
      )
        .choices(Metrics)
        .default('accuracy'),
    )
    .addOption(
      new Option('--candidate <text>', l10n.t('a candidate of your own; repeat it')).argParser(collect).default([]),
    )
    .option('--known-triggers', l10n.t('the triggers of the literature as candidates'))
    .option('--dev <rows>', l10n.t('rows to score on'), count('--dev', 3))
    .option('--held-out <rows>', l10n.t('rows that only the report uses'), count('--held-out', 3))
    .option('-o, --output <file>', l10n.t('write the template with the winner'))
    .option('--fresh', l10n.t('forget what an earlier run of the same search found'))
    .addOption(
      new Option('--allow-endpoint <origin>', l10n.t('a server that the template may send prompts to'))
        .argParser(collect)
        .default([]),
    )
    .option('--json', l10n.t('the report as one JSON object'))
    .addOption(forecastOption!)
    .addOption(priceOption!)
    .action((path: string, flags: SearchFlags) => search(cli, path, flags));
}

async function search(cli: Cli, path: string, flags: SearchFlags): Promise<void> {
  const written = await loadTemplate(cli, path);
  const { id, byTemplate } = modelOf(written, flags.model);
  const proposerId = flags.proposer === nobody ? undefined : (flags.proposer ?? id);
  const local = ![id, proposerId ?? ''].some(name => /^https?:/i.test(name));
  cli.allowOrigins([...flags.allowEndpoint, ...(byTemplate ? [] : [id.split('|')[0]!])]);
  if (flags.proposer !== undefined && proposerId !== undefined) cli.allowOrigins([proposerId.split('|')[0]!]);
  const template = await withReferences(cli, written, { local, allowEndpoint: flags.allowEndpoint });
  const rows = await rowsOf(cli, template);
  const shots = template.tunesmith.examples?.shots ?? 0;
  const bank = shots > 0 ? await bankOf(cli, template) : undefined;
  const model = await cli.models.get(id);
  const proposer = proposerId === undefined ? undefined : await cli.models.get(proposerId);
  const kind = targetOf(template, flags.target).kind;
  if (flags.knownTriggers && kind !== 'trigger') {
    throw new HumanError(
      l10n.t('--known-triggers is for templates that reason by a trigger. Add --target trigger, or leave it out.'),
    );
  }
  const { budget, seed, metric, dev, heldOut } = flags;
  if (metric === 'likelihood') requireScores(model);
  const { options, specification } = prepareSearch({
    template,
    rows,
    bank,
    model: model.model,
    proposer: proposer?.model,
    target: kind,
    budget,
    seed,
    metric,
    given: [...flags.candidate, ...(flags.knownTriggers ? sensible() : [])],
    dev,
    heldOut,
  });
  cli.note(l10n.t('{0} on {1}, at most {2} calls', basename(path), model.model.label, budget));
  const renderRow = rowRenderer(cli, template, rows, { bank });
  if (
    await saySearch(cli, { template, generator: model, proposer, budget, render: renderRow, rows: rows.length }, flags)
  )
    return;
  const store = await SearchStore.open(
    cli.layout,
    { name: template.name, specification },
    { fresh: flags.fresh ?? false },
  );
  try {
    if (store.known > 0)
      cli.note(l10n.t('Going on from {0} evaluations of an earlier run (--fresh begins anew).', store.known));
    const { match, render } = cli.evaluator;
    const report = await runSearch(options, {
      ...searchModels({
        model,
        proposer,
        bank,
        render,
        match: (...call) => match.call(cli.evaluator, ...call),
        seed,
        signal: cli.signal,
      }),
      memory: store,
      signal: cli.signal,
      progress: progress => cli.progress(progressText(progress)),
    });
    cli.progress('');
    const file = await store.report(report);
    if (flags.json) cli.out(`${JSON.stringify(report)}\n`);
    else cli.show(reportMarkdown(report));
    cli.note(l10n.t('The report is kept in {0}', file));
    if (flags.output !== undefined) {
      // As it was written: what references resolved to stays out of files.
      const winner = withTarget(written, targetOf(written, kind), report.candidates[report.winner]!.text);
      await writeFile(resolve(cli.terminal.cwd, flags.output), winner.text);
    }
  } finally {
    await store.close();
  }
}

/** Those of the literature that were meant to help. */
const sensible = (): string[] =>
  triggers.flatMap(({ kind, phrase }) => (kind === 'misleading' || kind === 'irrelevant' ? [] : [phrase]));

function progressText({ phase, spent, budget, candidates, best }: SearchProgress): string {
  const what = {
    proposing: l10n.t('asking for candidates'),
    scoring: l10n.t('scoring'),
    reporting: l10n.t('checking on held-out rows'),
  }[phase];
  const state = l10n.t('{0} of {1} calls, {2} candidates, {3}', spent, budget, candidates, what);
  return best ? `${state}: ${best.text.slice(0, 50)}` : state;
}
