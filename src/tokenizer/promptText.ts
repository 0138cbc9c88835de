/** What a model is really given for a prompt: one way for answering and for training, so that both see the same tokens. */
import type { ChatMessage } from './chatTemplate.ts';
import type { Tokenizer } from './tokenizer.ts';

export type PromptToEncode =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'messages';
      readonly messages: readonly ChatMessage[];
      /** The last message is the start of the answer. */
      readonly continueLast?: boolean | undefined;
    };

/** The text up to where the answer begins, its ids, and whether they start with what goes before a plain text. */
export function encodePromptText(
  tokenizer: Tokenizer,
  prompt: PromptToEncode,
): { readonly text: string; readonly ids: number[]; readonly begin: boolean } {
  const template = tokenizer.chatTemplate;
  let text: string;
  let begin = true;
  if (prompt.kind === 'text') text = prompt.text;
  else if (template) {
    text = template.render(prompt.messages, { continueLast: prompt.continueLast ?? false });
    begin = false;
  } else {
    // A base model knows no roles: it continues what was said, parted by empty lines.
    text = prompt.messages.map(message => message.content).join('\n\n');
  }
  return { text, ids: tokenizer.encode(text, { begin }), begin };
}
