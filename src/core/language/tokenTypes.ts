/** Names of the semantic tokens, in the order in which they are numbered for the editor; package.json gives them their colours. */
export const tokenTypes = [
  'promptRole',
  'promptInput',
  'promptUndeclared',
  'promptLocal',
  'promptShots',
  'promptFilter',
] as const;
export type TokenType = (typeof tokenTypes)[number];
