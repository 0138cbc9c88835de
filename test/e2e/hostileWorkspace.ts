/** Makes the workspace that tries every line of the safety rules: the fixtures with addresses put in, and what is too large or odd to be kept. */
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { rlhfPresets } from '../../src/core/jobs/presets.ts';
import { createJobFolder } from '../../src/storage/jobFolder.ts';
import { addImportedModel } from '../../src/storage/modelStore.ts';
import { PreferenceJournal } from '../../src/storage/preferenceJournal.ts';
import { encodeRecord } from '../../src/storage/recordLog.ts';
import { workspaceLayout } from '../../src/storage/workspaceLayout.ts';
import { writeTinyModel } from '../fakes/tinyModelFolder.ts';
import { hostileMarkup } from './attacker.ts';

export interface HostileWorkspace {
  readonly folder: string;
  /** Beside the workspace, with files that nothing may read. */
  readonly outside: string;
  /** Where code of the workspace leaves a file when it runs. */
  readonly canaries: string;
  /** The person's own folder, with a hostile model among the imported ones. */
  readonly home: string;
}

export const outsideSecret = 'outside-secret-7f3a';

export async function makeHostileWorkspace(addresses: {
  readonly attacker: string;
  readonly honest: string;
  readonly redirecting: string;
}): Promise<HostileWorkspace> {
  const top = await mkdtemp(path.join(os.tmpdir(), 'tunesmith-hostile-'));
  const [folder, outside, canaries, home] = ['workspace', 'outside', 'canaries', 'home'].map(name =>
    path.join(top, name),
  ) as [string, string, string, string];
  for (const made of [outside, canaries, home]) mkdirSync(made);
  cpSync(path.join(import.meta.dirname, 'fixtures', 'hostile'), folder, { recursive: true });
  const replaced: Readonly<Record<string, string>> = {
    ATTACKER: addresses.attacker,
    HONEST: addresses.honest,
    REDIRECTING: addresses.redirecting,
    OUTSIDE: outside,
    CANARIES: canaries,
    FOLDER: folder,
  };
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(folder, name);
    if (!statSync(file).isFile()) continue;
    const text = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      text.replace(/\b(ATTACKER|HONEST|REDIRECTING|OUTSIDE|CANARIES|FOLDER)\b/g, word => replaced[word]!),
    );
  }
  writeFileSync(path.join(outside, 'outside.txt'), outsideSecret);
  writeFileSync(path.join(outside, 'bank.jsonl'), `{"question":"${outsideSecret}","answer":"${outsideSecret}"}\n`);
  writeFileSync(path.join(top, 'outside.txt'), outsideSecret);
  symlinkSync(path.join(outside, 'outside.txt'), path.join(folder, 'link.txt'));

  await addJournals(folder, addresses.attacker);
  await writeTinyModel(path.join(folder, 'tiny-model'));
  await addJob(folder, 'escaping', path.join(outside, 'written-by-a-job'));
  await addJob(folder, 'coded', '.tunesmith/models/coded');
  const model = path.join(home, 'hostile-model');
  await writeTinyModel(model);
  const settings = path.join(model, 'tokenizer_config.json');
  await writeFile(
    settings,
    JSON.stringify({
      ...JSON.parse(await readFile(settings, 'utf8')),
      chat_template:
        '{% for a in range(100000000) %}{% for b in range(100000000) %}{{ messages }}{% endfor %}{% endfor %}',
    }),
  );
  await addImportedModel(home, { name: 'hostile', path: model });
  return { folder, outside, canaries, home };
}

/** One honest journal with hostile answers, and files as no program of ours writes them. */
async function addJournals(folder: string, attacker: string): Promise<void> {
  const layout = workspaceLayout(folder);
  const journal = await PreferenceJournal.open(layout, { author: 'Honest' });
  await journal.addItems([
    {
      set: 'from the journal',
      messages: [{ role: 'user', content: hostileMarkup(attacker, 0) }],
      answers: [1, 2].map(salt => ({ text: hostileMarkup(attacker, salt), model: 'x' })),
    },
  ]);
  await journal.close();
  const mallory = path.join(layout.preferences, 'mallory');
  mkdirSync(mallory);
  const write = (name: string, text: string | Buffer) => writeFileSync(path.join(mallory, name), text);
  const header = encodeRecord({ type: 'header', log: 'preferences', format: 1, writer: 'x', author: 'm', at: '' });
  const at = '2026-01-01T00:00:00.000Z';
  write(
    'prototype.jsonl',
    header +
      encodeRecord(JSON.parse('{"__proto__":{"polluted":true},"type":"item","id":"__proto__","format":1}')) +
      encodeRecord({
        format: 1,
        id: '__proto__',
        at,
        author: '__proto__',
        type: 'judgement',
        item: 'constructor',
        ranking: [['toString']],
        shown: ['hasOwnProperty'],
        verdict: 'ranked',
        flags: [],
        milliseconds: 1,
      }),
  );
  write('checksum.jsonl', header + encodeRecord({ format: 1 }).replace(/"c":"......../, '"c":"00000000'));
  write('huge-line.jsonl', header + '{"c":"'.padEnd(20_000_000, 'x') + '\n');
  write('deep.jsonl', header + '['.repeat(200_000) + '\n');
  write('binary.jsonl', Buffer.from(Array.from({ length: 65_536 }, (_, i) => (i * 37) % 256)));
  write('newer.jsonl', encodeRecord({ type: 'header', log: 'preferences', format: 99 }));
}

/** A job that stopped, ready to be resumed: its reward is code of the workspace. */
async function addJob(folder: string, name: string, output: string): Promise<void> {
  const job = await createJobFolder(workspaceLayout(folder), {
    name,
    data: {
      'prompts.jsonl': Array.from({ length: 6 }, (_, index) => ({
        prompt: { kind: 'messages', messages: [{ role: 'user', content: `Question ${index}?` }] },
      })),
    },
    specification: ({ id, createdAt, data }) => ({
      format: 1,
      id,
      createdAt,
      name,
      seed: 1,
      threads: 1,
      kind: 'rlhf',
      model: { id: 'local:tiny', base: 'tiny-model' },
      output,
      data: data['prompts.jsonl'],
      reward: { kind: 'rule', reward: { rule: 'javascript', file: 'reward.mjs' } },
      settings: { ...rlhfPresets.quick, steps: 2, promptsPerStep: 2, samplesPerPrompt: 2, maxNewTokens: 4 },
    }),
  });
  const at = '2026-01-01T00:00:00.000Z';
  writeFileSync(
    job.file('state'),
    JSON.stringify({
      format: 1,
      status: 'failed',
      heartbeatAt: at,
      startedAt: at,
      endedAt: at,
      step: 0,
      totalSteps: 2,
    }),
  );
}
