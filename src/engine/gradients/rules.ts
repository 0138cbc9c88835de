/** Every operator's gradient rule: total by type, so that an operator without a rule does not compile. */
import type { OpType } from '../opTypes.ts';
import { attentionRules } from './attention.ts';
import { compareRules } from './compare.ts';
import { elementwiseRules } from './elementwise.ts';
import { gatherRules } from './gather.ts';
import { headRules } from './head.ts';
import { int8Rules } from './int8.ts';
import { lowRankRules } from './lowRank.ts';
import { matmulRules } from './matmul.ts';
import { normaliseRules } from './normalise.ts';
import { reduceRules } from './reduce.ts';
import { ropeRules } from './rope.ts';
import type { RulesOf } from './rule.ts';
import { shapeRules } from './shape.ts';

export const gradientRules: RulesOf<OpType> = {
  ...elementwiseRules,
  ...compareRules,
  ...matmulRules,
  ...lowRankRules,
  ...int8Rules,
  ...attentionRules,
  ...headRules,
  ...reduceRules,
  ...normaliseRules,
  ...ropeRules,
  ...shapeRules,
  ...gatherRules,
};
