/** Gradient of products with int8 weights. */
import { int8Linear } from '../ops/int8.ts';
import type { RulesOf } from './rule.ts';

export const int8Rules: RulesOf<'Int8Linear'> = {
  // y = x·Wᵀ: ∂x = g·W, with W rounded by its columns rather than its rows
  Int8Linear: ({ inputs: [, , forward, forwardScale, backward, backwardScale], grad }) => [
    () =>
      int8Linear(grad, {
        forward: backward!,
        forwardScale: backwardScale!,
        backward: forward!,
        backwardScale: forwardScale!,
      }),
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ],
};
