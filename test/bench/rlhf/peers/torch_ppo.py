"""PPO in plain PyTorch, one step at a time when asked: arXiv 2403.17031 ("N+"), with LoRA policy and LoRA critic.

One step: sample with the policy; log-probabilities under policy and base (its adapter off) and the critic's values; a KL penalty (k1)
on every token and the score on the last; GAE; whitening; then some epochs of one minibatch, in micro-batches, each with an update of
policy and critic by AdamW. Tokens of prompts are never predicted, and all prompts are as long, so nothing is padded.
"""

import time

import torch
from peft import get_peft_model
from transformers import AutoModel

import common
from protocol import serve

peer = {}


class Critic(torch.nn.Module):
    """A number before each token of the answer."""

    def __init__(self, request, attention):
        super().__init__()
        settings = request["case"]["settings"]
        base = AutoModel.from_pretrained(request["folder"], dtype=torch.float32, attn_implementation=attention)
        self.body = get_peft_model(base, common.lora_config(settings, "FEATURE_EXTRACTION"))
        hidden = base.config.hidden_size
        self.score = torch.nn.Linear(hidden, 1, bias=False)
        torch.nn.init.normal_(self.score.weight, std=1 / (hidden + 1) ** 0.5)

    def forward(self, ids, answer):
        hidden = self.body(ids, use_cache=False).last_hidden_state[:, -answer - 1 : -1]
        return self.score(hidden).squeeze(-1)


class Ppo:
    def __init__(self, request, attention, cache):
        self.settings = settings = request["case"]["settings"]
        self.cache = {"cache_implementation": cache} if cache else {}
        self.prompts = [prompt["ids"] for prompt in request["prompts"]]
        self.policy = get_peft_model(
            common.load(request["folder"], attention), common.lora_config(settings, "CAUSAL_LM")
        )
        self.critic = Critic(request, attention)
        # No dropout anywhere: only gradients tell training from sampling.
        self.policy.eval(), self.critic.eval()
        self.optimizers = []
        for model in (self.policy, self.critic):
            trained = [p for p in model.parameters() if p.requires_grad]
            adamw = torch.optim.AdamW(
                trained, lr=settings["learningRate"], eps=1e-5, weight_decay=settings["weightDecay"], fused=True
            )
            self.optimizers.append((adamw, trained))
        self.at = 0

    def sample(self):
        settings = self.settings
        chosen = [self.prompts[(self.at + i) % len(self.prompts)] for i in range(settings["promptsPerStep"])]
        self.at += len(chosen)
        ids = torch.tensor([ids for ids in chosen for _ in range(settings["samplesPerPrompt"])])
        with torch.inference_mode():
            sampled = self.policy.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                do_sample=True,
                temperature=settings["temperature"],
                top_k=0,
                top_p=1.0,
                min_new_tokens=settings["maxNewTokens"],
                max_new_tokens=settings["maxNewTokens"],
                use_cache=True,
                pad_token_id=0,
                **self.cache,
            )
        # Out of inference mode, so that autograd may keep it.
        return sampled.clone()

    def log_probs(self, ids, answer):
        logits = self.policy(ids, use_cache=False, logits_to_keep=answer + 1).logits[:, :-1]
        logits = logits / self.settings["temperature"]
        taken = logits.gather(2, ids[:, -answer:].unsqueeze(2)).squeeze(2)
        return taken - logits.logsumexp(-1)

    def step(self):
        settings = self.settings
        answer, size = settings["maxNewTokens"], settings["microBatchSize"]
        start = time.perf_counter()
        ids = self.sample()
        sampled = time.perf_counter()
        parts = ids.split(size)
        with torch.no_grad():
            old = torch.cat([self.log_probs(part, answer) for part in parts])
            with self.policy.disable_adapter():
                reference = torch.cat([self.log_probs(part, answer) for part in parts])
            values = torch.cat([self.critic(part, answer) for part in parts])
            rewards = -settings["beta"] * (old - reference)
            rewards[:, -1] += torch.tensor(common.reward(ids[:, -answer:].tolist()))
            advantages = self.advantages(rewards, values)
            returns = advantages + values
            advantages = (advantages - advantages.mean()) * torch.rsqrt(advantages.var() + 1e-8)
        for _ in range(settings["updatesPerRollout"]):
            self.update(parts, [each.split(size) for each in (old, values, advantages, returns)], ids.shape[0] * answer)
        end = time.perf_counter()
        return {"rollout": sampled - start, "update": end - sampled, "tokens": ids.shape[0] * answer}

    def advantages(self, rewards, values):
        """Generalised advantages (B, T)."""
        settings = self.settings
        ahead, last, columns = torch.zeros(len(rewards)), torch.zeros(len(rewards)), []
        for t in reversed(range(rewards.shape[1])):
            delta = rewards[:, t] + settings["gamma"] * ahead - values[:, t]
            last = delta + settings["gamma"] * settings["lambda"] * last
            ahead = values[:, t]
            columns.append(last)
        return torch.stack(columns[::-1], dim=1)

    def update(self, parts, known, tokens):
        settings = self.settings
        low, high = 1 - settings["clipRange"], 1 + settings["clipRange"]
        answer = settings["maxNewTokens"]
        for part, old, values, advantages, returns in zip(parts, *known, strict=True):
            ratio = torch.exp(self.log_probs(part, answer) - old)
            policy = torch.max(-advantages * ratio, -advantages * ratio.clamp(low, high)).sum() / tokens
            policy.backward()
            new = self.critic(part, answer)
            held = values + (new - values).clamp(-settings["valueClipRange"], settings["valueClipRange"])
            value = 0.5 * torch.max((new - returns) ** 2, (held - returns) ** 2).sum() / tokens
            (settings["valueWeight"] * value).backward()
        for optimizer, trained in self.optimizers:
            torch.nn.utils.clip_grad_norm_(trained, settings["maxGradNorm"])
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)


def prepare(request):
    torch.set_num_threads(request["threads"])
    torch.manual_seed(1)
    prompts = request["prompts"]
    likelihood = common.log_likelihood(request["folder"], prompts[0]["ids"], prompts[1]["ids"])
    attention, cache, variant, notes = common.fastest(request)
    peer["ppo"] = Ppo(request, attention, cache)
    version = f"PyTorch {torch.__version__}"
    return {"logLikelihood": likelihood, "variant": variant, "notes": notes, "version": version}


serve({"prepare": prepare, "step": lambda _: peer["ppo"].step()})
