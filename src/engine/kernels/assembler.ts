/** Just enough of a WebAssembly assembler to write SIMD loops by hand. */

/** Value types. */
export const type = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;
export type ValueType = (typeof type)[keyof typeof type];

export interface WasmFunction {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
  /** Local variables after the parameters. */
  readonly locals: readonly ValueType[];
  readonly body: readonly number[];
}

/** Unsigned LEB128. */
export function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest ? low | 0x80 : low);
  } while (rest);
  return bytes;
}

const simd = (opcode: number): number[] => [0xfd, ...leb(opcode)];

/** Instructions as bytes; operands come off the stack. */
export const op = {
  get: (local: number) => [0x20, ...leb(local)],
  set: (local: number) => [0x21, ...leb(local)],
  /** Adds a constant below 64 to an i32 local. */
  advance: (local: number, by: number) => [0x20, ...leb(local), 0x41, by, 0x6a, 0x21, ...leb(local)],
  load: [...simd(0x00), 4, 0],
  store: [...simd(0x0b), 4, 0],
  splat: simd(0x13),
  add: simd(0xe4),
  sub: simd(0xe5),
  mul: simd(0xe6),
  div: simd(0xe7),
  sqrt: simd(0xe3),
  /** The lower two float32 lanes as float64. */
  promoteLow: simd(0x5f),
  addDouble: simd(0xf0),
  mulDouble: simd(0xf2),
  /** Lanes 2 and 3 of the operand, twice. */
  upperHalf: (local: number) => [
    ...op.get(local),
    ...op.get(local),
    ...simd(0x0d),
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
  ],
  doubleLane: (lane: number) => [...simd(0x21), lane],
  addF64: [0xa0],
  /** Repeats `body` while local `at` is below local `end`, both unsigned. */
  whileBelow: (at: number, end: number, body: readonly number[]) => [
    ...[0x02, 0x40, 0x03, 0x40],
    ...[...op.get(at), ...op.get(end), 0x4f, 0x0d, 1],
    ...body,
    ...[0x0c, 0, 0x0b, 0x0b],
  ],
};

const vector = (items: readonly (readonly number[])[]): number[] => [...leb(items.length), ...items.flat()];
const section = (id: number, contents: readonly number[]): number[] => [id, ...leb(contents.length), ...contents];
const text = (value: string): number[] => {
  const bytes = [...value].map(char => char.charCodeAt(0));
  return [...leb(bytes.length), ...bytes];
};

/** A module that imports its memory as `env.memory` and exports the functions. */
export function assemble(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const byte = (value: number): number[] => [value];
  const types = functions.map(f => [0x60, ...vector(f.parameters.map(byte)), ...vector(f.results.map(byte))]);
  const bodies = functions.map(f => {
    const code = [...vector(f.locals.map(local => [1, local])), ...f.body, 0x0b];
    return [...leb(code.length), ...code];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector(types)),
    ...section(2, vector([[...text('env'), ...text('memory'), 0x02, 0x00, 0x01]])),
    ...section(3, vector(functions.map((_, i) => leb(i)))),
    ...section(7, vector(functions.map((f, i) => [...text(f.name), 0x00, ...leb(i)]))),
    ...section(10, vector(bodies)),
  ]);
}
