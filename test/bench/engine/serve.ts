/** A child's side of the conversation: answers requests in JSON, one object a line, until its input ends. */
import { createInterface } from 'node:readline';

export type Request = Readonly<Record<string, unknown>>;

/** `commands`: name → function of the request. What else is printed must go to the standard error. */
export async function serve(commands: Readonly<Record<string, (request: never) => Promise<unknown>>>): Promise<void> {
  console.log = console.error;
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Request & { readonly id: number; readonly command: string };
    let answer: Request;
    try {
      const command = commands[request.command];
      if (!command) throw new Error(`there is no command ${request.command}`);
      answer = { id: request.id, result: await command(request as never) };
    } catch (error) {
      console.error(error);
      answer = { id: request.id, error: (error as Error).message.split('\n')[0] };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  process.exit(0);
}
