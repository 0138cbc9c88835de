"""Greedy decoding with transformers' `generate`: the fastest of its attention implementations and caches is kept."""

import time
import traceback

import torch
from transformers import LlamaForCausalLM
from transformers.generation.streamers import BaseStreamer

from protocol import serve

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
    torch.set_num_threads(request["threads"])
    ids = torch.tensor(request["ids"])
    tokens = ids.shape[0] * (request["newTokens"] - 1)
    best, notes = None, []
    for attention, cache in (("sdpa", None), ("eager", None), ("sdpa", "static")):
        name = f"{attention} attention{', static cache' if cache else ''}"
        try:
            run = decoder(request, ids, attention, cache)
            run()
            seconds = run()
        except Exception as error:
            traceback.print_exc()
            notes.append(f"{name}: {type(error).__name__}: {error}".splitlines()[0])
            continue
        notes.append(f"{name}: {tokens / seconds:.0f} tokens/s")
        if best is None or seconds < best[0]:
            best = (seconds, name, run)
    if best is None:
        raise RuntimeError("; ".join(notes))
    _, name, peer["run"] = best
    peer["tokens"] = tokens
    return {"variant": name, "notes": notes, "version": f"PyTorch {torch.__version__}"}


@torch.inference_mode()
def decoder(request, ids, attention, cache):
    model = LlamaForCausalLM.from_pretrained(
        request["folder"], dtype=torch.float32, attn_implementation=attention
    ).eval()
    if request["precision"] == "int8":
        from torch.ao.quantization import quantize_dynamic

        model = quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)
    elif request["precision"] == "4bit":
        quantise_to_4_bits(model)
    options = {
        "attention_mask": torch.ones_like(ids),
        "max_new_tokens": request["newTokens"],
        "min_new_tokens": request["newTokens"],
        "do_sample": False,
        "pad_token_id": 0,
    }
    if cache:
        # Compilation, which a static cache would start, takes minutes here; it is a CUDA path first of all.
        options |= {"cache_implementation": cache, "disable_compile": True}

    @torch.inference_mode()
    def run():
        # A streamer takes one sequence only in name: this one counts calls.
        clock = Clock()
        model.generate(ids, streamer=clock, **options)
        return time.perf_counter() - clock.first

    return run


def quantise_to_4_bits(model):
    from torchao.quantization import Int4WeightOnlyConfig, quantize_

    quantize_(model, Int4WeightOnlyConfig(group_size=32))


serve({"prepare": prepare, "round": lambda _: {"tokens": peer["tokens"], "seconds": peer["run"]()}})
