/** Changes of one field in a line of JSON, so that every other byte of the line stays as it was written. */

/** A member of the line's outermost object; offsets in UTF-16 code units, end exclusive. */
interface Member {
  readonly key: string;
  readonly keyStart: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/**
 * The line with `field` set to `value`, or without it where `value` is undefined. A key that stands there twice is changed
 * where it counts, the last time. `line` must be a valid JSON object.
 */
export function setJsonField(line: string, field: string, value: unknown): string {
  const members = membersOf(line);
  const index = members.findLastIndex(({ key }) => key === field);
  if (value === undefined) return index === -1 ? line : without(line, members, index);
  const text = JSON.stringify(value);
  const member = members[index];
  if (member) return line.slice(0, member.valueStart) + text + line.slice(member.valueEnd);
  const last = members.at(-1);
  const first = members[0];
  const colon = first && /:(\s*)$/.exec(line.slice(first.keyStart, first.valueStart));
  const gap = colon ? colon[1]! : ' ';
  const pair = `${JSON.stringify(field)}:${gap}${text}`;
  if (!last) {
    const open = line.indexOf('{');
    return `${line.slice(0, open + 1)}${pair}${line.slice(line.lastIndexOf('}'))}`;
  }
  return `${line.slice(0, last.valueEnd)},${gap}${pair}${line.slice(last.valueEnd)}`;
}

function without(line: string, members: readonly Member[], index: number): string {
  const member = members[index]!;
  const next = members[index + 1];
  if (next) return line.slice(0, member.keyStart) + line.slice(next.keyStart);
  const previous = members[index - 1];
  return line.slice(0, previous ? previous.valueEnd : member.keyStart) + line.slice(member.valueEnd);
}

function membersOf(line: string): Member[] {
  const members: Member[] = [];
  let at = line.indexOf('{') + 1;
  for (;;) {
    at = skip(line, at, /[\s,]*/y);
    if (line[at] !== '"') return members;
    const keyStart = at;
    const keyEnd = stringEnd(line, at);
    const valueStart = skip(line, keyEnd, /\s*:\s*/y);
    const valueEnd = endOfValue(line, valueStart);
    members.push({ key: JSON.parse(line.slice(keyStart, keyEnd)) as string, keyStart, valueStart, valueEnd });
    at = valueEnd;
  }
}

function skip(line: string, at: number, pattern: RegExp): number {
  pattern.lastIndex = at;
  return pattern.test(line) ? pattern.lastIndex : at;
}

/** Just after the closing quote of the string that opens at `at`. */
function stringEnd(line: string, at: number): number {
  let i = at + 1;
  while (i < line.length && line[i] !== '"') i += line[i] === '\\' ? 2 : 1;
  return i + 1;
}

function endOfValue(line: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < line.length) {
    const char = line[at]!;
    if (char === '"') {
      at = stringEnd(line, at);
      if (depth === 0) return at;
      continue;
    }
    if (depth === 0 && (char === ',' || char === '}' || /\s/.test(char))) return at;
    if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') {
      depth--;
      if (depth === 0) return at + 1;
    }
    at++;
  }
  return at;
}
