/** What came of revisions in words: what was left out and why, and the chains as a Markdown page. */
import { l10n } from '../../base/l10n.ts';
import { cell, quoted } from '../../base/markdown.ts';
import type { Constitution } from './constitution.ts';
import { exampleOf, type RevisionChain, type Revisions } from './revise.ts';

/** Chains that the page shows whole. */
const shown = 20;

/** What a person should know of the examples, a sentence each. */
export function revisionNotes({ chains, failed }: Revisions): string[] {
  const count = (why: RevisionChain['leftOut']): number => chains.filter(({ leftOut }) => leftOut === why).length;
  const [cut, empty] = [count('cut-off'), count('empty')];
  const same = chains.filter(chain => exampleOf(chain)?.completion[0]?.content === chain.draft).length;
  return [
    ...(failed > 0 ? [l10n.t('{0} prompts failed and were left out.', failed)] : []),
    ...(cut > 0 ? [l10n.t('{0} answers were left out: they were cut off at the longest answer.', cut)] : []),
    ...(empty > 0 ? [l10n.t('{0} answers were left out: they are empty.', empty)] : []),
    ...(same > 0 ? [l10n.t('{0} answers came out of the revision as they were.', same)] : []),
  ];
}

/** `model`: what it is called for people. Drafts, critiques and revisions are shown as they were written. */
export function revisionMarkdown(revisions: Revisions, { name }: Constitution, model: string): string {
  const { chains } = revisions;
  const examples = chains.filter(chain => exampleOf(chain) !== undefined).length;
  return [
    `# ${l10n.t('Answers of {0}, revised by {1}', cell(model), cell(name))}`,
    '',
    l10n.t('{0} of {1} prompts gave an example to learn from.', examples, chains.length + revisions.failed),
    '',
    ...revisionNotes(revisions).map(note => `- ${note}`),
    '',
    ...chains.slice(0, shown).flatMap((chain, i) => chainLines(chain, i + 1)),
    ...(chains.length > shown ? [l10n.t('{0} more are in the file.', chains.length - shown), ''] : []),
  ].join('\n');
}

function chainLines({ prompt, draft, rounds, leftOut }: RevisionChain, number: number): string[] {
  const asked = prompt.kind === 'text' ? prompt.text : (prompt.messages.at(-1)?.content ?? '');
  const part = (title: string, text: string): string[] => [`**${title}**`, '', quoted(text), ''];
  const why = { empty: l10n.t('left out: empty'), 'cut-off': l10n.t('left out: cut off') };
  return [
    `## ${leftOut === undefined ? number : `${number} · ${why[leftOut]}`}`,
    '',
    ...part(l10n.t('Prompt'), asked),
    ...part(l10n.t('Draft'), draft),
    ...rounds.flatMap(({ principle, critique, revision }) => [
      ...part(l10n.t('Critique by “{0}”', cell(principle)), critique),
      ...part(l10n.t('Revision'), revision),
    ]),
  ];
}
