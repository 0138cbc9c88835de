/** Writes a model, with its adapter merged in, as a folder for `transformers` or as a GGUF file; whole or not at all. */
import { basename, dirname, join, resolve } from 'node:path';
import { HumanError } from '../base/errors.ts';
import { l10n } from '../base/l10n.ts';
import { type GgufType, ggufTypes, writeGguf } from '../language-model/exportGguf.ts';
import {
  exportedConfig,
  planShards,
  type SafetensorsType,
  safetensorsTypes,
  writeSafetensors,
} from '../language-model/exportSafetensors.ts';
import { type MergedModel, mergedModel, type Sink, type WriteContext } from '../language-model/mergedModel.ts';
import type { ExportFormat, ExportType, ModelLocation } from '../protocol/inference.ts';
import { diskError, nodeDisk, randomName, writeNewFile } from '../storage/fileSystem.ts';
import { openFolder } from '../storage/modelFolder.ts';
import { ggufTokenizerMetadata } from '../tokenizer/ggufMetadata.ts';
import { tokenizerFromGguf } from '../tokenizer/ggufTokenizer.ts';
import { type OpenedModel, openModel } from './openModel.ts';

export interface ModelExport {
  readonly location: ModelLocation;
  /** A folder that does not exist yet. */
  readonly to: string;
  readonly format: ExportFormat;
  readonly type: ExportType;
}

export interface ExportContext {
  readonly signal: AbortSignal;
  readonly onProgress: (message: string, fraction?: number) => void;
}

/** Files of a Hugging Face folder that go with the weights as they are. */
const COPIED =
  /^(tokenizer.*|special_tokens_map|added_tokens|vocab|generation_config)\.json$|^merges\.txt$|^tokenizer\.model$|\.jinja$/;

/** Returns the path of what was made: the folder, or the GGUF file in it, and its size in bytes. */
export async function exportModel(
  request: ModelExport,
  context: ExportContext,
): Promise<{ readonly path: string; readonly bytes: number }> {
  const folder = resolve(request.to);
  requireType(request);
  if ((await nodeDisk.identity(folder)) !== undefined) {
    throw new HumanError(l10n.t('There is already something here. Choose a folder that does not exist yet.'), {
      place: { file: folder },
    });
  }
  const opened = await openModel(request.location);
  const temporary = join(dirname(folder), `.${basename(folder)}.${randomName(6)}.tmp`);
  try {
    if (opened.adapter?.score) {
      throw new HumanError(
        l10n.t('This is a reward model: it scores answers and cannot write any. Choose a tuned model.'),
        { place: { file: opened.adapter.path } },
      );
    }
    const model = mergedModel(opened.files, opened.adapter);
    await nodeDisk.makeFolder(temporary);
    const write = request.format === 'gguf' ? writeGgufFile : writeFolder;
    const { name, bytes } = await write(opened, model, request, temporary, context);
    await nodeDisk.syncFolder(temporary);
    await nodeDisk.rename(temporary, folder);
    await nodeDisk.syncFolder(dirname(folder));
    return { path: join(folder, name), bytes };
  } catch (error) {
    await nodeDisk.remove(temporary).catch(() => {});
    throw diskError(error, folder);
  } finally {
    await opened.files.close();
  }
}

function requireType({ format, type }: ModelExport): void {
  const known: readonly string[] = format === 'gguf' ? ggufTypes : safetensorsTypes;
  if (known.includes(type)) return;
  throw new HumanError(l10n.t('{0} files are written as {1}, not as {2}.', format, known.join(', '), type));
}

type Write<Request = ModelExport> = (
  opened: OpenedModel,
  model: MergedModel,
  request: Request,
  folder: string,
  context: ExportContext,
) => Promise<{ readonly name: string; readonly bytes: number }>;

const writeGgufFile: Write = async ({ files }, model, request, folder, context) => {
  const type = request.type as GgufType;
  const called = basename(resolve(request.to));
  const name = `${called}.${type}.gguf`;
  const metadata = ggufTokenizerMetadata(files.tokenizer, model.config.vocabSize);
  const bytes = await toFile(join(folder, name), sink =>
    writeGguf(model, { type, name: called, metadata }, sink, progress(model, context)),
  );
  return { name, bytes };
};

/** The files of a model for `transformers`, into a folder that is there and empty. */
export const writeFolder: Write<Pick<ModelExport, 'type'>> = async (opened, model, request, folder, context) => {
  const type = request.type as SafetensorsType;
  const json = (name: string, value: unknown): Promise<void> =>
    writeNewFile(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
  await json('config.json', exportedConfig(model, opened.files.configJson, type));
  await writeTokenizer(opened, folder, json);
  const { shards, index } = planShards(model, type);
  const writing = progress(model, context);
  let bytes = 0;
  for (const shard of shards) {
    bytes += await toFile(join(folder, shard.file), sink => writeSafetensors(model, shard, type, sink, writing));
  }
  if (index) await json('model.safetensors.index.json', index);
  return { name: '', bytes };
};

async function writeTokenizer(
  { files }: OpenedModel,
  folder: string,
  json: (name: string, value: unknown) => Promise<void>,
): Promise<void> {
  const { tokenizer: source } = files;
  if (source.kind === 'gguf') {
    const { tokenizer, config, chatTemplate, endTokenIds } = tokenizerFromGguf(source.path, source.metadata);
    await json('tokenizer.json', tokenizer);
    await json('tokenizer_config.json', {
      tokenizer_class: 'PreTrainedTokenizerFast',
      ...config,
      ...(chatTemplate === undefined ? {} : { chat_template: chatTemplate }),
      clean_up_tokenization_spaces: false,
      model_max_length: files.config.maxPositions,
    });
    if (endTokenIds.length > 0) await json('generation_config.json', { eos_token_id: endTokenIds });
    return;
  }
  const from = await openFolder(files.path);
  for (const name of (await from.names()).filter(name => COPIED.test(name))) {
    const file = await from.open(name);
    try {
      await writeNewFile(join(folder, name), await file.read(0, file.size));
    } finally {
      await file.close();
    }
  }
}

/** A new file on the disk, filled by `write`; returns its size. */
async function toFile(path: string, write: (sink: Sink) => Promise<void>): Promise<number> {
  const file = await nodeDisk.create(path);
  let position = 0;
  try {
    await write(async bytes => {
      await file.write(bytes, position);
      position += bytes.length;
    });
    await file.sync();
  } finally {
    await file.close();
  }
  return position;
}

function progress({ shapes }: MergedModel, { signal, onProgress }: ExportContext): WriteContext {
  const message = l10n.t('Writing the model');
  const total = [...shapes.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
  let done = 0;
  let reported = 0;
  onProgress(message, 0);
  return {
    signal,
    onValues: count => {
      done += count;
      if (done / total - reported < 0.02 && done < total) return;
      reported = done / total;
      onProgress(message, reported);
    },
  };
}
