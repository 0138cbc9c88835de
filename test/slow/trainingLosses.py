"""Losses, metrics and gradients of one step by TRL's own trainers: the independent opinion of trainingLosses.test.ts.

Reads {"folder", "lora", "cases": [...]} from stdin. The folder has config.json, model.safetensors
and adapter.safetensors of a small Llama with LoRA, and of its score head. A case is {"name", "method", "settings", ...rows}. For each it writes
<name>.<precision>.safetensors with `loss`, `grad:<name>` of each trained weight and, where there are any, `advantages` and
`returns` (see `halves`), and prints, for float32 and float64, the metrics that the trainers kept, in the order of the cases.

The trainers' methods run unbound, on an object that has what they read: no data set, no optimizer, no files.
"""

import json
import sys
import types
from collections import defaultdict

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification
from trl import DPOTrainer, GRPOTrainer, KTOTrainer, RewardTrainer, RLOOTrainer
from trl.trainer.utils import nanstd

request = json.load(sys.stdin)
torch.set_num_threads(2)
SINGLE = torch.float32
DOUBLE = torch.float64
folder = request["folder"]


def single_means_double():
    """transformers computes norms, rotations and softmax in single precision whatever the type of the model."""
    torch.set_default_dtype(torch.float64)
    torch.float32 = torch.float = torch.float64
    torch.Tensor.float = torch.Tensor.double


def load_model(lora, dtype, scores):
    kind, task = (AutoModelForSequenceClassification, "SEQ_CLS") if scores else (AutoModelForCausalLM, "CAUSAL_LM")
    given = {"num_labels": 1, "pad_token_id": 0} if scores else {}
    model = kind.from_config(AutoConfig.from_pretrained(folder, attn_implementation="eager", **given))
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert set(missing) <= ({"score.weight"} if scores else {"lm_head.weight"}) and not unexpected, (missing, unexpected)
    config = LoraConfig(
        r=lora["r"], lora_alpha=lora["alpha"], target_modules=lora["targetModules"], task_type=task
    )
    model = get_peft_model(model.to(dtype), config).to(dtype)
    named = {ours(name): parameter for name, parameter in model.named_parameters()}
    assert {name for name in named if "lora_" in name} == set(adapter), "PEFT adapts other layers"
    with torch.no_grad():
        for name, values in adapter.items():
            named[name].copy_(values)
        if scores:
            named["score.weight"].copy_(score)
    return model.eval()


def ours(name):
    if name.endswith("score.modules_to_save.default.weight"):
        return "score.weight"
    return name.replace(".default.", ".")


class Accelerator:
    """One process."""

    device = torch.device("cpu")
    num_processes = 1

    gather = gather_for_metrics = unwrap_model = staticmethod(lambda value: value)

    @staticmethod
    def reduce(value, reduction):
        return value


def trainer(model, kind, **attributes):
    own = types.SimpleNamespace(
        model=model,
        ref_model=None,
        accelerator=Accelerator(),
        args=types.SimpleNamespace(
            gradient_checkpointing_kwargs=None, use_bias_correction_kl=False, delta=None, steps_per_generation=1
        ),
        aux_loss_enabled=False,
        precompute_ref_logps=False,
        use_liger_kernel=False,
        _metrics=defaultdict(lambda: defaultdict(list)),
        _total_train_tokens=0,
        _tp_size=1,
        **attributes,
    )
    for name in ("_compute_kl_logps", "_get_per_token_logps_and_entropies"):
        if hasattr(kind, name):
            method = getattr(kind, name)
            # Without the profiler around it.
            setattr(own, name, types.MethodType(getattr(method, "__wrapped__", method), own))
    return own


