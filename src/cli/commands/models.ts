/** `tunesmith models`: which models there are; adds, removes and exports them. */
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { l10n } from '../../base/l10n.ts';
import { resultFigure } from '../../core/jobs/resultFigure.ts';
import { lineageTree } from '../../core/lineageTree.ts';
import type { StoredModel } from '../../core/models.ts';
import { type ExportFormat, ExportFormats, type ExportType, ExportTypes } from '../../jobs/inferenceProcess.ts';
import { readCatalog } from '../../providers/catalog.ts';
import { downloadModel } from '../../providers/hub.ts';
import { listTunedModels } from '../../storage/modelStore.ts';
import type { Cli } from '../cli.ts';

export function registerModels(program: Command, cli: Cli): void {
  const models = program.command('models').description(l10n.t('list, add, download and remove models'));
  models
    .command('list', { isDefault: true })
    .description(l10n.t('every model that answers prompts'))
    .option('--json', l10n.t('as JSON'))
    .action(async ({ json }: { json?: boolean }) => {
      const list = await cli.models.list();
      const rewards = await cli.models.rewardModels();
      if (json) {
        const rewardModels = rewards.map(({ name, path, lineage }) => ({ name, path, lineage }));
        cli.out(`${JSON.stringify({ models: list, rewardModels }, null, 2)}\n`);
        return;
      }
      const lines = [
        ...list.map(model => [model.label, model.detail, contextOf(model.contextLength), model.id]),
        ...rewards.map(model => [model.name, l10n.t('reward model, from {0}', model.lineage.base.id), '', model.path]),
      ];
      const widths = [0, 1, 2].map(column => Math.max(...lines.map(line => line[column]!.length)));
      for (const line of lines)
        cli.out(
          `${line
            .map((cell, column) => cell.padEnd(widths[column] ?? 0))
            .join('  ')
            .trimEnd()}\n`,
        );
    });
  models
    .command('add <path>')
    .description(l10n.t('a folder with config.json and safetensors files, or a .gguf file; it stays where it is'))
    .option('--json', l10n.t('as JSON'))
    .action(async (path: string, { json }: { json?: boolean }) => {
      cli.note(l10n.t('Reading {0} …', path));
      const model = await cli.models.add(path);
      cli.out(json ? `${JSON.stringify(model, null, 2)}\n` : `${model.id}\n`);
    });
  models
    .command('download [repository]')
    .description(l10n.t('a model of the Hugging Face hub, into its cache; without a name, the catalogue'))
    .option('--revision <name>', l10n.t('branch, tag or commit'))
    .option('--file <name>', l10n.t('one .gguf file of the repository'))
    .option('--json', l10n.t('as JSON'))
    .action(async (repository: string | undefined, options: { revision?: string; file?: string; json?: boolean }) => {
      if (repository === undefined) return listCatalog(cli, options.json ?? false);
      const { keys, signal, terminal } = cli;
      const made = await downloadModel(
        { repository, revision: options.revision, file: options.file },
        {
          keys,
          signal,
          env: terminal.env,
          onProgress: ({ file, received, total }) =>
            cli.progress(l10n.t('{0}: {1} of {2} MB', file, megabytes(received), megabytes(total))),
        },
      ).finally(() => cli.progress(''));
      const model = await cli.models.add(made.path, { repository: made.repository, revision: made.revision });
      cli.out(options.json ? `${JSON.stringify({ ...model, ...made }, null, 2)}\n` : `${model.id}\n`);
    });
  models
    .command('export <id>')
    .description(l10n.t('write a model, its adapter merged in, into a new folder: for transformers, or as a GGUF file'))
    .requiredOption('--to <folder>', l10n.t('a folder that does not exist yet'))
    .addOption(new Option('--format <format>', l10n.t('kind of files')).choices(ExportFormats).default('safetensors'))
    .addOption(
      new Option('--dtype <type>', l10n.t('type of the numbers; without it f32 for safetensors, f16 for gguf')).choices(
        ExportTypes.map(type => type.toLowerCase()),
      ),
    )
    .option('--json', l10n.t('as JSON'))
    .action(async (id: string, options: ExportOptions) => {
      const { format } = options;
      const type = (options.dtype ?? (format === 'gguf' ? 'f16' : 'f32')).toUpperCase() as ExportType;
      const made = await cli.models
        .export(
          id,
          { to: resolve(cli.terminal.cwd, options.to), format, type },
          {
            signal: cli.signal,
            onProgress: (message, fraction = 0) =>
              cli.progress(l10n.t('{0}: {1} %', message, Math.round(100 * fraction))),
          },
        )
        .finally(() => cli.progress(''));
      cli.out(options.json ? `${JSON.stringify(made, null, 2)}\n` : `${made.path}\n`);
    });
  models
    .command('lineage')
    .description(l10n.t('what was tuned from what, as a tree'))
    .option('--json', l10n.t('as JSON'))
    .action(async ({ json }: { json?: boolean }) => {
      const { models: tuned } = await listTunedModels(cli.layout);
      if (json) {
        cli.out(`${JSON.stringify(tuned, null, 2)}\n`);
        return;
      }
      if (tuned.length === 0) cli.note(l10n.t('There is no tuned model in this workspace yet.'));
      for (const { branch, model } of lineageTree(tuned)) cli.out(`${branch}${lineageText(model)}\n`);
    });
  models
    .command('remove <id>')
    .description(l10n.t('forget an added model, or delete a tuned one'))
    .action(async (id: string) => {
      await cli.models.remove(id.includes(':') ? id : `local:${id}`);
    });
}

const shortName = (id: string): string => id.replace(/^local:/, '');

/** One line: the name, what it is and came to, what it was tuned on, and the job that made it. */
function lineageText(model: StoredModel | string): string {
  if (typeof model === 'string') return shortName(model);
  const { kind, rewardModel, job, metrics } = model.lineage;
  const figure = resultFigure(metrics);
  const parts = [
    model.name,
    kind === 'reward' ? l10n.t('reward model') : l10n.t('policy'),
    ...(figure === '' ? [] : [figure]),
    ...(rewardModel === undefined ? [] : [l10n.t('tuned on {0}', shortName(rewardModel))]),
    l10n.t('job {0}', job),
  ];
  return parts.join('  ');
}

interface ExportOptions {
  readonly to: string;
  readonly format: ExportFormat;
  readonly dtype?: string;
  readonly json?: boolean;
}

async function listCatalog(cli: Cli, json: boolean): Promise<void> {
  const entries = await readCatalog(cli.root);
  if (json) cli.out(`${JSON.stringify(entries, null, 2)}\n`);
  else
    for (const { repository, parameters, description } of entries)
      cli.out(`${repository}  ${parameters}\n  ${description}\n`);
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);

const contextOf = (length: number | undefined): string => (length === undefined ? '' : l10n.t('{0} tokens', length));
