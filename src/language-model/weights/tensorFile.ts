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
