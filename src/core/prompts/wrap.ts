/** Puts a variant's texts around a rendered prompt: a persona, and words before and after the question. */
import type { RenderedMessage, Span, Wrap } from './template.ts';

/** The persona opens the system message; prefix and suffix stand on lines of their own around the last user message. */
export function wrapped(messages: readonly RenderedMessage[], wrap: Wrap | undefined): readonly RenderedMessage[] {
  if (!wrap) return messages;
  const { persona = '', prefix = '', suffix = '' } = wrap;
  const result = [...messages];
  const question = result.findLastIndex(({ role, shot }) => role === 'user' && shot === undefined);
  if (question !== -1 && (prefix !== '' || suffix !== '')) result[question] = around(prefix, result[question]!, suffix);
  if (persona === '') return result;
  if (result[0]?.role === 'system') result[0] = around(persona, result[0], '');
  else result.unshift(around('', { role: 'system', content: persona, spans: [spanOver(persona, 0)] }, ''));
  return result;
}

const spanOver = (text: string, start: number): Span => ({ start, end: start + text.length, part: { kind: 'text' } });

function around(before: string, message: RenderedMessage, after: string): RenderedMessage {
  const head = before === '' ? '' : `${before}\n`;
  const tail = after === '' ? '' : `\n${after}`;
  const inner = message.spans.map(span => ({
    ...span,
    start: span.start + head.length,
    end: span.end + head.length,
  }));
  const end = head.length + message.content.length;
  return {
    ...message,
    content: head + message.content + tail,
    spans: [...(head ? [spanOver(head, 0)] : []), ...inner, ...(tail ? [spanOver(tail, end)] : [])],
  };
}
