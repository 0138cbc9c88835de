"""AdamW, clipping and schedules by PyTorch and transformers: the independent opinion of optimizer.test.ts.

Reads {"schedules": [...], "runs": [...]} from stdin. A schedule is {"kind", "warmupSteps", "totalSteps", "floor"}; the
answer to it is its factor at each step 0 … totalSteps. A run is {"parameters": [[number]], "gradients": [step][tensor][number],
"decayed": how many of the tensors decay, "rates": [step], and AdamW's settings}; the answer is the parameters, means and
norms after each step, in float64.
"""

import json
import sys

import torch
from transformers import (
    get_constant_schedule_with_warmup,
    get_cosine_schedule_with_warmup,
    get_cosine_with_min_lr_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)


def factors(schedule):
    warmup, total = schedule["warmupSteps"], schedule["totalSteps"]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    if schedule["kind"] == "constant":
        scheduler = get_constant_schedule_with_warmup(optimizer, warmup)
    elif schedule["kind"] == "linear":
        scheduler = get_linear_schedule_with_warmup(optimizer, warmup, total)
    elif schedule["floor"]:
        scheduler = get_cosine_with_min_lr_schedule_with_warmup(optimizer, warmup, total, min_lr_rate=schedule["floor"])
    else:
        scheduler = get_cosine_schedule_with_warmup(optimizer, warmup, total)
    result = []
    for _ in range(total + 1):
        result.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return result


def trajectory(run):
    tensors = [torch.nn.Parameter(torch.tensor(values, dtype=torch.float64)) for values in run["parameters"]]
    decayed = run["decayed"]
    optimizer = torch.optim.AdamW(
        [{"params": tensors[:decayed]}, {"params": tensors[decayed:], "weight_decay": 0.0}],
        betas=(run["beta1"], run["beta2"]),
        eps=run["epsilon"],
        weight_decay=run["weightDecay"],
    )
    steps = []
    for gradients, rate in zip(run["gradients"], run["rates"], strict=True):
        for tensor, values in zip(tensors, gradients, strict=True):
            tensor.grad = torch.tensor(values, dtype=torch.float64)
        limit = run["maxGradNorm"] or float("inf")
        norm = torch.nn.utils.clip_grad_norm_(tensors, limit)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        steps.append(
            {
                "norm": norm.item(),
                "parameters": [tensor.tolist() for tensor in tensors],
                "m": [optimizer.state[tensor]["exp_avg"].tolist() for tensor in tensors],
                "v": [optimizer.state[tensor]["exp_avg_sq"].tolist() for tensor in tensors],
            }
        )
    return steps


request = json.load(sys.stdin)
json.dump(
    {"schedules": [factors(one) for one in request["schedules"]], "runs": [trajectory(one) for one in request["runs"]]},
    sys.stdout,
)
