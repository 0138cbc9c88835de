"""TRL's RLOOTrainer, one optimizer step at a time when asked. Its settings are those of the case, float32, nothing logged or saved."""

import queue
import tempfile
import threading
import time

import torch
import trl
from datasets import Dataset
from transformers import AutoTokenizer, TrainerCallback
from trl import RLOOConfig, RLOOTrainer

import common
from protocol import serve

asked, answered = queue.Queue(), queue.Queue()


class Steps(TrainerCallback):
    """Holds the trainer before each step until one is asked for."""

    def on_step_begin(self, args, state, control, **_):
        asked.get()
        Timed.sampling, Timed.tokens = 0.0, 0
        self.started = time.perf_counter()

    def on_step_end(self, args, state, control, **_):
        total = time.perf_counter() - self.started
        answered.put({"rollout": Timed.sampling, "update": total - Timed.sampling, "tokens": Timed.tokens})


class Timed(RLOOTrainer):
    sampling = 0.0
    tokens = 0

    def _generate(self, prompts):
        start = time.perf_counter()
        made = super()._generate(prompts)
        Timed.sampling += time.perf_counter() - start
        Timed.tokens += sum(len(ids) for ids in made[1])
        return made


def even_share(completion_ids, **_):
    return common.reward(completion_ids)


def prepare(request):
    torch.set_num_threads(request["threads"])
    folder, settings, prompts = request["folder"], request["case"]["settings"], request["prompts"]
    likelihood = common.log_likelihood(folder, prompts[0]["ids"], prompts[1]["ids"])
    attention, cache, variant, notes = common.fastest(request)
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    encoded = [tokenizer(prompt["text"])["input_ids"] for prompt in prompts]
    assert encoded == [prompt["ids"] for prompt in prompts], "the tokenizers differ"
    answers = settings["promptsPerStep"] * settings["samplesPerPrompt"]
    config = RLOOConfig(
        output_dir=tempfile.mkdtemp(),
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        per_device_train_batch_size=settings["microBatchSize"],
        gradient_accumulation_steps=answers // settings["microBatchSize"],
        num_generations=settings["samplesPerPrompt"],
        num_iterations=settings["updatesPerRollout"],
        max_completion_length=settings["maxNewTokens"],
        generation_kwargs={"min_new_tokens": settings["maxNewTokens"], "use_cache": True},
        cache_implementation=cache,
        temperature=settings["temperature"],
        beta=settings["beta"],
        epsilon=settings["clipRange"],
        learning_rate=settings["learningRate"],
        lr_scheduler_type="linear",
        weight_decay=settings["weightDecay"],
        max_grad_norm=settings["maxGradNorm"],
        max_steps=settings["steps"],
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=1,
    )
    trainer = Timed(
        model=common.load(folder, attention),
        reward_funcs=even_share,
        args=config,
        train_dataset=Dataset.from_dict({"prompt": [prompt["text"] for prompt in prompts]}),
        processing_class=tokenizer,
        peft_config=common.lora_config(settings, "CAUSAL_LM"),
        callbacks=[Steps()],
    )

    def train():
        torch.set_num_threads(request["threads"])
        try:
            trainer.train()
        except BaseException as error:
            answered.put(error)
            raise

    threading.Thread(target=train, daemon=True).start()
    version = f"TRL {trl.__version__}, PyTorch {torch.__version__}"
    return {"logLikelihood": likelihood, "variant": variant, "notes": notes, "version": version}


def step(_):
    asked.put(True)
    made = answered.get()
    if isinstance(made, BaseException):
        raise made
    return made


serve({"prepare": prepare, "step": step})
