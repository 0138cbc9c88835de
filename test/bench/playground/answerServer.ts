/** The benchmark's model server, in a process of its own so that it costs the measuring one nothing; says how often it was asked. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startChatServer } from '../../fakes/chatServer.ts';
import { answerTokens } from './answers.ts';

export interface AnswerServer {
  readonly url: string;
  /** Requests so far. */
  asked(): Promise<number>;
  close(): void;
}

export async function startAnswerServer(): Promise<AnswerServer> {
  const child = fork(fileURLToPath(import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [url] = (await once(child, 'message')) as [string];
  return {
    url,
    async asked() {
      const answer = once(child, 'message');
      child.send('asked');
      return ((await answer) as [number])[0];
    },
    close: () => void child.kill(),
  };
}

if (import.meta.main) {
  let asked = 0;
  const server = await startChatServer(request => {
    asked++;
    // Only counted here: 21,420 questions would only fill this process.
    server.requests.length = 0;
    return answerTokens(request);
  });
  process.on('message', () => process.send?.(asked));
  process.once('disconnect', () => process.exit());
  process.send?.(server.url);
}
