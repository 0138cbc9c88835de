"""Greedy decoding with transformers' `generate`: the fastest of its attention implementations and caches is kept."""

import time
import traceback

import torch
from transformers import LlamaForCausalLM
from transformers.generation.streamers import BaseStreamer

from protocol import serve

# Group-wise 4-bit products of 1 × 576 × 1536 took 1.7 ms in bfloat16 and 15 ms in float32; the float32 product 0.1 ms.
NO_4_BITS = "torchao 0.18 has no 4-bit weights for CPUs, and PyTorch's own kernel for them is slower than float32"
TRIAL_TOKENS = 16

peer = {}


class Clock(BaseStreamer):
    """Notes when the first new token is there: the prompt comes before it and is not timed."""

    def __init__(self):
        self.calls = 0
        self.first = 0.0

    def put(self, _):
        self.calls += 1
        if self.calls == 2:
            self.first = time.perf_counter()

    def end(self):
        pass


def prepare(request):
    if request["precision"] == "4bit":
        raise RuntimeError(NO_4_BITS)
    torch.set_num_threads(request["threads"])
    ids = torch.tensor(request["ids"])
    best, notes = None, []
    for attention, cache in (("sdpa", None), ("eager", None), ("sdpa", "static")):
        name = f"{attention} attention{', static cache' if cache else ''}"
        try:
            run = decoder(request, ids, attention, cache)
            run(TRIAL_TOKENS)
            seconds = run(TRIAL_TOKENS)
        except Exception as error:
            traceback.print_exc()
            notes.append(f"{name}: {type(error).__name__}: {error}".splitlines()[0])
            continue
        notes.append(f"{name}: {ids.shape[0] * (TRIAL_TOKENS - 1) / seconds:.0f} tokens/s")
        if best is None or seconds < best[0]:
            best = (seconds, name, run)
    if best is None:
        raise RuntimeError("; ".join(notes))
    _, name, run = best
    tokens = ids.shape[0] * (request["newTokens"] - 1)
    peer["round"] = lambda _: {"tokens": tokens, "seconds": run(request["newTokens"])}
    return {"variant": name, "notes": notes, "version": f"PyTorch {torch.__version__}"}


@torch.inference_mode()
def decoder(request, ids, attention, cache):
    model = LlamaForCausalLM.from_pretrained(
        request["folder"], dtype=torch.float32, attn_implementation=attention
    ).eval()
    if request["precision"] == "int8":
        from torch.ao.quantization import quantize_dynamic

        model = quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)
    options = {
        "attention_mask": torch.ones_like(ids),
        "do_sample": False,
        "pad_token_id": 0,
    }
    if cache:
        # Compilation, which a static cache would start, takes minutes here; it is a CUDA path first of all.
        options |= {"cache_implementation": cache, "disable_compile": True}

    @torch.inference_mode()
    def run(count):
        clock = Clock()
        model.generate(ids, streamer=clock, max_new_tokens=count, min_new_tokens=count, **options)
        return time.perf_counter() - clock.first

    return run


serve({"prepare": prepare, "round": lambda request: peer["round"](request)})
