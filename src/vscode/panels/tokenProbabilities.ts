/** Asks a model for its tokens' probabilities with every request, where it can give them. */
import type { TextGenerator } from '../../core/textGenerator.ts';

/** Likeliest tokens shown at each place. */
const Alternatives = 5;
/** One wrapper a model, so that what is kept by model (pace, batches) stays with it. */
const wrapped = new WeakMap<TextGenerator, TextGenerator>();

export function withTokenProbabilities(generator: TextGenerator): TextGenerator {
  if (!generator.model.logProbs) return generator;
  let made = wrapped.get(generator);
  if (!made) {
    const logProbs = { alternatives: Alternatives };
    made = {
      model: generator.model,
      generate: (request, context) => generator.generate({ ...request, logProbs }, context),
      generateAll:
        generator.generateAll &&
        ((requests, context) =>
          generator.generateAll!(
            requests.map(request => ({ ...request, logProbs })),
            context,
          )),
      countTokens: generator.countTokens && (texts => generator.countTokens!(texts)),
    };
    wrapped.set(generator, made);
  }
  return made;
}
