/**
 * Super-NaturalInstructions (Wang et al. 2022, https://github.com/allenai/natural-instructions): one task a file, with its
 * definition, worked examples, and instances of an input with one or more right outputs.
 */
import * as v from 'valibot';
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { Instruction } from './instruction.ts';

/** Worked examples that stand in a prompt, as in Tk-Instruct's "definition + 2 positive examples". */
const shownExamples = 2;

const TaskSchema = v.object({
  Definition: v.union([v.string(), v.array(v.string())]),
  'Positive Examples': v.optional(v.array(v.object({ input: v.string(), output: v.string() })), []),
  Instances: v.array(v.object({ input: v.string(), output: v.union([v.string(), v.array(v.string())]) })),
});

/** Whether a JSON value looks like a task of this collection. */
export const isNaturalTask = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'Definition' in value && 'Instances' in value;

/**
 * A row for each instance, in the prompt of Tk-Instruct's data collator (definition, examples, "Now complete the following
 * example"). The first output is learned; any of them counts as right. `task` is the name of the file. Throws a HumanError
 * with the instance's number.
 */
export function naturalInstructions(value: unknown, task: string, file: string): Instruction[] {
  const parsed = v.safeParse(TaskSchema, value);
  if (!parsed.success) {
    const at = parsed.issues[0].path?.map(({ key }) => String(key)).join('.') ?? '';
    throw new HumanError(
      l10n.t('This file looks like a task of Super-NaturalInstructions, but its “{0}” is not as it should be.', at),
      { place: { file }, cause: new v.ValiError(parsed.issues) },
    );
  }
  const { Definition, Instances, 'Positive Examples': examples } = parsed.output;
  const definition = (typeof Definition === 'string' ? Definition : Definition.join('\n')).trim();
  const shown = examples
    .slice(0, shownExamples)
    .map(({ input, output }, i) => `Positive Example ${i + 1} -\nInput: ${input.trim()}\nOutput: ${output.trim()}\n\n`);
  const head = `Definition: ${definition}\n\n${shown.join('')}Now complete the following example -\nInput: `;
  return Instances.map(({ input, output }, index) => {
    const references = typeof output === 'string' ? [output] : output;
    const [completion = ''] = references;
    if (completion.trim() === '') {
      throw new HumanError(l10n.t('Instance {0} of this task has no output.', index + 1), { place: { file } });
    }
    return {
      messages: [{ role: 'user', content: `${head}${input.trim()}\nOutput: ` }],
      completion,
      task,
      ...(references.length > 1 ? { references } : {}),
    };
  });
}
