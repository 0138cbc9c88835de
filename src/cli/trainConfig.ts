/** `--config job.yaml` of the training commands: what the file says stands where no flag says otherwise. */
import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import type { Command, Option } from 'commander';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { type SettingsKind, settingDescriptions } from '../core/jobs/settingDescriptions.ts';
import { parseTrainFile, type TrainFileKey } from '../core/jobs/trainFile.ts';
import { collectWords } from './experiments.ts';

/** Where commander says that a value came from. */
const source = 'config';

/**
 * Lets a command take its options from a file: keys are the long names of its flags, settings stand under `settings` by the names
 * that job.json has. `flagOf` gives a setting's flag. Call it when the command has all its own options.
 */
export function withConfig(
  command: Command,
  kind: SettingsKind,
  flagOf: (settingKey: string) => string,
  cwd: string,
): void {
  const settingFlags = new Map(settingDescriptions(kind).map(({ key }) => [flagOf(key), key]));
  const options = command.options.filter(({ long }) => long !== undefined && long !== '--json');
  const byName = new Map(options.map(option => [option.name(), option]));
  const keys: TrainFileKey[] = options
    .filter(option => !settingFlags.has(option.name()))
    .map(option => ({
      key: option.name(),
      type: option.isBoolean() ? 'switch' : isRepeated(option) ? 'words' : 'text',
    }));
  for (const option of options) restartAfterFile(command, option);

  command.option('--config <file>', l10n.t('a YAML file with these options and settings; flags count before it'));
  command.on('option:config', (file: string) => {
    const path = resolve(cwd, file);
    const read = parseTrainFile(readText(path, file), file, kind, keys);
    const set = (option: Option, value: unknown): void => {
      const attribute = option.attributeName();
      if (command.getOptionValueSource(attribute) !== 'cli') command.setOptionValueWithSource(attribute, value, source);
    };
    for (const { key, value } of read.values) {
      const option = byName.get(key)!;
      // Paths of the file are from where it lies.
      const here = (name: unknown): string => relative(cwd, resolve(dirname(path), String(name)));
      const given = !/<(file|path|files\.\.\.)>/.test(option.flags)
        ? value
        : Array.isArray(value)
          ? value.map(here)
          : here(value);
      set(option, parsed(option, given, { file, line: read.lineOf(key) }));
    }
    for (const [key, value] of Object.entries(read.settings)) set(byName.get(flagOf(key))!, value);
  });
  // A reward given by a flag takes the place of the file's, of whatever kind that is.
  command.hook('preAction', () => {
    const rewards = options.filter(option => option.name().startsWith('reward'));
    const from = (option: Option) => command.getOptionValueSource(option.attributeName());
    if (!rewards.some(option => from(option) === 'cli')) return;
    for (const option of rewards)
      if (from(option) === source) command.setOptionValueWithSource(option.attributeName(), undefined, undefined);
  });
}

/** Options whose words are collected. */
const isRepeated = (option: Option): boolean => option.parseArg === collectWords || option.variadic;

/** A flag that is collected begins anew after the file's words. */
function restartAfterFile(command: Command, option: Option): void {
  const { parseArg } = option;
  if (!parseArg) return;
  option.argParser((word: string, before: unknown) =>
    parseArg(word, command.getOptionValueSource(option.attributeName()) === source ? undefined : before),
  );
}

/** The value as the flag would have it. Throws a HumanError with the line. */
function parsed(option: Option, value: unknown, place: { readonly file: string; readonly line: number }): unknown {
  if (option.variadic) return [value].flat();
  if (typeof value === 'boolean' || !option.parseArg) return value;
  const words = Array.isArray(value) ? (value as string[]) : [String(value)];
  try {
    return words.reduce<unknown>((before, word) => option.parseArg!(word, before as never), undefined);
  } catch (cause) {
    throw new HumanError(
      option.argChoices
        ? l10n.t('“{0}” must be one of {1}, not “{2}”.', option.name(), option.argChoices.join(', '), words.join(', '))
        : (cause as Error).message,
      { cause, place },
    );
  }
}

function readText(path: string, file: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new HumanError(l10n.t('This file cannot be read. Check its path.'), { cause, place: { file } });
  }
}
