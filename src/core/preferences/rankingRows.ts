/** Training data from files that hold whole rankings (Tunesmith's own rows) or pairs (TRL's): as rankings, or as pairs with or without ties. */
import { HumanError } from '../../base/errors.ts';
import { parseJsonLines } from '../../base/jsonLines.ts';
import { l10n } from '../../base/l10n.ts';
import { isObject } from './exchange/exchange.ts';
import { rankings as rankingFormat } from './exchange/rankingFormats.ts';
import type { PreferencePair, PreferenceRanking } from './judgement.ts';
import { parseTrlPreferences } from './trlImport.ts';

/** A ranking of a file, with whether answers of one group are ties or were not compared. */
interface RankingRow extends PreferenceRanking {
  readonly tied: boolean;
}

/** Pairs; of a ranking every answer of a better group over every one of a worse group, and ties where they are wanted. */
export function parsePreferencePairs(
  text: string,
  file: string,
  { ties = false }: { readonly ties?: boolean } = {},
): PreferencePair[] {
  const rows = parseRankings(text, file);
  if (!rows) return parseTrlPreferences(text, file);
  return rows.flatMap(({ groups, tied, ...from }) =>
    groups.flatMap((group, place) => {
      const { messages, judgement, item } = from;
      const pair = (chosen: string, rejected: string): PreferencePair => ({
        messages,
        chosen,
        rejected,
        judgement,
        item,
      });
      const worse = groups.slice(place + 1).flat();
      const decided = group.flatMap(chosen => worse.map(rejected => pair(chosen, rejected)));
      if (!ties || !tied) return decided;
      const equal = group.flatMap((first, index) =>
        group.slice(index + 1).map(second => ({ ...pair(first, second), tie: true as const })),
      );
      return [...decided, ...equal];
    }),
  );
}

/** Whole rankings; rows that are pairs stay pairs, which are rankings of two. */
export const parsePreferenceRankings = (text: string, file: string): (PreferencePair | PreferenceRanking)[] =>
  parseRankings(text, file)?.map(({ tied: _, ...ranking }) => ranking) ?? parseTrlPreferences(text, file);

/** Undefined where the file's first row is no ranking. Throws a HumanError with file and line for a later row that is none. */
function parseRankings(text: string, file: string): RankingRow[] | undefined {
  const rows = parseJsonLines(text, file);
  const first = rows[0]?.value;
  if (!isObject(first) || !rankingFormat.looksLike(first)) return undefined;
  return rows.flatMap(({ line, value }) => {
    const read = rankingFormat.read(isObject(value) ? value : {});
    if ('wrong' in read) throw new HumanError(read.wrong, { place: { file, line } });
    if ((read.verdict ?? 'ranked') !== 'ranked') return [];
    const groups = read.ranking.map(group => group.map(number => read.answers[number]!.text));
    if (groups.flat().length < 2) {
      throw new HumanError(l10n.t('This row ranks fewer than two answers.'), { place: { file, line } });
    }
    const name = `${file}:${line}`;
    const tied = read.kind !== 'best-worst' && read.kind !== 'accept-reject';
    return [{ messages: read.messages, groups, judgement: name, item: name, tied }];
  });
}