def padded(rows):
    """Right-padded ids, attention mask and completion mask of [{"ids", "promptLength"}]."""
    longest = max(len(row["ids"]) for row in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    attention, completion = torch.zeros_like(ids), torch.zeros_like(ids)
    for i, row in enumerate(rows):
        length = len(row["ids"])
        ids[i, :length] = torch.tensor(row["ids"])
        attention[i, :length] = 1
        completion[i, row["promptLength"] : length] = 1
    return ids, attention, completion


def dpo(model, case):
    """cDPO stands in TRL as "aot_unpaired" of a single pair: its sorting has nothing to sort then."""
    settings, pairs = case["settings"], case["pairs"]
    smoothing = settings["labelSmoothing"]
    kind = settings["loss"] if smoothing == 0 else "aot_unpaired"
    own = trainer(
        model,
        DPOTrainer,
        ld_alpha=None,
        f_divergence_type="reverse_kl",
        loss_types=[kind],
        loss_weights=[1.0],
        beta=settings["beta"],
        label_smoothing=smoothing,
        use_weighting=False,
    )
    batches = [[pair] for pair in pairs] if smoothing else [pairs]
    losses = []
    for batch in batches:
        rows = [pair["chosen"] for pair in batch] + [pair["rejected"] for pair in batch]
        ids, attention, completion = padded(rows)
        inputs = {"input_ids": ids, "attention_mask": attention, "completion_mask": completion}
        losses.append(DPOTrainer._compute_loss(own, model, inputs, False))
    return torch.stack(losses).mean(), own


def kto(model, case):
    settings, answers = case["settings"], case["answers"]
    own = trainer(
        model,
        KTOTrainer,
        loss_type="kto",
        calculate_KL=True,
        beta=settings["beta"],
        desirable_weight=settings["desirableWeight"],
        undesirable_weight=settings["undesirableWeight"],
    )
    ids, attention, completion = padded([answer["row"] for answer in answers])
    strange, strange_attention, strange_completion = padded([answer["mismatched"] for answer in answers])
    inputs = {
        "input_ids": ids,
        "attention_mask": attention,
        "completion_mask": completion,
        "KL_input_ids": strange,
        "KL_attention_mask": strange_attention,
        "KL_completion_mask": strange_completion,
        "label": torch.tensor([answer["desirable"] for answer in answers]),
    }
    return KTOTrainer._compute_loss(own, model, inputs, False), own


def sft(model, case):
    """The SFT trainer takes the model's own loss over labels in which the prompt is masked."""
    ids, attention, completion = padded(case["rows"])
    labels = ids.masked_fill(completion == 0, -100)
    return model(input_ids=ids, attention_mask=attention, labels=labels).loss, trainer(model, RewardTrainer)


def reward(model, case):
    settings, pairs = case["settings"], case["pairs"]
    own = trainer(model, RewardTrainer)
    own.args.center_rewards_coefficient = settings["centerRewardsCoefficient"] or None
    ids, attention, _ = padded([pair["chosen"] for pair in pairs] + [pair["rejected"] for pair in pairs])
    inputs = {"input_ids": ids, "attention_mask": attention}
    if "margin" in pairs[0]:
        inputs["margin"] = torch.tensor([pair["margin"] for pair in pairs], dtype=torch.get_default_dtype())
    return RewardTrainer.compute_loss(own, model, inputs), own


def rollout(case):
    """Prompts padded left and answers right, as the trainers have them, and what is known of each answer's tokens."""
    answers = case["answers"]
    before, after = max(len(a["prompt"]) for a in answers), max(len(a["ids"]) for a in answers)
    inputs = {
        "prompt_ids": torch.zeros(len(answers), before, dtype=torch.long),
        "prompt_mask": torch.zeros(len(answers), before, dtype=torch.long),
        "completion_ids": torch.zeros(len(answers), after, dtype=torch.long),
        "completion_mask": torch.zeros(len(answers), after, dtype=torch.long),
        "old_per_token_logps": torch.zeros(len(answers), after),
        "ref_per_token_logps": torch.zeros(len(answers), after),
        "num_items_in_batch": torch.tensor(sum(len(a["ids"]) for a in answers)),
    }
    for i, answer in enumerate(answers):
        prompt, ids = answer["prompt"], answer["ids"]
        inputs["prompt_ids"][i, before - len(prompt) :] = torch.tensor(prompt)
        inputs["prompt_mask"][i, before - len(prompt) :] = 1
        inputs["completion_ids"][i, : len(ids)] = torch.tensor(ids)
        inputs["completion_mask"][i, : len(ids)] = 1
        inputs["old_per_token_logps"][i, : len(ids)] = torch.tensor(answer["old"])
        inputs["ref_per_token_logps"][i, : len(ids)] = torch.tensor(answer["reference"])
    return inputs, torch.tensor([answer["score"] for answer in answers], dtype=torch.get_default_dtype())


def policy_trainer(model, kind, settings, **attributes):
    high = settings.get("clipRangeHigh")
    return trainer(
        model,
        kind,
        beta=settings["beta"],
        temperature=settings["temperature"],
        epsilon_low=settings["clipRange"],
        epsilon_high=settings["clipRange"] if high is None else high,
        model_kwarg_keys=set(),
        _entropy_bonus_enabled=False,
        **attributes,
    )


def grpo(model, case):
    """The trainer computes advantages between sampling and files; the two lines are repeated here with its `nanstd`."""
    settings = case["settings"]
    inputs, rewards = rollout(case)
    groups = rewards.view(-1, settings["samplesPerPrompt"])
    advantages = groups - groups.nanmean(dim=1, keepdim=True)
    if settings["scaleRewards"] == "group":
        advantages = advantages / (nanstd(groups, dim=1).unsqueeze(1) + 1e-4)
    elif settings["scaleRewards"] == "batch":
        advantages = advantages / (nanstd(rewards) + 1e-4)
    lengths = torch.tensor([len(answer["ids"]) for answer in case["answers"]])
    own = policy_trainer(
        model,
        GRPOTrainer,
        settings,
        known={"advantages": advantages.view(-1).repeat_interleave(lengths)},
        loss_type=settings["aggregation"],
        top_entropy_quantile=1.0,
        off_policy_mask_threshold=None,
        importance_sampling_level="token",
        use_vllm=False,
        max_completion_length=settings["maxNewTokens"],
    )
    return GRPOTrainer._compute_loss(own, model, inputs | {"advantages": advantages.view(-1)}), own


def rloo(model, case):
    settings = case["settings"]
    inputs, scores = rollout(case)
    mask = inputs["completion_mask"]
    old = (inputs.pop("old_per_token_logps") * mask).sum(1)
    reference = (inputs.pop("ref_per_token_logps") * mask).sum(1)
    groups = (scores - settings["beta"] * (old - reference)).view(-1, settings["samplesPerPrompt"])
    baseline = (groups.sum(1, keepdim=True) - groups) / (settings["samplesPerPrompt"] - 1)
    advantages = (groups - baseline).view(-1)
    own = policy_trainer(model, RLOOTrainer, settings, known={"advantages": advantages})
    inputs |= {"old_logps": old, "advantages": advantages}
    return RLOOTrainer._compute_loss(own, model, inputs), own


def ppo(model, case):
    """TRL 1.13 has no PPO: the policy's part of arXiv 2403.17031, `ppo.py`, written down again with PyTorch's autodiff."""
    settings = case["settings"]
    inputs, scores = rollout(case)
    mask = inputs["completion_mask"].bool()
    old, reference = inputs["old_per_token_logps"], inputs["ref_per_token_logps"]
    values, rewards = torch.zeros_like(old), -settings["beta"] * (old - reference)
    for i, answer in enumerate(case["answers"]):
        values[i, : len(answer["ids"])] = torch.tensor(answer["values"])
        rewards[i, len(answer["ids"]) - 1] += scores[i]
    ahead, last, columns = torch.zeros(len(scores)), torch.zeros(len(scores)), []
    for t in reversed(range(old.shape[1])):
        delta = rewards[:, t] + settings["gamma"] * ahead - values[:, t]
        last = delta + settings["gamma"] * settings["lambda"] * last
        ahead = values[:, t]
        columns.append(last)
    advantages = torch.stack(columns[::-1], dim=1)
    returns = advantages + values
    real = advantages[mask]
    advantages = (advantages - real.mean()) * torch.rsqrt(real.var() + 1e-8)
    known = {"advantages": advantages[mask], "returns": returns[mask]}
    own = policy_trainer(model, GRPOTrainer, settings, known=known)
    ids = torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], dim=1)
    attention = torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], dim=1)
    new, _, _ = own._get_per_token_logps_and_entropies(model, ids, attention, mask.shape[1])
    ratio = torch.exp(new - old)
    kept, clipped = -advantages * ratio, -advantages * ratio.clamp(1 - settings["clipRange"], 1 + settings["clipRange"])
    metrics = own._metrics["eval"]
    metrics["policy/clipfrac_avg"].append((clipped > kept)[mask].to(ratio.dtype).mean().item())
    metrics["policy/approxkl_avg"].append((0.5 * (new - old) ** 2)[mask].mean().item())
    metrics["val/ratio"].append(ratio[mask].mean().item())
    return torch.max(kept, clipped)[mask].mean(), own


