"""Token ids and per-token log-probabilities by PyTorch and transformers, float32: the independent opinion of smollm2.test.ts.

Reads {"folder", "template", "cases": [{"messages"} | {"text"}]} from stdin and prints a JSON list of
{"text", "ids", "logProbs"}, the log-probs being those of ids[1:].
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

request = json.load(sys.stdin)
torch.set_num_threads(2)
tokenizer = PreTrainedTokenizerFast(tokenizer_file=request["folder"] + "/tokenizer.json")
tokenizer.chat_template = request["template"]
model = AutoModelForCausalLM.from_pretrained(request["folder"], dtype=torch.float32).eval()
results = []
for case in request["cases"]:
    text = case.get("text")
    if text is None:
        text = tokenizer.apply_chat_template(case["messages"], tokenize=False, add_generation_prompt=True)
    text += case.get("continuation", "")
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
    log_probs = torch.log_softmax(logits[:-1].double(), dim=-1)
    picked = log_probs[torch.arange(len(ids) - 1), torch.tensor(ids[1:])]
    results.append({"text": text, "ids": ids, "logProbs": picked.tolist()})
json.dump(results, sys.stdout)
