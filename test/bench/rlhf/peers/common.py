"""What both peers share: the model with its adapter, in the fastest of PyTorch's ways, and the check that it is the same model."""

import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

# The other settings leave answers as they are sampled: the whole vocabulary, and no end before the last token.
NEW_TOKENS_OF_TRIAL = 24


def lora_config(settings, task):
    lora = settings["lora"]
    targets = lora["targetModules"]
    return LoraConfig(
        r=lora["r"],
        lora_alpha=lora["alpha"],
        target_modules="all-linear" if targets == ["all-linear"] else targets,
        task_type=task,
    )


def load(folder, attention):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention)


def log_likelihood(folder, prefix, continuation):
    """Sum of log-probabilities of `continuation`, nats."""
    model = load(folder, "sdpa").eval()
    with torch.no_grad():
        logits = model(torch.tensor([prefix + continuation])).logits[0, len(prefix) - 1 : -1]
    return logits.log_softmax(-1).gather(1, torch.tensor(continuation).unsqueeze(1)).sum().item()


def fastest(request):
    """(attention, cache, notes): times sampling and a micro-batch's gradients in every way, and adds up what a step has of them."""
    settings, prompts = request["case"]["settings"], request["prompts"]
    n, wanted = settings["samplesPerPrompt"], settings["maxNewTokens"]
    repeated = [p["ids"] for p in prompts[: settings["promptsPerStep"]] for _ in range(n)]
    ids = torch.tensor(repeated)
    micro = torch.randint(10, 1000, (settings["microBatchSize"], ids.shape[1] + wanted))
    passes = len(repeated) / len(micro) * settings["updatesPerRollout"]
    notes, best = [], None
    for attention in ("sdpa", "eager"):
        model = get_peft_model(load(request["folder"], attention), lora_config(settings, "CAUSAL_LM"))
        model.train()

        def gradients():
            logits = model(micro, logits_to_keep=wanted + 1).logits[:, :-1]
            logits.log_softmax(-1).gather(2, micro[:, -wanted:].unsqueeze(2)).sum().backward()
            model.zero_grad(set_to_none=True)

        gradients()
        update = min(timed(gradients) for _ in range(2))
        for cache in (None, "static"):
            model.eval()

            def sample():
                with torch.no_grad():
                    model.generate(
                        input_ids=ids,
                        attention_mask=torch.ones_like(ids),
                        do_sample=True,
                        min_new_tokens=NEW_TOKENS_OF_TRIAL,
                        max_new_tokens=NEW_TOKENS_OF_TRIAL,
                        pad_token_id=0,
                        **({"cache_implementation": cache} if cache else {}),
                    )

            sample()
            rollout = min(timed(sample) for _ in range(2)) * wanted / NEW_TOKENS_OF_TRIAL
            model.train()
            name = f"{attention} attention, {cache or 'dynamic'} cache"
            seconds = rollout + passes * update
            notes.append(f"{name}: rollout {rollout:.2f} s, gradients {passes * update:.2f} s")
            if best is None or seconds < best[0]:
                best = (seconds, attention, cache, name)
    _, attention, cache, name = best
    return attention, cache, name, notes


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def reward(completion_ids):
    """The share of even ids."""
    return [sum(id % 2 == 0 for id in ids) / len(ids) for ids in completion_ids]
