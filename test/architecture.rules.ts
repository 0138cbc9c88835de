/** The table of DESIGN's house, as data: which room may import which, and the few walls inside rooms. ARCHITECTURE.md explains it. */
import type { IForbiddenRuleType } from 'dependency-cruiser';

/** Folder of src → the other folders of src that it may import. A folder always may import itself. */
export const rooms: Readonly<Record<string, readonly string[]>> = {
  base: [],
  core: ['base'],
  protocol: ['core', 'base'],
  storage: ['core', 'base'],
  tokenizer: ['base'],
  engine: ['base'],
  'language-model': ['engine', 'base'],
  training: ['engine', 'language-model', 'tokenizer', 'core', 'base'],
  jobs: ['protocol', 'core', 'storage', 'base'],
  worker: ['protocol', 'storage', 'training', 'language-model', 'tokenizer', 'engine', 'core', 'base'],
  remote: ['jobs', 'core', 'base'],
  providers: ['core', 'jobs', 'tokenizer', 'base'],
  cli: ['core', 'storage', 'providers', 'jobs', 'remote', 'base'],
  vscode: ['core', 'storage', 'providers', 'jobs', 'remote', 'protocol', 'base'],
};

/** Rooms without node: the same input gives the same output, in any runtime. */
export const pureRooms = ['base', 'core', 'protocol', 'tokenizer'];
/** Rooms that get data, clock and progress as arguments instead of reaching for files and processes. */
export const filelessRooms = ['engine', 'language-model', 'training'];
/** Webview panels; each may use protocol, types of core, base and media/common, and no other panel. */
export const panels = ['playground', 'ranking', 'jobs', 'bank', 'data', 'report'];

const any = (names: readonly string[]) => `(${names.join('|')})`;
const nodeBuiltins =
  '^(node:|fs$|path$|os$|child_process$|worker_threads$|crypto$|stream$|http$|https$|net$|url$|process$)';

export const forbidden: IForbiddenRuleType[] = [
  ...Object.entries(rooms).map(
    ([room, allowed]): IForbiddenRuleType => ({
      name: `room-${room}`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: { path: '^(src|media)/', pathNot: `^src/${any([room, ...allowed])}/` },
    }),
  ),
  {
    name: 'pure-rooms-have-no-node',
    severity: 'error',
    from: { path: `^src/${any(pureRooms)}/` },
    to: { path: nodeBuiltins },
  },
  {
    name: 'computing-rooms-touch-no-files-or-processes',
    severity: 'error',
    from: { path: `^src/${any(filelessRooms)}/`, pathNot: '^src/engine/session\\.ts$' },
    to: { path: '^(node:)?(fs|fs/promises|child_process|worker_threads|net|http|https|os|process)$' },
  },
  {
    name: 'onnxruntime-only-in-session',
    severity: 'error',
    from: { path: '^(src|media)/', pathNot: '^src/engine/session\\.ts$' },
    to: { path: 'onnxruntime' },
  },
  {
    name: 'vscode-only-in-vscode',
    severity: 'error',
    from: { path: '^(src|media)/', pathNot: '^src/vscode/' },
    to: { path: '^vscode$' },
  },
  {
    name: 'media-imports-only-contracts',
    severity: 'error',
    from: { path: '^media/' },
    to: { path: '^src/', pathNot: '^src/(protocol|core|base)/' },
  },
  {
    name: 'media-takes-types-of-core-only',
    severity: 'error',
    from: { path: '^media/' },
    to: { path: '^src/core/', dependencyTypesNot: ['type-only'] },
  },
  { name: 'media-has-no-node', severity: 'error', from: { path: '^media/' }, to: { path: nodeBuiltins } },
  ...panels.map(
    (panel): IForbiddenRuleType => ({
      name: `panel-${panel}`,
      severity: 'error',
      from: { path: `^media/${panel}/` },
      to: { path: `^media/${any(panels.filter(other => other !== panel))}/` },
    }),
  ),
  { name: 'no-cycles', severity: 'error', from: { path: '^(src|media)/' }, to: { circular: true } },
];
