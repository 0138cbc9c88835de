"""Log-probabilities, losses and gradients by PyTorch, transformers and PEFT: the independent opinion of parity.test.ts.

Reads {"folder", "precision": "float64" | "float32", "cases": [name]} from stdin. Each case is a folder with config.json,
model.safetensors, request.json and, for LoRA, adapter.safetensors. Writes <case>/<precision>.safetensors with
`logProbs` or `scores`, `loss` and `grad:<name>` for each trained weight (see `halves`), and prints [].

Each sequence runs alone, without padding or a mask: nothing of how a batch is laid out can enter the result.
"""

import json
import sys

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

request = json.load(sys.stdin)
torch.set_num_threads(2)
SINGLE = torch.float32
double = request["precision"] == "float64"


def single_means_double():
    """transformers computes norms, rotations and softmax in single precision whatever the type of the model."""
    torch.set_default_dtype(torch.float64)
    torch.float32 = torch.float = torch.float64
    torch.Tensor.float = torch.Tensor.double


def load_model(folder, given, weights):
    config = AutoConfig.from_pretrained(folder, attn_implementation="eager")
    if given["head"] == "score":
        config.num_labels = 1
        model = AutoModelForSequenceClassification.from_config(config)
    else:
        model = AutoModelForCausalLM.from_config(config)
    missing, unexpected = model.load_state_dict(weights, strict=False)
    tied = ["lm_head.weight"] if config.tie_word_embeddings else []
    assert set(missing) <= set(tied) and not unexpected, (missing, unexpected)
    return model.to(torch.float64 if double else SINGLE)


def with_adapter(model, given, weights):
    lora = given["lora"]
    config = LoraConfig(
        r=lora["r"],
        lora_alpha=lora["alpha"],
        target_modules=lora["targetModules"],
        use_rslora=lora.get("useRslora", False),
        task_type="SEQ_CLS" if given["head"] == "score" else "CAUSAL_LM",
    )
    model = get_peft_model(model, config).to(torch.float64 if double else SINGLE)
    named = {ours(name): parameter for name, parameter in model.named_parameters()}
    assert {name for name in named if "lora_" in name} == set(weights), "PEFT adapts other layers"
    with torch.no_grad():
        for name, values in weights.items():
            named[name].copy_(values)
    return model


def ours(name):
    """PEFT's name of a parameter in memory → the name in its files, and plain for what the head keeps."""
    if ".modules_to_save.default." in name:
        return name.replace(".modules_to_save.default", "").removeprefix("base_model.model.")
    return name.replace(".default.", ".")


def run(model, given):
    """The loss and what it is made of; leaves gradients in the model."""
    ids, predictions = given["ids"], given["predictions"]
    if given["head"] == "score":
        scores = torch.stack([model(torch.tensor([row])).logits[0, 0] for row in ids])
        loss = -torch.nn.functional.logsigmoid(scores).mean()
        loss.backward()
        return {"scores": scores, "loss": loss}
    count = len(predictions["rows"])
    log_probs = torch.zeros(count)
    loss = 0.0
    for row, sequence in enumerate(ids):
        chosen = [n for n in range(count) if predictions["rows"][n] == row]
        if not chosen:
            continue
        times = torch.tensor([predictions["times"][n] for n in chosen])
        targets = torch.tensor([predictions["targets"][n] for n in chosen])
        logits = model(torch.tensor([sequence])).logits[0, times] / given["temperature"]
        picked = torch.log_softmax(logits, dim=-1)[torch.arange(len(chosen)), targets]
        part = -picked.sum() / count
        part.backward()
        loss += part.item()
        log_probs[torch.tensor(chosen)] = picked.detach()
    return {"logProbs": log_probs, "loss": torch.tensor(loss)}


def halves(results):
    """The reader knows no double precision: a number is its single-precision neighbour plus `rest:`, what is missing to it."""
    parts = {name: value.to(SINGLE).contiguous() for name, value in results.items()}
    if double:
        parts |= {f"rest:{name}": (value - parts[name]).to(SINGLE).contiguous() for name, value in results.items()}
    return parts


loaded = {}
for case in request["cases"]:
    folder = f"{request['folder']}/{case}"
    with open(f"{folder}/request.json", encoding="utf8") as file:
        given = json.load(file)
    adapter = load_file(f"{folder}/adapter.safetensors") if "lora" in given else None
    loaded[case] = (folder, given, load_file(f"{folder}/model.safetensors"), adapter)
if double:
    single_means_double()
for folder, given, weights, adapter in loaded.values():
    model = load_model(folder, given, weights)
    if adapter is not None:
        model = with_adapter(model, given, adapter)
    model.eval()
    results = {name: value.detach() for name, value in run(model, given).items()}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and parameter.grad is not None:
            results[f"grad:{ours(name) if adapter is not None else name}"] = parameter.grad
    save_file(halves(results), f"{folder}/{request['precision']}.safetensors")
json.dump([], sys.stdout)
