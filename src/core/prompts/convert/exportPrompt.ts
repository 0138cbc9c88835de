/** Writes a rendered template as what sends it: a request's JSON, a cURL command, TypeScript or Python. */
import { l10n } from '../../../base/l10n.ts';
import type { RenderedPrompt, Template } from '../template.ts';
import type { Conversion } from './conversion.ts';
import { anthropicBody, openAiBody } from './requestBody.ts';

export const CodeTargets = ['openai', 'anthropic', 'curl', 'typescript', 'python'] as const;
export type CodeTarget = (typeof CodeTargets)[number];

interface Service {
  readonly baseVariable: string;
  readonly base: string;
  readonly path: string;
  readonly keyVariable: string;
  /** `$KEY` stands where the key goes. */
  readonly headers: Readonly<Record<string, string>>;
}

const openAi: Service = {
  baseVariable: 'OPENAI_BASE_URL',
  base: 'https://api.openai.com/v1',
  path: '/chat/completions',
  keyVariable: 'OPENAI_API_KEY',
  headers: { 'content-type': 'application/json', authorization: 'Bearer $KEY' },
};
const anthropic: Service = {
  baseVariable: 'ANTHROPIC_BASE_URL',
  base: 'https://api.anthropic.com',
  path: '/v1/messages',
  keyVariable: 'ANTHROPIC_API_KEY',
  headers: { 'content-type': 'application/json', 'x-api-key': '$KEY', 'anthropic-version': '2023-06-01' },
};

/** Code asks Anthropic where the template names it as its provider, and else a server that speaks as OpenAI does. */
export function exportPrompt(template: Template, prompt: RenderedPrompt, target: CodeTarget): Conversion {
  const asAnthropic = target === 'anthropic' || (target !== 'openai' && template.model.provider === 'anthropic');
  const { body, notes: left } = (asAnthropic ? anthropicBody : openAiBody)(template, prompt);
  const notes = [...left];
  if (body.model === '') notes.push({ message: l10n.t('The template names no model. Fill in “model”.') });
  if (prompt.continueLast && !asAnthropic)
    notes.push({ message: l10n.t('The prompt starts the answer; not every server goes on from there.') });
  const service = asAnthropic ? anthropic : openAi;
  const written = wellFormed(body);
  return { text: writers[target](service, written), notes };
}

const writers: Readonly<Record<CodeTarget, (service: Service, body: unknown) => string>> = {
  openai: (_, body) => `${JSON.stringify(body, undefined, 2)}\n`,
  anthropic: (_, body) => `${JSON.stringify(body, undefined, 2)}\n`,
  curl,
  typescript,
  python,
};

function curl({ baseVariable, base, path, keyVariable, headers }: Service, body: unknown): string {
  const lines = Object.entries(headers).map(
    ([name, value]) => `  -H "${name}: ${value.replace('$KEY', `$${keyVariable}`)}" \\\n`,
  );
  const data = JSON.stringify(body, undefined, 2).replaceAll("'", "'\\''");
  return `curl "\${${baseVariable}:-${base}}${path}" \\\n${lines.join('')}  --data-binary '${data}'\n`;
}

function typescript({ baseVariable, base, path, keyVariable, headers }: Service, body: unknown): string {
  const list = Object.entries(headers).map(([name, value]) => {
    const written = value.includes('$KEY')
      ? `\`${value.replace('$KEY', `\${process.env.${keyVariable}}`)}\``
      : `'${value}'`;
    return `    '${name}': ${written},\n`;
  });
  return `const body = ${JSON.stringify(body, undefined, 2)};

const response = await fetch(\`\${process.env.${baseVariable} ?? '${base}'}${path}\`, {
  method: 'POST',
  headers: {
${list.join('')}  },
  body: JSON.stringify(body),
});
if (!response.ok) throw new Error(\`\${response.status} \${await response.text()}\`);
console.log(JSON.stringify(await response.json(), undefined, 2));

export {};
`;
}

function python({ baseVariable, base, path, keyVariable, headers }: Service, body: unknown): string {
  const list = Object.entries(headers).map(([name, value]) => {
    const key = `os.environ.get("${keyVariable}", "")`;
    const written =
      value === '$KEY' ? key : value.includes('$KEY') ? `"${value.replace('$KEY', '')}" + ${key}` : `"${value}"`;
    return `        "${name}": ${written},\n`;
  });
  return `import json
import os
import urllib.request

body = ${pythonLiteral(body, '')}

request = urllib.request.Request(
    os.environ.get("${baseVariable}", "${base}") + "${path}",
    data=json.dumps(body).encode("utf-8"),
    headers={
${list.join('')}    },
)
with urllib.request.urlopen(request) as response:
    print(json.dumps(json.load(response), indent=2, ensure_ascii=False))
`;
}

/** JSON's texts are Python's as well; its other words are not. */
function pythonLiteral(value: unknown, indent: string): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value !== 'object') return JSON.stringify(value);
  const inner = `${indent}    `;
  const items = Array.isArray(value)
    ? value.map(item => pythonLiteral(item, inner))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${pythonLiteral(item, inner)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return items.length === 0
    ? `${open}${close}`
    : `${open}\n${items.map(item => `${inner}${item},\n`).join('')}${indent}${close}`;
}

/** Half characters cannot be sent: they become U+FFFD, as they would on the way. */
function wellFormed(value: unknown): unknown {
  if (typeof value === 'string')
    return value.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
  if (Array.isArray(value)) return value.map(wellFormed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [wellFormed(key), wellFormed(item)]));
}
