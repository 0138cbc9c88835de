"""What transformers, peft and gguf write and read: the other side of formats.test.ts.

`make`: builds small random models and adapters for them in a folder, and blocks of GGUF types with their values.
`check`: computes with what was written there by the test. Both read JSON from stdin and print JSON; log-probabilities are
those of ids[1:], in float32.
"""

import json
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(2)


def log_probs(model, ids):
    model = model.eval() if model.dtype == torch.float32 else model.eval().float()
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
    picked = torch.log_softmax(logits[:-1].double(), dim=-1)
    return picked[torch.arange(len(ids) - 1), torch.tensor(ids[1:])].tolist()


def scatter(model, seed):
    """Numbers large enough that every part of a model shows in its answers."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                weight.normal_(0, 0.15)
            else:
                weight.copy_(torch.randn_like(weight) * 0.2 + (0 if name.endswith("bias") else 1))


def make(request):
    folder = Path(request["folder"])
    ids = request["ids"]
    result = {"models": {}, "adapters": {}, "blocks": {}}
    for i, (name, (config, dtype)) in enumerate(request["models"].items()):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(config.pop("model_type"), **config))
        scatter(model, i)
        model = model.to(getattr(torch, dtype))
        model.save_pretrained(folder / name, max_shard_size="40KB")
        model = AutoModelForCausalLM.from_pretrained(folder / name, dtype=torch.float32)
        result["models"][name] = log_probs(model, ids)
    for i, (name, (base, settings)) in enumerate(request["adapters"].items()):
        model = AutoModelForCausalLM.from_pretrained(folder / base, dtype=torch.float32)
        tuned = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **settings))
        torch.manual_seed(100 + i)
        with torch.no_grad():
            for weight_name, weight in tuned.named_parameters():
                if "lora_" in weight_name or "modules_to_save" in weight_name:
                    weight.add_(torch.randn_like(weight) * 0.2)
        tuned.save_pretrained(folder / name)
        result["adapters"][name] = log_probs(tuned, ids)
    rng = np.random.default_rng(7)
    for name, size in request["blocks"].items():
        kind = gguf.GGMLQuantizationType[name]
        blocks = rng.integers(0, 256, (32, size), dtype=np.uint8)
        # Halves that are scales: of a size that stays finite.
        for at in request["scales"].get(name, []):
            blocks[:, at : at + 2] = rng.normal(0, 1, (32, 1)).astype(np.float16).view(np.uint8)
        if name in ("F32", "F16", "BF16"):
            blocks = gguf.quants.quantize(rng.normal(0, 1, (32, 64)).astype(np.float32), kind).view(np.uint8)
        values = gguf.quants.dequantize(blocks if name != "F32" else blocks.view(np.float32), kind)
        blocks.tofile(folder / f"{name}.blocks")
        values.astype(np.float32).tofile(folder / f"{name}.values")
    values = np.fromfile(folder / request["values"], dtype=np.float32).reshape(-1, 64)
    gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0).tofile(folder / "quantised.Q8_0")
    return result


def check(request):
    ids = request["ids"]
    results = []
    for item in request["items"]:
        folder = item["folder"]
        if item["kind"] == "adapter":
            base = AutoModelForCausalLM.from_pretrained(item["base"], dtype=torch.float32)
            results.append({"logProbs": log_probs(PeftModel.from_pretrained(base, folder), ids)})
        elif item["kind"] == "folder":
            model = AutoModelForCausalLM.from_pretrained(folder)
            tokenizer = AutoTokenizer.from_pretrained(folder)
            dtype = str(model.dtype)
            encoded = tokenizer(item["text"], add_special_tokens=False)["input_ids"]
            results.append({"logProbs": log_probs(model, ids), "ids": encoded, "dtype": dtype})
        else:
            file = Path(folder)
            reader = gguf.GGUFReader(file)
            fields = {key: field.contents() for key, field in reader.fields.items()}
            shown = {key: value for key, value in fields.items() if not isinstance(value, list)}
            types = {tensor.name: tensor.tensor_type.name for tensor in reader.tensors}
            model = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
            tokens = fields["tokenizer.ggml.tokens"]
            results.append({"logProbs": log_probs(model, ids), "fields": shown, "types": types, "tokens": tokens})
    return results


json.dump({"make": make, "check": check}[sys.argv[1]](json.load(sys.stdin)), sys.stdout)
