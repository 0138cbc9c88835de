/** What the readers of weight files have in common: tensors by name, read as float32, and one way to refuse a bad file. */
import { HumanError } from '../../base/errors.ts';
import { l10n } from '../../base/l10n.ts';
import type { RandomAccessFile } from '../../base/randomAccess.ts';

export interface TensorInfo {
  readonly name: string;
  /** Row-major, outermost first. */
  readonly shape: readonly number[];
  /** The file's own name of the type, e.g. `BF16`, `Q8_0`. */
  readonly type: string;
  /** Number of values. */
  readonly elements: number;
  /** Absolute position in the file. */
  readonly offset: number;
  readonly byteLength: number;
}

/** An opened file of weights whose header has been checked completely. */
export interface TensorFile {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** The values as float32, row-major. */
  read(name: string): Promise<Float32Array>;
  close(): Promise<void>;
}

/** More dimensions or tensors than any model has: a header that claims them is damaged. */
export const MAX_DIMENSIONS = 8;
export const MAX_TENSORS = 100_000;

export function refuse(file: RandomAccessFile | string, message: string, cause?: unknown): HumanError {
  return new HumanError(message, { cause, place: { file: typeof file === 'string' ? file : file.path } });
}

/** What `open` makes of a file; the file is closed when that fails. */
export async function closeOnError<T>(file: { close(): Promise<void> }, open: () => T | Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Throws when the bytes of two tensors overlap. */
export function refuseOverlap(file: RandomAccessFile, tensors: Iterable<TensorInfo>): void {
  const overlap = findOverlap(tensors);
  if (!overlap) return;
  throw refuse(
    file,
    l10n.t(
      'The tensors “{0}” and “{1}” overlap: the file is damaged. Download it again.',
      overlap[0].name,
      overlap[1].name,
    ),
  );
}

/** The product of the dimensions, or undefined when one is no whole number ≥ 0 or the product is not exact. */
export function countElements(shape: readonly unknown[]): number | undefined {
  let product = 1;
  for (const size of shape) {
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined;
    product *= size;
    if (!Number.isSafeInteger(product)) return undefined;
  }
  return product;
}

/** The first pair of tensors whose bytes overlap, if any. */
function findOverlap(tensors: Iterable<TensorInfo>): readonly [TensorInfo, TensorInfo] | undefined {
  const byOffset = [...tensors].filter(t => t.byteLength > 0).sort((a, b) => a.offset - b.offset);
  for (let i = 1; i < byOffset.length; i++) {
    const before = byOffset[i - 1]!;
    const tensor = byOffset[i]!;
    if (before.offset + before.byteLength > tensor.offset) return [before, tensor];
  }
  return undefined;
}

export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** Share of the bytes read, 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
}

/** Compares the file's tensors with those that the configuration calls for; returns the number of weights. */
export function checkShapes(tensors: TensorFile, expected: ReadonlyMap<string, readonly number[]>): number {
  let parameters = 0;
  for (const [name, shape] of expected) {
    const info = tensors.tensors.get(name);
    if (!info)
      throw refuse(
        tensors.path,
        l10n.t('Tensor “{0}” is missing from the file. The model is incomplete; download it again.', name),
      );
    if (info.shape.join() !== shape.join()) {
      throw refuse(
        tensors.path,
        l10n.t(
          'Tensor “{0}” has the shape [{1}], but the model’s configuration calls for [{2}]. Download the model again.',
          name,
          info.shape.join(', '),
          shape.join(', '),
        ),
      );
    }
    parameters += info.elements;
  }
  return parameters;
}

/** The named tensors as float32, in the order of `expected`. */
export async function readAll(
  tensors: TensorFile,
  expected: ReadonlyMap<string, readonly number[]>,
  { signal, onProgress }: ReadOptions = {},
): Promise<Map<string, Float32Array>> {
  const weights = new Map<string, Float32Array>();
  let total = 0;
  for (const name of expected.keys()) total += tensors.tensors.get(name)?.byteLength ?? 0;
  let done = 0;
  for (const name of expected.keys()) {
    signal?.throwIfAborted();
    weights.set(name, await tensors.read(name));
    done += tensors.tensors.get(name)?.byteLength ?? 0;
    onProgress?.(done / total);
  }
  return weights;
}
