"""A PyTorch training step on the weights and the batch of ours: transformers' Llama, AdamW, clipping, full or LoRA (peft)."""

import contextlib
import time
import traceback

import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model
from transformers import LlamaForCausalLM

from protocol import serve

LEARNING_RATE = 1e-3
SECONDS_OF_TRIAL = 4
peer = {}


def prepare(request):
    """Loads the model with each attention, times a step of each and keeps the fastest. Returns the loss before any update."""
    torch.set_num_threads(request["threads"])
    ids = torch.tensor(request["ids"])
    notes, loss, best = [], None, None

    def attempt(attention, compiled):
        """Times the variant, and keeps it when it is the fastest so far."""
        nonlocal loss, best
        name = f"{attention} attention{', torch.compile' if compiled else ''}"
        try:
            step = training_step(request, ids, attention, compiled)
            first = step()
            loss = first if loss is None else loss
            seconds = timed(step)
            # Short steps are timed again, until a few seconds are spent.
            for _ in range(min(4, int(SECONDS_OF_TRIAL / seconds))):
                seconds = min(seconds, timed(step))
        except Exception as error:
            traceback.print_exc()
            notes.append(f"{name}: {type(error).__name__}: {error}".splitlines()[0])
            return
        notes.append(f"{name}: {ids.numel() / seconds:.0f} tokens/s")
        if best is None or seconds < best[0]:
            best = (seconds, name, step)

    attempt("sdpa", request["compiled"])
    attempt("eager", request["compiled"])
    if best is None:
        raise RuntimeError("; ".join(notes))
    _, name, peer["step"] = best
    peer["tokens"] = ids.numel()
    return {"loss": loss, "variant": name, "notes": notes, "version": f"PyTorch {torch.__version__}"}


def training_step(request, ids, attention, compiled):
    model = LlamaForCausalLM.from_pretrained(
        request["folder"], dtype=torch.float32, attn_implementation=attention
    )
    model.config.use_cache = False
    if request.get("lora"):
        lora = request["lora"]
        model = get_peft_model(
            model,
            LoraConfig(r=lora["r"], lora_alpha=lora["alpha"], target_modules="all-linear", task_type="CAUSAL_LM"),
        )
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=LEARNING_RATE, weight_decay=0.1, fused=True)
    bf16 = request["precision"] == "bf16"
    targets = ids[:, 1:].reshape(-1)
    forward = torch.compile(model) if compiled else model

    def step():
        with torch.autocast("cpu", torch.bfloat16) if bf16 else contextlib.nullcontext():
            logits = forward(input_ids=ids, use_cache=False).logits
        loss = F.cross_entropy(logits[:, :-1].float().reshape(targets.numel(), -1), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()

    return step


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def round_(request):
    seconds = sum(timed(peer["step"]) for _ in range(request["steps"]))
    return {"tokens": peer["tokens"] * request["steps"], "seconds": seconds}


serve({"prepare": prepare, "round": round_})
