/** The section of docs/performance.md that says what is counted and compared. */

export const definitions = (): string => `## What is counted

- **Turns.** Ours and each peer are processes of their own that stay alive; one computes at a time. A round is one turn of
  each, in alternating order; a figure is the median of the rounds. Starting, loading, compiling and warming up are not timed.
- **ours/theirs**: higher is better. Tokens of training are all tokens of the batch; tokens of decoding are the new ones
  after the first of each sequence, so that reading the prompt is not timed.
- **The same work.** Everyone has the same weights, the same batch and a whole optimizer step: AdamW with decay 0.1 and
  gradients clipped to norm 1. Losses are over all positions. A peer whose first loss differs by more than 0.1 % (bfloat16
  and int8: 2 %) is refused.
- **FLOPs of a training step**, per token: 6N when all weights are trained, 4N with adapters, where N counts the weights of all
  matrices that a token is multiplied with, the output matrix among them and the adapters not. Attention adds
  6 · (T + 1) · heads · head size · layers: a token meets (T + 1)/2 others on the average, in two products, with 2 FLOPs for a
  multiplication with its addition, three times that with the gradients. What is computed again is not counted again.
- **matmul-peak**: the fastest float32 matrix product of PyTorch or ONNX Runtime in the same rounds, of several shapes. Ours is
  the FLOPs above per second.
- **memory-bandwidth**: the fastest read of 0.5 GB by PyTorch or ONNX Runtime in the same rounds, on all threads. Ours is the
  weights and the keys and values that a step has to read, per second: on the 135M model only, because the small one fits
  into the processor's cache.
- **PyTorch** trains through transformers (and peft) in the faster of eager and SDPA attention; bf16 is autocast.
  \`-compiled\` is the same under torch.compile, which takes minutes before the first step of a model of 30 layers and is left
  out there. It decodes with \`generate\` in the fastest of its attentions and caches; int8 is its dynamic
  quantisation. Its threads are as many as the processor has cores.
- **llama.cpp** runs through node-llama-cpp with the binary of that package, F32, Q8_0 and the Q4_1 file that the model comes
  as, all sequences stepped as one batch of one context, with or without flash attention, whichever is faster.
- **transformers.js** runs \`generate\` on ONNX Runtime with graphs of onnxruntime-genai's builder: fused attention over a cache;
  int8 is ONNX Runtime's dynamic quantisation, 4bit blocks of 32.
- **TensorFlow.js** trains the same Llama, written in its operators, on its WASM backend.

## Shapes

${shapes}`;

const shapes = `| case | model |
|---|---|
| train-6m | Llama, 6 layers, hidden 256, 8 heads, intermediate 688, vocabulary 2048, untied; 16 × 128 tokens |
| train-35m | Llama, 9 layers, hidden 576, 9 heads over 3, intermediate 1536, vocabulary 4096, tied; 4 × 256 tokens |
| train-135m-lora | SmolLM2-135M-Instruct, rank 8 on all linear layers; 4 × 256 tokens |
| decode-135m | SmolLM2-135M-Instruct; prompts of 64 tokens, 128, 64, 48 and 32 new tokens at batch 1, 8, 16 and 64 |
| decode-pebble | the bundled model; as above |`;