def critic(model, case):
    """PPO's critic, from the same source: the score head before each token of the answers."""
    answers, clip = case["answers"], case["settings"]["valueClipRange"]
    rows = [{"ids": a["prompt"] + a["ids"], "promptLength": len(a["prompt"])} for a in answers]
    ids, attention, completion = padded(rows)
    heads = model.base_model.model
    new = heads.score(heads.model(input_ids=ids, attention_mask=attention).last_hidden_state).squeeze(-1)
    new = new[:, :-1][completion[:, 1:].bool()]
    old, returns = (torch.tensor([value for a in answers for value in a[name]]) for name in ("values", "returns"))
    held = torch.clamp(new, old - clip, old + clip)
    return 0.5 * torch.max((new - returns) ** 2, (held - returns) ** 2).mean(), trainer(model, RewardTrainer)


methods = {"sft": sft, "reward": reward, "dpo": dpo, "kto": kto, "grpo": grpo, "rloo": rloo, "ppo": ppo, "critic": critic}


def halves(results, double):
    """The reader knows no double precision: a number is its single-precision neighbour plus `rest:`, what is missing to it."""
    parts = {name: value.to(SINGLE).contiguous() for name, value in results.items()}
    if double:
        parts |= {f"rest:{name}": (value - parts[name]).to(SINGLE).contiguous() for name, value in results.items()}
    return parts


def opinions(precision, double):
    models = [load_model(request["lora"], DOUBLE if double else SINGLE, scores) for scores in (False, True)]
    kept = []
    for case in request["cases"]:
        model = models[case["method"] in ("reward", "critic")]
        model.zero_grad()
        loss, own = methods[case["method"]](model, case)
        loss.backward()
        results = {"loss": loss.detach(), **getattr(own, "known", {})}
        for name, parameter in model.named_parameters():
            if parameter.grad is not None:
                results[f"grad:{ours(name)}"] = parameter.grad
        save_file(halves(results, double), f"{folder}/{case['name']}.{precision}.safetensors")
        kept.append({name: sum(values) / len(values) for name, values in own._metrics["eval"].items()})
    return kept


weights, adapter = load_file(f"{folder}/model.safetensors"), load_file(f"{folder}/adapter.safetensors")
score = load_file(f"{folder}/head.safetensors")["score.weight"]
single = opinions("float32", False)
single_means_double()
json.dump({"float32": single, "float64": opinions("float64", True)}, sys.stdout)
