/** `tunesmith best-of`: n answers to each prompt, of which a reward chooses the best; no weight is changed. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { defaultSampling, type Prompt } from '../../core/generation.ts';
import { parseTrlPrompts } from '../../core/preferences/trlImport.ts';
import { bestOfCurve } from '../../core/statistics/bestOfN.ts';
import { fitFrontier } from '../../core/statistics/overoptimisation.ts';
import { type RewardTools, rewardsOfAnswers, sampleAnswers } from '../../jobs/answerRewards.ts';
import { type Cli, numberOption } from '../cli.ts';
import { type GoldFlags, goldOf, type RewardFlags, rewardOf, withGoldFlags, withRewardFlags } from './rewardFlags.ts';

interface BestOfFlags extends RewardFlags, GoldFlags {
  readonly model: string;
  readonly samples: number;
  readonly temperature: number;
  readonly maxTokens: number;
  readonly seed: number;
  readonly limit?: number;
  readonly json?: boolean;
}

export function registerBestOf(program: Command, cli: Cli): void {
  withGoldFlags(
    withRewardFlags(
      program
        .command('best-of')
        .argument('<prompts>', l10n.t('JSON Lines with a field “prompt”: a text or a list of messages'))
        .description(l10n.t('draw several answers to each prompt and keep the one with the highest reward'))
        .option('-m, --model <model>', l10n.t('id, name, or path of a model'), 'pebble')
        .option(
          '-n, --samples <number>',
          l10n.t('answers to each prompt'),
          numberOption('--samples', { min: 2, max: 1024 }),
          8,
        )
        .option(
          '--temperature <number>',
          l10n.t('of sampling'),
          numberOption('--temperature', { min: 0.05, max: 10, whole: false }),
          1,
        )
        .option('--max-tokens <number>', l10n.t('length of an answer'), numberOption('--max-tokens', { min: 1 }), 64)
        .option('--seed <number>', l10n.t('of sampling'), numberOption('--seed'), 0)
        .option('--limit <number>', l10n.t('the first prompts alone'), numberOption('--limit', { min: 1 }))
        .option('--json', l10n.t('JSON Lines: one object a prompt, then a summary')),
    ),
    { training: false },
  ).action((file: string, flags: BestOfFlags) => bestOf(cli, file, flags));
}

async function bestOf(cli: Cli, file: string, flags: BestOfFlags): Promise<void> {
  const reward = await rewardOf(cli, flags);
  const gold = await goldOf(cli, flags);
  const prompts = await promptsOf(cli, file, flags.limit);
  cli.allowOrigins([flags.model.split('|')[0]!]);
  const answers = await drawn(cli, prompts, flags);
  const tools: RewardTools = {
    inference: cli.inference,
    evaluator: cli.evaluator,
    ask: async model => cli.dispatcher.ask(await cli.models.get(model)),
    allowCode: cli.allowCode,
    signal: cli.signal,
  };
  const rewards = await rewardsOfAnswers(reward, prompts, answers, tools);
  const measured = gold && (await rewardsOfAnswers(gold.source, prompts, answers, tools));
  for (const [index, prompt] of prompts.entries()) {
    const best = rewards[index]!.indexOf(Math.max(...rewards[index]!));
    const of = measured?.[index];
    if (flags.json) {
      const all = answers[index]!.map((text, i) => ({
        text,
        reward: rewards[index]![i]!,
        ...(of ? { gold: of[i]! } : {}),
      }));
      cli.out(`${JSON.stringify({ prompt, answers: all, best })}\n`);
    } else cli.show(`${answers[index]![best]!}\n${l10n.t('reward {0}', number(rewards[index]![best]!))}\n\n`);
  }
  const curve = bestOfCurve(rewards, measured);
  const fit =
    measured &&
    fitFrontier(
      curve.map(({ klBound, gold: value = 0 }) => ({ d: Math.sqrt(klBound), reward: value - curve[0]!.gold! })),
      'best-of-n',
    );
  if (flags.json) {
    cli.out(`${JSON.stringify({ model: flags.model, prompts: prompts.length, curve, ...(fit ? { fit } : {}) })}\n`);
    return;
  }
  const rows = [
    [l10n.t('best of'), l10n.t('KL at most, nats'), l10n.t('reward'), ...(measured ? [l10n.t('gold')] : [])],
    ...curve.map(point => [
      String(point.n),
      number(point.klBound),
      number(point.reward),
      ...(point.gold === undefined ? [] : [number(point.gold)]),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)));
  for (const row of rows) cli.out(`${row.map((cell, column) => cell.padStart(widths[column]!)).join('   ')}\n`);
  if (fit?.peak !== undefined)
    cli.out(`${l10n.t('Fit of the gold, d(α − βd) with d = √KL: peak at {0}.', number(fit.peak))}\n`);
}

async function promptsOf(cli: Cli, file: string, limit: number | undefined): Promise<Prompt[]> {
  let text: string;
  try {
    text = await readFile(resolve(cli.terminal.cwd, file), 'utf8');
  } catch (cause) {
    throw new HumanError(l10n.t('This file cannot be read. Check its path.'), { cause, place: { file } });
  }
  const prompts = parseTrlPrompts(text, file).slice(0, limit);
  if (prompts.length > 0) return prompts;
  throw new HumanError(l10n.t('This file has no prompts. Add rows with a field “prompt”.'), { place: { file } });
}

/** n answers to each prompt, with progress. */
async function drawn(cli: Cli, prompts: readonly Prompt[], flags: BestOfFlags): Promise<string[][]> {
  const { model, samples, seed, temperature, maxTokens } = flags;
  const ask = cli.dispatcher.ask(await cli.models.get(model), {});
  const options = { ...defaultSampling, seed, temperature, maxOutputTokens: maxTokens };
  const answers = await sampleAnswers(prompts, samples, options, ask, {
    signal: cli.signal,
    onProgress: (done, of) => cli.progress(l10n.t('{0} of {1} answers', done, of)),
  });
  cli.progress('');
  return answers;
}

const number = (value: number): string => value.toFixed(3).replace('-', '−');
