/** Formats that keep more than pairs: Tunesmith's rankings, Argilla's records, Arena battles, and Stiennon's comparisons. */
import { l10n } from '../../../base/l10n.ts';
import type { Message } from '../../generation.ts';
import { comparisonsOf } from '../comparisons.ts';
import { JudgementKinds } from '../judgement.ts';
import {
  annotatorOf,
  asMessages,
  betterAndWorse,
  conversation,
  type ExchangeFormat,
  groupsOf,
  importedModel,
  isObject,
  type JsonObject,
  type Loss,
  lostAsPairs,
  lostBesides,
  otherFields,
  type ReadResult,
  signedBy,
  text,
} from './exchange.ts';

const rankingKnown = [
  'prompt',
  'answers',
  'ranking',
  'verdict',
  'kind',
  'annotator',
  'judge',
  'flags',
  'note',
  'milliseconds',
  'shown',
];

/** Tunesmith's own: everything that a judgement says but its highlights and ratings. Answers are named by their place. */
export const rankings: ExchangeFormat = {
  looksLike: row => Array.isArray(row.answers) && Array.isArray(row.ranking),
  read: row => {
    const prompt = typeof row.prompt === 'string' ? row.prompt : conversation(row.prompt);
    const answers = Array.isArray(row.answers) ? row.answers.map(readAnswer) : [];
    const ranking = numbersIn(row.ranking, answers.length);
    const verdict = (['ranked', 'all-bad', 'skipped'] as const).find(name => name === (row.verdict ?? 'ranked'));
    if (prompt === undefined || !answers.every(answer => answer !== undefined) || !ranking || !verdict)
      return {
        wrong: l10n.t(
          'This row needs “prompt”, “answers” (texts) and “ranking” (groups of numbers of answers, from 0).',
        ),
      };
    const shown = Array.isArray(row.shown) ? numbersIn([row.shown], answers.length)?.[0] : undefined;
    const flags = Array.isArray(row.flags) ? row.flags.filter(flag => typeof flag === 'string') : [];
    const [annotator, judge, note] = [text(row.annotator), text(row.judge), text(row.note)];
    const kind = JudgementKinds.find(name => name === row.kind);
    return {
      messages: asMessages(prompt),
      answers,
      ranking,
      verdict,
      ...(kind ? { kind } : {}),
      ...(annotator ? { annotator } : {}),
      ...(judge ? { judge } : {}),
      ...(note ? { note } : {}),
      ...(flags.length > 0 ? { flags } : {}),
      ...(typeof row.milliseconds === 'number' ? { milliseconds: row.milliseconds } : {}),
      ...(shown ? { shown } : {}),
      lost: otherFields(row, rankingKnown),
    };
  },
  write: judged => {
    const { item, judgement } = judged;
    const place = new Map(item.answers.map(({ id }, i) => [id, i]));
    const numbers = (ids: readonly string[]) => ids.flatMap(id => place.get(id) ?? []);
    const lost = lostBesides(judgement).filter(loss => ['highlights', 'ratings', 'both orders'].includes(loss));
    const row = {
      prompt: item.messages,
      answers: item.answers.map(({ text: answer, model, source }) => ({
        text: answer,
        ...(model === importedModel ? {} : { model }),
        ...(source === undefined ? {} : { source }),
      })),
      ranking: judgement.ranking.map(numbers),
      verdict: judgement.verdict,
      ...(judgement.kind === undefined ? {} : { kind: judgement.kind }),
      annotator: judgement.author,
      ...(judgement.judge === undefined ? {} : { judge: judgement.judge }),
      ...(judgement.flags.length > 0 ? { flags: judgement.flags } : {}),
      ...(judgement.note === undefined ? {} : { note: judgement.note }),
      milliseconds: judgement.milliseconds,
      shown: numbers(judgement.shown),
    };
    return { rows: [row], lost };
  },
};

function readAnswer(value: unknown): { text: string; model?: string; source?: string } | undefined {
  if (typeof value === 'string') return { text: value };
  if (!isObject(value) || typeof value.text !== 'string') return undefined;
  const [model, source] = [text(value.model), text(value.source)];
  return { text: value.text, ...(model ? { model } : {}), ...(source ? { source } : {}) };
}

/** Groups of numbers of answers, each at most once. */
function numbersIn(value: unknown, count: number): number[][] | undefined {
  if (!Array.isArray(value)) return undefined;
  const groups = value.map((group): unknown[] => (Array.isArray(group) ? group : [group]));
  const all = groups.flat();
  const good = all.every(number => Number.isInteger(number) && (number as number) >= 0 && (number as number) < count);
  return good && new Set(all).size === all.length ? (groups as number[][]) : undefined;
}

/**
 * Records of Argilla's REST interface with one ranking question; equal ranks are ties. Source: the shapes that its server
 * returns, `fields` and `responses[].values.<question>.value`.
 */
