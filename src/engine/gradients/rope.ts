/** Gradient of rotary position embedding. */
import { neg } from '../ops/elementwise.ts';
import { rope } from '../ops/rope.ts';
import type { RulesOf } from './rule.ts';

export const ropeRules: RulesOf<'Rope'> = {
  // y = R(θ)x: ∂x = R(−θ)g
  Rope: ({ node, inputs: [, positions, cos, sin], grad }) => [
    () => rope(grad, positions!, cos!, neg(sin!), node.attributes.heads),
    undefined,
    undefined,
    undefined,
  ],
};
