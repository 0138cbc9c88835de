/** The models of the benchmark as folders for transformers, written by the product's own export, and prompts of one length. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fetchTestModel } from '../../../scripts/fetchTestModel.ts';
import type { EncodedPrompt } from '../../../src/training/rollout.ts';
import { openBaseModel } from '../../../src/worker/baseModel.ts';
import { exportModel } from '../../../src/worker/modelExport.ts';
import { root } from '../engine/models.ts';
import { answersOf, type Case } from './cases.ts';

const sourceOf = (model: Case['model']): string =>
  model === 'pebble' ? path.join(root, 'models', 'pebble') : fetchTestModel();

/** A folder with float32 weights and the tokenizer, written once. */
export async function modelFolder(model: Case['model']): Promise<string> {
  const to = path.join(root, '.cache', 'bench-models', `rlhf-${model}`);
  if (existsSync(to)) return to;
  await exportModel(
    { location: { base: sourceOf(model) }, to, format: 'safetensors', type: 'F32' },
    { signal: new AbortController().signal, onProgress: () => {} },
  );
  return to;
}

export async function loadModel(folder: string) {
  const opened = await openBaseModel({ base: folder });
  try {
    return await opened.read();
  } finally {
    await opened.close();
  }
}

/** Passages of the documentation that are `promptTokens` long, also after decoding and encoding again. */
export async function promptsFor(running: Case, folder: string): Promise<EncodedPrompt[]> {
  const opened = await openBaseModel({ base: folder });
  await opened.close();
  const { tokenizer } = opened;
  const text = readFileSync(path.join(root, 'docs', 'prompting.md'), 'utf8');
  const ids = tokenizer.encode(text);
  const wanted = 4 * answersOf(running);
  const prompts: EncodedPrompt[] = [];
  for (let at = 0; at + running.promptTokens <= ids.length && prompts.length < wanted; at += 7) {
    const passage = ids.slice(at, at + running.promptTokens);
    const prompt = { ids: passage, text: tokenizer.decode(passage) };
    if (tokenizer.encode(prompt.text).join() === passage.join()) prompts.push(prompt);
  }
  if (prompts.length < answersOf(running)) throw new Error('docs/prompting.md has too few passages for the prompts');
  return prompts;
}