export const argilla: ExchangeFormat = {
  looksLike: row => isObject(row.fields) && Array.isArray(row.responses),
  read: row => {
    const fields = isObject(row.fields) ? row.fields : {};
    const response = Array.isArray(row.responses) ? row.responses.find(isObject) : undefined;
    const values = isObject(response?.values) ? Object.values(response.values).filter(isObject) : [];
    const ranks = values.map(({ value }) => argillaRanks(value)).find(found => found !== undefined);
    const names = ranks?.map(({ name }) => name) ?? [];
    const answers = names.map(name => text(fields[name]));
    const prompt = readPrompt(fields);
    if (!ranks || prompt === undefined || !answers.every(answer => answer !== undefined))
      return {
        wrong: l10n.t('This record needs “fields” with the prompt and the answers, and a response that ranks them.'),
      };
    const metadata = isObject(row.metadata) ? row.metadata : {};
    const places = [...new Set(ranks.map(({ rank }) => rank))].sort((a, b) => a - b);
    const lost: Loss[] = otherFields(row, ['id', 'fields', 'responses', 'metadata', 'status']);
    if (values.length > 1 || (row.responses as unknown[]).length > 1) lost.push('other fields');
    const annotator = text(response?.user_id);
    const note = values.map(({ value }) => text(value)).find(found => found !== undefined);
    return {
      messages: asMessages(prompt),
      answers: answers.map((answer, i) => {
        const model = text(metadata[`${names[i]}-model`]);
        return { text: answer, ...(model ? { model } : {}) };
      }),
      ranking:
        response?.status === 'discarded'
          ? []
          : places.map(place => ranks.flatMap(({ rank }, i) => (rank === place ? [i] : []))),
      verdict: response?.status === 'discarded' ? 'skipped' : 'ranked',
      ...signedBy(annotator),
      ...(note ? { note } : {}),
      lost: [...new Set(lost)],
    };
  },
  write: judged => {
    const { item, judgement } = judged;
    const lost = lostAsPairs(judged, { annotator: true, models: true }).filter(
      loss => loss !== 'ties' && loss !== 'rankings' && loss !== 'notes' && loss !== 'skipped',
    );
    if (judgement.verdict === 'all-bad') return { rows: [], lost };
    const name = (i: number) => `reply-${i + 1}`;
    const place = new Map(item.answers.map(({ id }, i) => [id, i]));
    const value: { value: string; rank: number }[] = [];
    let rank = 1;
    for (const group of groupsOf(judged)) {
      for (const { id } of group) value.push({ value: name(place.get(id)!), rank });
      rank += group.length;
    }
    // Discarded responses need no values, but the names of the answers are only there.
    if (judgement.verdict === 'skipped') for (const i of item.answers.keys()) value.push({ value: name(i), rank: 1 });
    const models = item.answers.flatMap(({ model }, i) =>
      model === importedModel ? [] : [[`${name(i)}-model`, model] as const],
    );
    const row = {
      fields: {
        prompt: promptText(item.messages),
        ...Object.fromEntries(item.answers.map((answer, i) => [name(i), answer.text])),
      },
      metadata: Object.fromEntries(models),
      responses: [
        {
          user_id: annotatorOf(judgement),
          status: judgement.verdict === 'skipped' ? 'discarded' : 'submitted',
          values: {
            ranking: { value },
            ...(judgement.note === undefined ? {} : { note: { value: judgement.note } }),
          },
        },
      ],
    };
    return { rows: [row], lost };
  },
};

function argillaRanks(value: unknown): { name: string; rank: number }[] | undefined {
  if (!Array.isArray(value) || value.length < 2) return undefined;
  const ranks = value.filter(isObject).flatMap(entry => {
    const name = text(entry.value);
    return name !== undefined && typeof entry.rank === 'number' ? [{ name, rank: entry.rank }] : [];
  });
  return ranks.length === value.length ? ranks : undefined;
}

/** One message of the user as its text, else all messages as JSON. */
const promptText = (messages: readonly Message[]): string =>
  messages.length === 1 && messages[0]!.role === 'user' && !messages[0]!.content.startsWith('[{')
    ? messages[0]!.content
    : JSON.stringify(messages);

function readPrompt(fields: JsonObject): string | Message[] | undefined {
  const prompt = fields.prompt ?? fields.instruction ?? fields.question;
  if (typeof prompt !== 'string') return conversation(prompt);
  if (!prompt.startsWith('[{')) return prompt;
  try {
    return conversation(JSON.parse(prompt)) ?? prompt;
  } catch {
    return prompt;
  }
}

const winners = { model_a: 1, model_b: 0, tie: 0.5, 'tie (bothbad)': 0.5, both_bad: 0.5 } as const;

