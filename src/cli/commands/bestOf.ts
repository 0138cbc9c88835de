/** `tunesmith best-of`: n answers to each prompt, of which a reward chooses the best; no weight is changed. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { defaultSampling, type Prompt } from '../../core/generation.ts';
import type { OneReward } from '../../core/jobs/job.ts';
import { judgeTokens, scoreOf, scoreQuestion } from '../../core/jobs/judgeReward.ts';
import { plainReward } from '../../core/jobs/ruleReward.ts';
import { parseTrlPrompts } from '../../core/preferences/trlImport.ts';
import { bestOfCurve } from '../../core/statistics/bestOfN.ts';
import { fitFrontier } from '../../core/statistics/overoptimisation.ts';
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
  const rewards = await scores(cli, reward, prompts, answers);
  const measured = gold && (await scores(cli, gold.source, prompts, answers));
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

/** n answers to each prompt, each with random numbers of its own. */
async function drawn(cli: Cli, prompts: readonly Prompt[], flags: BestOfFlags): Promise<string[][]> {
  const generator = await cli.models.get(flags.model);
  const ask = cli.dispatcher.ask(generator, {});
  const { samples, seed, temperature, maxTokens } = flags;
  const options = { ...defaultSampling, seed, temperature, maxOutputTokens: maxTokens };
  let done = 0;
  const answers = await Promise.all(
    prompts.map(prompt =>
      Promise.all(
        Array.from({ length: samples }, async (_, repeat) => {
          const { generation } = await ask({ prompt, options, repeat }, { signal: cli.signal });
          done++;
          cli.progress(l10n.t('{0} of {1} answers', done, samples * prompts.length));
          return generation.text.trim();
        }),
      ),
    ),
  );
  cli.progress('');
  // Interrupted answers are no answers of the model.
  cli.signal.throwIfAborted();
  return answers;
}

/** What a source says of every answer, by prompt. Throws a HumanError where one is not a number. */
async function scores(
  cli: Cli,
  source: OneReward,
  prompts: readonly Prompt[],
  answers: readonly (readonly string[])[],
): Promise<number[][]> {
  const rows = prompts.flatMap((prompt, index) => answers[index]!.map(answer => ({ prompt, answer })));
  const found = await scoresOfRows(cli, source, rows);
  const bad = found.findIndex(score => score === null || !Number.isFinite(score));
  if (bad >= 0) {
    throw new HumanError(
      found[bad] === null
        ? l10n.t('An answer is longer than the reward model reads. Lower --max-tokens.')
        : l10n.t('The reward of an answer is not a number ({0}). Check the reward.', String(found[bad])),
    );
  }
  let at = 0;
  return answers.map(own => own.map(() => found[at++]!));
}

async function scoresOfRows(
  cli: Cli,
  source: OneReward,
  rows: readonly { readonly prompt: Prompt; readonly answer: string }[],
): Promise<readonly (number | null)[]> {
  if (source.kind === 'model') {
    const { base, adapter } = source.model;
    const location = { base, ...(adapter === undefined ? {} : { adapter }) };
    const { rewards } = await cli.inference.reward(
      { location, items: rows.map(({ prompt, answer }) => ({ prompt: mutable(prompt), answer })) },
      { signal: cli.signal },
    );
    return rewards;
  }
  const rule = source.reward;
  const texts = rows.map(({ answer }) => answer);
  switch (rule.rule) {
    case 'regex':
      return (await cli.evaluator.match(rule.pattern, rule.flags ?? '', texts)).map(match => (match ? 1 : 0));
    case 'javascript':
      return cli.evaluator.reward(
        rule.file,
        rows.map(({ prompt, answer }) => ({
          prompt:
            prompt.kind === 'text'
              ? prompt.text
              : (prompt.messages.findLast(({ role }) => role === 'user')?.content ?? ''),
          answer,
        })),
        { allowCode: cli.allowCode },
      );
    case 'judge': {
      const ask = cli.dispatcher.ask(await cli.models.get(rule.model));
      const options = { ...defaultSampling, temperature: 0, maxOutputTokens: judgeTokens };
      return Promise.all(
        rows.map(async ({ prompt, answer }) => {
          const said =
            prompt.kind === 'text' ? prompt.text : prompt.messages.map(({ content }) => content).join('\n\n');
          const question = { prompt: scoreQuestion(rule.rubric, said, answer), options, repeat: 0 };
          const { generation } = await ask(question, cli);
          cli.signal.throwIfAborted();
          return scoreOf(generation.text) ?? 0;
        }),
      );
    }
    default:
      return texts.map(text => plainReward(rule, text));
  }
}

const number = (value: number): string => value.toFixed(3).replace('-', '−');

/** As the protocol has it. */
const mutable = (prompt: Prompt) => (prompt.kind === 'text' ? prompt : { ...prompt, messages: [...prompt.messages] });
