/** The engine: build a graph, differentiate it, run it. */
export * from './autodiff.ts';
export * from './dtype.ts';
export * from './graph.ts';
export * from './kernels/adamwSimd.ts';
export * from './ops/compare.ts';
export * from './ops/elementwise.ts';
export * from './ops/gather.ts';
export * from './ops/matmul.ts';
export * from './ops/normalise.ts';
export * from './ops/reduce.ts';
export * from './ops/rope.ts';
export * from './ops/shape.ts';
export * from './opTypes.ts';
export * from './optimizers/adamw.ts';
export * from './optimizers/schedules.ts';
export * from './session.ts';
export * from './shape.ts';
