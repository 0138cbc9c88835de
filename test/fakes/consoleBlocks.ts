/** Commands of a document with the output that it shows, and whether a real output is the one shown. */

export interface ShownCommand {
  /** 1-based line of the command in the document. */
  readonly line: number;
  readonly command: string;
  readonly argv: readonly string[];
  /** Lines shown below the command. `…` alone stands for any lines, within a line for any text. */
  readonly output: readonly string[];
  /** Figures may differ a little from machine to machine. */
  readonly figures: boolean;
  /** Of the block's info string, after `console`. */
  readonly words: readonly string[];
}

/** Every command of the blocks marked `console`; of `sh` blocks too, which show no output. */
export function shownCommands(markdown: string): ShownCommand[] {
  const commands: ShownCommand[] = [];
  let block: { readonly kind: string; readonly words: readonly string[] } | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^```(.*)$/.exec(line);
    if (fence) {
      const [kind = '', ...words] = fence[1]!.trim().split(/\s+/);
      block = block ? undefined : { kind, words };
      continue;
    }
    if (!block || !['console', 'sh'].includes(block.kind)) continue;
    const command = block.kind === 'sh' ? line : /^\$ (.*)$/.exec(line)?.[1];
    if (command === undefined) (commands.at(-1)!.output as string[]).push(line);
    else if (command.trim() !== '') {
      const { words } = block;
      commands.push({
        line: index + 1,
        command,
        argv: argumentsOf(command),
        output: [],
        figures: words.includes('figures'),
        words,
      });
    }
  }
  return commands;
}

/** As a shell parts a simple command: blanks, single and double quotes. */
function argumentsOf(command: string): string[] {
  const found: string[] = [];
  for (const [word] of command.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g))
    found.push(word.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'));
  return found;
}

/** The first shown line that the real output lacks, in order; undefined where all is there. Blank lines do not count. */
export function missingLine({ output, figures }: ShownCommand, real: readonly string[]): string | undefined {
  // Data and remarks come by two ways, each in its own order.
  const streams = real.map(text => ({ lines: text.split('\n').filter(line => line.trim() !== ''), at: 0 }));
  for (const shown of output) {
    if (shown.trim() === '' || shown.trim() === '…') continue;
    const stream = streams.find(({ lines, at }) => lines.slice(at).some(line => sameLine(shown, line, figures)));
    if (!stream) return shown;
    stream.at = stream.lines.findIndex((line, i) => i >= stream.at && sameLine(shown, line, figures)) + 1;
  }
  return undefined;
}

const number = /[−-]?\d+(?:\.\d+)?/g;
const bar = /[█·▏▎▍▌▋▊▉]{5,}/g;

function sameLine(shown: string, real: string, figures: boolean): boolean {
  const plain = (text: string) => text.replace(bar, '|').trim().replace(/\s+/g, ' ');
  const [wanted, got] = [plain(shown), plain(real)];
  const escaped = wanted.split('…').map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  if (!figures) return new RegExp(`^${escaped.join('.*')}$`).test(got);
  const pattern = escaped.map(part => part.replace(/[−-]?\d+(?:\\\.\d+)?/g, '([−-]?\\d+(?:\\.\\d+)?)'));
  const match = new RegExp(`^${pattern.join('.*?')}$`).exec(got);
  if (!match) return false;
  const wants = [...wanted.matchAll(number)].map(([text]) => figureOf(text));
  return wants.every((want, i) => near(want, figureOf(match[i + 1]!)));
}

const figureOf = (text: string): number => Number(text.replace('−', '-'));

/** A few per cent, or a few rows more or less. */
const near = (want: number, got: number): boolean =>
  Math.abs(want - got) <= Math.max(0.05 * Math.abs(want), Number.isInteger(want) ? 4 : 0.05);
