/** What decoding peers in JavaScript have in common: the fastest of their variants is kept, and decoding alone is timed. */
import { serve } from '../serve.ts';

export interface DecodingPeerRequest {
  /** The file or the folder that the peer loads. */
  readonly model: string;
  /** Prompts of one length. */
  readonly ids: readonly (readonly number[])[];
  /** Tokens to generate for each. */
  readonly newTokens: number;
  readonly threads: number;
}

export type TokenCallback = (sequence: number, token: number) => void;

/** One way to decode: `run` generates `newTokens` for each prompt and names each token as it comes. */
interface Variant {
  run(newTokens: number, onToken: TokenCallback): Promise<void>;
  dispose(): Promise<void>;
}

/** Tokens of each sequence in the trial of a variant. */
const trialTokens = 16;

interface Loaded {
  readonly version: string;
  readonly variants: Readonly<Record<string, () => Promise<Variant>>>;
}

export async function decodingPeer(load: (request: DecodingPeerRequest) => Promise<Loaded>): Promise<void> {
  let best: { readonly seconds: number; readonly variant: Variant; readonly name: string } | undefined;
  let request: DecodingPeerRequest;
  await serve({
    async prepare(given: DecodingPeerRequest) {
      request = given;
      const { version, variants } = await load(request);
      const notes: string[] = [];
      for (const [name, make] of Object.entries(variants)) {
        const variant = await make();
        await decode(variant, request.ids.length, trialTokens);
        const { tokens, seconds } = await decode(variant, request.ids.length, trialTokens);
        notes.push(`${name}: ${(tokens / seconds).toFixed(0)} tokens/s`);
        const slower = best && best.seconds <= seconds ? variant : best?.variant;
        if (slower !== variant) best = { seconds, variant, name };
        await slower?.dispose();
      }
      return { version, variant: best!.name, notes };
    },
    round: async () => decode(best!.variant, request.ids.length, request.newTokens),
  });
}

/** Times from the moment when every sequence has its first token, which its prompt gives, to the last token. */
async function decode(
  { run }: Variant,
  batch: number,
  newTokens: number,
): Promise<{ tokens: number; seconds: number }> {
  const started = new Set<number>();
  let start = 0;
  await run(newTokens, sequence => {
    if (started.size === batch) return;
    started.add(sequence);
    if (started.size === batch) start = performance.now();
  });
  return { tokens: batch * (newTokens - 1), seconds: (performance.now() - start) / 1000 };
}