/** Battles of two models, as the Chatbot Arena publishes them; ties and "both bad" are kept. */
export const arena: ExchangeFormat = {
  looksLike: row => row.winner !== undefined && row.model_a !== undefined && row.conversation_a !== undefined,
  read: row => {
    const [a, b] = [conversation(row.conversation_a), conversation(row.conversation_b)];
    const [modelA, modelB] = [text(row.model_a), text(row.model_b)];
    const winner = text(row.winner);
    if (!a?.length || !b?.length || modelA === undefined || modelB === undefined || !winner || !(winner in winners))
      return {
        wrong: l10n.t('This battle needs “model_a”, “model_b”, “conversation_a”, “conversation_b” and a “winner”.'),
      };
    const prompt = a.slice(0, -1);
    if (JSON.stringify(prompt) !== JSON.stringify(b.slice(0, -1)))
      return {
        wrong: l10n.t(
          'The two conversations of this battle differ before their last answer; only one prompt can be ranked.',
        ),
      };
    const points = winners[winner as keyof typeof winners];
    const bothBad = winner === 'tie (bothbad)' || winner === 'both_bad';
    const annotator = text(row.judge);
    const known = [
      'question_id',
      'model_a',
      'model_b',
      'winner',
      'judge',
      'conversation_a',
      'conversation_b',
      'turn',
      'anony',
    ];
    return {
      messages: prompt,
      answers: [
        { text: a.at(-1)!.content, model: modelA },
        { text: b.at(-1)!.content, model: modelB },
      ],
      ranking: bothBad ? [] : points === 1 ? [[0], [1]] : points === 0 ? [[1], [0]] : [[0, 1]],
      verdict: bothBad ? 'all-bad' : 'ranked',
      ...signedBy(annotator),
      lost: otherFields(row, known),
    };
  },
  write: judged => {
    const { item, judgement } = judged;
    const lost = lostAsPairs(judged, { annotator: true, models: true }).filter(
      loss => loss !== 'ties' && loss !== 'all-bad',
    );
    const battle = (a: (typeof item.answers)[number], b: (typeof item.answers)[number], winner: string) => ({
      model_a: a.model,
      model_b: b.model,
      winner,
      judge: annotatorOf(judgement),
      conversation_a: [...item.messages, { role: 'assistant', content: a.text }],
      conversation_b: [...item.messages, { role: 'assistant', content: b.text }],
      turn: item.messages.filter(({ role }) => role === 'user').length,
    });
    const rows: JsonObject[] = [];
    if (judgement.verdict === 'all-bad') {
      for (const [i, a] of item.answers.entries())
        for (const b of item.answers.slice(i + 1)) rows.push(battle(a, b, 'tie (bothbad)'));
      return { rows, lost };
    }
    for (const [better, worse] of betterAndWorse(judged)) rows.push(battle(better, worse, 'model_a'));
    const areTies = judgement.kind !== 'best-worst' && judgement.kind !== 'accept-reject';
    if (judgement.pairs) {
      for (const { first, second, outcome } of comparisonsOf([judgement], { get: () => item }))
        if (outcome === 0.5) rows.push(battle(first, second, 'tie'));
    } else if (judgement.verdict === 'ranked' && areTies) {
      for (const group of groupsOf(judged))
        for (const [i, a] of group.entries()) for (const b of group.slice(i + 1)) rows.push(battle(a, b, 'tie'));
    }
    return { rows, lost };
  },
};

/** Comparisons of "Learning to summarize from human feedback" (Stiennon et al. 2020). */
export const stiennon: ExchangeFormat = {
  looksLike: row => Array.isArray(row.summaries) && row.choice !== undefined,
  read: (row): ReadResult => {
    const info = isObject(row.info) ? row.info : {};
    const summaries = Array.isArray(row.summaries) ? row.summaries.filter(isObject) : [];
    const prompt = readPrompt({ prompt: info.prompt ?? info.post ?? info.article });
    const answers = summaries.map(({ text: summary, policy }) => ({ text: text(summary), model: text(policy) }));
    const choice = row.choice;
    if (
      prompt === undefined ||
      answers.length !== 2 ||
      answers.some(answer => answer.text === undefined) ||
      (choice !== 0 && choice !== 1)
    )
      return { wrong: l10n.t('This comparison needs “info” with a post, two “summaries” and a “choice” of 0 or 1.') };
    const extra = isObject(row.extra) ? row.extra : {};
    const note = text(extra.note);
    const annotator = text(row.worker);
    return {
      messages: asMessages(prompt),
      answers: answers.map(answer => ({ text: answer.text!, ...(answer.model ? { model: answer.model } : {}) })),
      ranking: choice === 0 ? [[0], [1]] : [[1], [0]],
      ...signedBy(annotator),
      ...(note ? { note } : {}),
      lost: [
        ...new Set([
          ...otherFields(info, ['post', 'prompt', 'article']),
          ...otherFields(extra, ['note']),
          ...otherFields(row, ['info', 'summaries', 'choice', 'worker', 'extra', 'split', 'batch']),
        ]),
      ],
    };
  },
  write: judged => {
    const { item, judgement } = judged;
    const lost = lostAsPairs(judged, { annotator: true, models: true }).filter(loss => loss !== 'notes');
    const summary = ({ text: answer, model }: (typeof item.answers)[number]) => ({
      text: answer,
      ...(model === importedModel ? {} : { policy: model }),
    });
    const rows = [...betterAndWorse(judged)].map(([chosen, rejected]) => ({
      info: { post: promptText(item.messages) },
      summaries: [summary(chosen), summary(rejected)],
      choice: 0,
      worker: annotatorOf(judgement),
      extra: judgement.note === undefined ? {} : { note: judgement.note },
    }));
    return { rows, lost };
  },
};
