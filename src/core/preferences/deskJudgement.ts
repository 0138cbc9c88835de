/** The judgement that a decision on the screen makes. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import { decided, fits } from './decision.ts';
import type { JudgementKind } from './judgement.ts';
import type { Offer } from './offers.ts';
import type { DeskDecision, DeskJudgement } from './rankingScreen.ts';
import type { RankingSettings } from './rankingSettings.ts';

export interface Circumstances {
  readonly settings: Pick<RankingSettings, 'scale' | 'flags'>;
  /** Id of the judgement that this one revises. */
  readonly replaces: string | undefined;
  /** Who judges has seen the models. */
  readonly unblinded: boolean | undefined;
}

/** Throws a HumanError when something is missing, and an Error when other answers were shown than were offered. */
export function judgementOf(
  decision: DeskDecision,
  offer: Offer,
  { settings, replaces, unblinded }: Circumstances,
): DeskJudgement {
  const ids = offer.answers.map(({ id }) => id);
  if (ids.join('\n') !== decision.shown.join('\n')) throw new Error('the answers shown are not those of the item');
  const { verdict, values } = decision;
  const made = decided({ kind: offer.kind, shown: ids, values, verdict, scale: settings.scale });
  if (!made) throw new HumanError(incomplete(offer.kind));
  const flagged = flagsById(ids, decision.flags, new Set(settings.flags.map(({ id }) => id)));
  const highlights = decision.highlights.flatMap(({ answer, start, end, comment }) => {
    const { id, text } = offer.answers[answer] ?? { id: '', text: undefined };
    if (!fits({ start, end }, text)) return [];
    return [{ answer: id, start, end, ...(comment.trim() === '' ? {} : { comment: comment.trim() }) }];
  });
  const note = decision.note.trim();
  return {
    item: decision.item,
    ...made,
    flags: [...new Set(Object.values(flagged).flat())],
    ...(Object.keys(flagged).length > 0 && { flagged }),
    ...(note !== '' && { note }),
    ...(highlights.length > 0 && { highlights }),
    ...(verdict === 'skipped' && decision.skipReason !== null && { skipReason: decision.skipReason }),
    ...(decision.guidelines !== null && { guidelines: decision.guidelines }),
    milliseconds: decision.milliseconds,
    ...(replaces !== undefined && { replaces }),
    ...(offer.dispute && { adjudicates: offer.dispute.judgements.map(({ id }) => id) }),
    ...(offer.repeatOf !== undefined && { repeatOf: offer.repeatOf }),
    ...(unblinded && { unblinded: true }),
  };
}

function flagsById(
  ids: readonly string[],
  flags: readonly (readonly string[])[],
  known: ReadonlySet<string>,
): Record<string, string[]> {
  const flagged: Record<string, string[]> = {};
  for (const [position, id] of ids.entries()) {
    const own = [...new Set(flags[position] ?? [])].filter(flag => known.has(flag));
    if (own.length > 0) flagged[id] = own;
  }
  return flagged;
}

function incomplete(kind: JudgementKind): string {
  switch (kind) {
    case 'best-worst':
      return l10n.t('Choose the best answer and the worst first.');
    case 'rating':
      return l10n.t('Rate every answer first.');
    case 'accept-reject':
      return l10n.t('Accept or reject every answer first.');
    default:
      return l10n.t('Give every answer a rank first.');
  }
}
