/** Shapes with numbers and symbolic dimensions such as `B` and `T`; products of them are written `B*T`. */

/** A size, or the name of a size that is known when the graph runs. */
export type Dim = number | string;
export type Shape = readonly Dim[];

export const shapeText = (shape: Shape): string => `[${shape.join(', ')}]`;

/** The product in its canonical form: the number first, then the names in alphabetical order. */
export function product(dims: Shape): Dim {
  let number = 1;
  const names: string[] = [];
  for (const dim of dims) {
    if (typeof dim === 'number') number *= dim;
    else
      for (const factor of dim.split('*')) {
        if (/^\d+$/.test(factor)) number *= Number(factor);
        else names.push(factor);
      }
  }
  if (names.length === 0) return number;
  names.sort();
  return number === 1 ? names.join('*') : [number, ...names].join('*');
}

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((dim, i) => dim === b[i]);

/** The shape of an element-wise result, as numpy broadcasts. Two different names never match: that is an error, not a guess. */
export function broadcast(a: Shape, b: Shape, what: string): Shape {
  const rank = Math.max(a.length, b.length);
  const result: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x === y || y === 1) result.push(x);
    else if (x === 1) result.push(y);
    else throw new Error(`${what}: shapes ${shapeText(a)} and ${shapeText(b)} do not broadcast`);
  }
  return result;
}

/** An axis counted from the front; negative axes count from the end. */
export function normaliseAxis(axis: number, rank: number, what: string): number {
  const result = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(result) || result < 0 || result >= rank) {
    throw new Error(`${what}: axis ${axis} is outside a tensor of rank ${rank}`);
  }
  return result;
}

/** Concrete sizes of `shape` where the names have these values. */
export function resolve(shape: Shape, sizes: ReadonlyMap<string, number>): number[] {
  return shape.map(dim => {
    if (typeof dim === 'number') return dim;
    let size = 1;
    for (const factor of dim.split('*')) {
      const known = /^\d+$/.test(factor) ? Number(factor) : sizes.get(factor);
      if (known === undefined) throw new Error(`the size of dimension ${factor} is not known`);
      size *= known;
    }
    return size;
  });
}

export const elementCount = (dims: readonly number[]): number => dims.reduce((n, dim) => n * dim, 1);
