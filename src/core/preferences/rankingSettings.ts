/** How a project judges answers: `.tunesmith/ranking.yml`, which a team keeps in its repository. Everything in it is optional. */
import * as v from 'valibot';
import { LineCounter, parseDocument } from 'yaml';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { Sharing } from './assignment.ts';
import { type JudgementKind, JudgementKinds } from './judgement.ts';
import { type NextMode, NextModes } from './nextItems.ts';

/** The name of a flag or a reason: what is stored, and what is shown. */
export interface NamedChoice {
  readonly id: string;
  readonly label: string;
}

export interface RatingScale {
  readonly min: number;
  readonly max: number;
  /** Words for some of the numbers. */
  readonly labels: Readonly<Record<string, string>>;
}

/** What holds for one set of items. */
export interface RankingSettings {
  readonly kind: JudgementKind;
  readonly scale: RatingScale;
  readonly flags: readonly NamedChoice[];
  readonly skipReasons: readonly NamedChoice[];
  /** Share of judgements that repeat an earlier item, unseen. */
  readonly repeats: number;
  /** Whether the models of an item can be seen after it was judged. */
  readonly reveal: boolean;
  /** How the next item is chosen where a person does not choose otherwise. */
  readonly next: NextMode;
  /** How items are shared among people; undefined: everybody judges all. */
  readonly sharing: Sharing | undefined;
  /** Path of the guidelines from the workspace's root. */
  readonly guidelines: string;
}

/** Most points of a scale: each has a key. */
const MostPoints = 10;
const longestFile = 1 << 18;

const id = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(60));
const choices = v.pipe(v.array(v.union([id, v.strictObject({ id, label: v.optional(id) })])), v.maxLength(20));
const integer = v.pipe(v.number(), v.integer());
const own = {
  kind: v.optional(v.picklist(JudgementKinds)),
  scale: v.optional(
    v.pipe(
      v.strictObject({
        min: v.optional(integer),
        max: v.optional(integer),
        labels: v.optional(v.record(v.string(), v.pipe(v.string(), v.maxLength(60)))),
      }),
      v.check(({ min = 1, max = 5 }) => max > min && max - min < MostPoints),
    ),
  ),
  flags: v.optional(choices),
  'skip-reasons': v.optional(choices),
  repeats: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(0.5))),
  reveal: v.optional(v.boolean()),
  next: v.optional(v.picklist(NextModes)),
  overlap: v.optional(v.pipe(integer, v.minValue(1), v.maxValue(100))),
  annotators: v.optional(v.pipe(v.array(v.pipe(v.string(), v.trim(), v.minLength(1))), v.maxLength(1000))),
  guidelines: v.optional(v.pipe(v.string(), v.minLength(1))),
};
const FileSchema = v.strictObject({ ...own, sets: v.optional(v.record(v.string(), v.strictObject(own))) });
type Own = Omit<v.InferOutput<typeof FileSchema>, 'sets'>;

/** The settings of every set, as the file says them. */
export interface RankingProject {
  of(set: string): RankingSettings;
}

/** What holds where no file says otherwise. */
export const defaultGuidelines = '.tunesmith/guidelines.md';

/** Flags that every project has. */
export const builtInFlags = (): readonly NamedChoice[] => [
  { id: 'unsafe', label: l10n.t('Unsafe') },
  { id: 'wrong', label: l10n.t('Wrong') },
  { id: 'off-topic', label: l10n.t('Off topic') },
];

const builtInReasons = (): readonly NamedChoice[] => [
  { id: 'unclear', label: l10n.t('Prompt is unclear') },
  { id: 'cannot-judge', label: l10n.t('Cannot judge it') },
  { id: 'broken', label: l10n.t('Broken or empty') },
];

/** Without a file. */
export const noProject: RankingProject = { of: () => settingsFrom({}) };

/** Throws a HumanError with file and line. */
export function parseRankingProject(text: string, file: string): RankingProject {
  const refuse = (message: string, line: number): never => {
    throw new HumanError(message, { place: { file, line } });
  };
  if (text.length > longestFile) refuse(l10n.t('The file is longer than {0} kB.', longestFile >> 10), 1);
  const lines = new LineCounter();
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'silent', lineCounter: lines });
  const [error] = document.errors;
  if (error)
    refuse(l10n.t('This YAML is broken: {0}.', error.message.replace(/\.$/, '')), lines.linePos(error.pos[0]).line);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 20 }) ?? {};
  } catch {
    refuse(l10n.t('This YAML is broken: {0}.', l10n.t('it is nested too deeply')), 1);
  }
  const parsed = v.safeParse(FileSchema, value);
  if (!parsed.success) {
    const path = (parsed.issues[0].path ?? []).map(({ key }) => key as string | number);
    const node = document.getIn(path, true) as { range?: [number, number, number] } | undefined;
    refuse(sentence(path), lines.linePos(node?.range?.[0] ?? 0).line || 1);
  }
  const { sets = {}, ...all } = parsed.output as v.InferOutput<typeof FileSchema>;
  return { of: set => settingsFrom(all, Object.hasOwn(sets, set) ? sets[set] : {}) };
}

/** What is wrong under a path of keys, and what may stand there. */
function sentence(path: readonly (string | number)[]): string {
  const keys = path[0] === 'sets' ? path.slice(2) : path;
  const key = String(keys[0] ?? '');
  const allowed: Readonly<Record<string, string>> = {
    kind: JudgementKinds.join(', '),
    scale: l10n.t('whole numbers min and max, at most {0} points, and labels', MostPoints),
    flags: l10n.t('a list of names, or of id and label'),
    'skip-reasons': l10n.t('a list of names, or of id and label'),
    repeats: l10n.t('a share from 0 to 0.5'),
    reveal: 'true, false',
    next: NextModes.join(', '),
    overlap: l10n.t('a whole number from 1 to 100'),
    annotators: l10n.t('a list of names'),
    guidelines: l10n.t('the path of a Markdown file'),
  };
  if (!Object.hasOwn(allowed, key))
    return l10n.t('“{0}” is no setting of ranking. There are: {1}.', key, [...Object.keys(allowed), 'sets'].join(', '));
  return l10n.t('“{0}” cannot be this. It takes: {1}.', key, allowed[key]!);
}

function settingsFrom(all: Own, one: Own | undefined = {}): RankingSettings {
  const own = { ...all, ...one };
  const flags = [...builtInFlags(), ...named([...(all.flags ?? []), ...(one.flags ?? [])])];
  const { min = 1, max = 5, labels = {} } = own.scale ?? {};
  return {
    kind: own.kind ?? 'ranking',
    scale: { min, max, labels },
    // The team's word for a built-in flag takes its place.
    flags: [...new Map(flags.map(flag => [flag.id, flag])).values()],
    skipReasons: own['skip-reasons'] ? named(own['skip-reasons']) : builtInReasons(),
    repeats: own.repeats ?? 0,
    reveal: own.reveal ?? true,
    next: own.next ?? 'mixed',
    sharing:
      own.overlap === undefined && !own.annotators?.length
        ? undefined
        : { overlap: own.overlap ?? 1, annotators: own.annotators ?? [] },
    guidelines: own.guidelines ?? defaultGuidelines,
  };
}

/** A bare name is its own id; words are made of it where no label is given. */
const named = (list: readonly (string | { id: string; label?: string | undefined })[]): NamedChoice[] =>
  list.map(one => {
    const { id, label } = typeof one === 'string' ? { id: one, label: undefined } : one;
    const words = id.replaceAll('-', ' ');
    return { id, label: label ?? words.charAt(0).toUpperCase() + words.slice(1) };
  });
