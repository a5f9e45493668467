"""Direct preference optimisation (Rafailov et al. 2023) and ORPO (Hong et al. 2024) on scored pairs, by TRL's trainers.

TRL would write prompts and turns with its own tokenization, and cut them. Here it gets the ids of the pairs.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from samescore.harness.blocking import blocking
from samescore.harness.cli.errors import say
from samescore.harness.cli.progress import loading
from samescore.harness.errors import UsageError
from samescore.harness.files import write_text
from samescore.harness.rollout import DEFAULT_LIMITS
from samescore.trainers.config import DpoConfig
from samescore.trainers.decisions import Decision, Decisions
from samescore.trainers.ending import finished
from samescore.trainers.leakage import training_text
from samescore.trainers.live import LivePolicy
from samescore.trainers.logs import without_bars
from samescore.trainers.pairs import Pair, Pairing, Pairs
from samescore.trainers.preview import Workload, show_plan, steps_of
from samescore.trainers.rejected import asked_of, conversations, from_kept, from_mutants, from_recorded, from_samples
from samescore.trainers.schedule import schedule
from samescore.trainers.sft import ByLength
from samescore.trainers.training import (
    Options,
    Training,
    carry_out,
    common_arguments,
    failing,
    load_model,
    prepare,
    require_disjoint,
)

PAIRS = "pairs.jsonl"
NO_LABEL = -100  # what torch's cross entropy leaves out


def train(path: Path, options: Options | None = None) -> Path:
    """Run the training that a configuration file describes; returns the adapter's folder.

    Raises:
        UsageError: the configuration, the suite, a run or the base is wrong, the folder is taken, no pair is left, or
            one is too long.
        TrainingFailed: memory or disk ran out.
    """
    options = options or Options()
    if (done := finished(path, DpoConfig, options)) is not None:
        return done
    training = prepare("dpo", path, DpoConfig, options)
    require_disjoint(training, map(training_text, training.material.cases))
    sampling = training.config.rejected == "sampled"
    if training.options.dry_run and sampling:
        return show_plan(training, prospect(training))
    model = load_model(training) if sampling else None
    pairs = pairs_of(training, model)
    check_pairs(pairs, training.config.max_tokens)
    if training.options.dry_run:
        return show_plan(training, workload(training.config, pairs))
    say(summary(pairs))
    with failing(training):
        trainer = trainer_of(training, pairs.made, load_model(training) if model is None else model)
    keeping = callback_of(pairs, training.config.out / PAIRS)
    return carry_out(training, trainer, pairs.to_json(), more=lambda: margins(trainer), callbacks=[keeping])


def pairs_of(training: Training[DpoConfig], model: Any = None) -> Pairs:
    """The pairs that a configuration asks for. `model` is needed where turns are sampled.

    A training that goes on takes the sampled turns from the file that it wrote: numbers are not the same to the last
    bit on every device, so that sampling again could give others.

    Raises:
        UsageError: see `conversations`.
        PolicyError, WorldError: the model or a world crashed.
    """
    config, material = training.config, training.material
    pairing = pairing_of(training)
    if config.rejected == "mutants":
        return blocking(from_mutants(material.cases, pairing))
    if config.rejected == "recorded":
        return blocking(from_recorded(material.cases, pairing, conversations(training)))
    if training.checkpoint is not None:
        pairing.pairs.dropped.update(training.checkpoint.stamp["of"]["data"]["dropped"])
        return blocking(from_kept(material.cases, pairing, config.out / PAIRS))
    writer = training.backend.writer(model, training.renderer, None)
    policy = LivePolicy(writer, training.renderer, training.dialect, {"model": config.base, "training": "dpo"})
    writer.begin()
    try:
        return blocking(from_samples(material.cases, pairing, policy, config.samples, config.temperature))
    finally:
        writer.end()
        writer.close()


def pairing_of(training: Training[DpoConfig]) -> Pairing:
    """What makes the pairs of a configuration."""
    config = training.config
    decisions = Decisions(training.material.worlds, training.renderer, training.dialect)
    longest = config.max_tokens if config.data.longer == "leave_out" else None
    return Pairing(decisions, config.rejected, config.pairs_per_case, config.seed, longest=longest)


def check_pairs(pairs: Pairs, limit: int) -> None:
    """Make sure that there is something to learn, and that nothing would be cut.

    Raises:
        UsageError: there is no pair, or a sequence is longer than `limit` tokens.
    """
    if not pairs.made:
        why = ", ".join(f"{count} {reason}" for reason, count in pairs.dropped.items()) or "nothing was found"
        raise UsageError(
            f"no pair of a right and a wrong turn is left ({why}). Choose another `rejected`, or more cases."
        )
    longest = max(pairs.made, key=lambda pair: pair.tokens)
    if longest.tokens > limit:
        past = sum(pair.tokens > limit for pair in pairs.made)
        raise UsageError(
            f"case {longest.case} is {longest.tokens} tokens long at turn {longest.k}, the limit is {limit}, and "
            f"{past} of {len(pairs.made)} pairs are past it. Raise max_tokens to {longest.tokens}, or leave them out: "
            'data.longer = "leave_out".'
        )


def workload(config: DpoConfig, pairs: Pairs) -> Workload:
    """How much there is to do, for `--dry-run`."""
    told = pairs.to_json()
    longest = max(pairs.made, key=lambda pair: pair.tokens)
    sources = {f"pairs of {source}": count for source, count in told["sources"].items()}
    dropped = {f"dropped: {reason}": count for reason, count in told["dropped"].items()}
    return Workload(
        counts={**sources, **dropped, "tokens": told["tokens"]},
        data=told,
        steps=steps_of(len(pairs.made), config, config.accumulate, config.epochs),
        longest=longest.tokens,
        source=f"{longest.case}, turn {longest.k}",
        sequences=2 * min(config.batch_size, len(pairs.made)),
    )


def prospect(training: Training[DpoConfig]) -> Workload:
    """The most that there may be to do where turns are still to be sampled."""
    config, material = training.config, training.material
    pairing = pairing_of(training)

    async def asked() -> list[list[Decision]]:
        return [await asked_of(case, pairing) for case in material.cases]

    cases = blocking(asked())
    prompts = [decision for case in cases for decision in case]
    most = sum(min(config.pairs_per_case, len(case) * config.samples) for case in cases)
    longest = max(prompts, key=lambda decision: len(decision.prompt))
    return Workload(
        counts={"prompts": len(prompts), "turns to sample": len(prompts) * config.samples, "pairs at most": most},
        data={},
        steps=steps_of(most, config, config.accumulate, config.epochs),
        longest=min(len(longest.prompt) + DEFAULT_LIMITS.turn_tokens, pairing.longest or sys.maxsize),
        source=f"{longest.case.id}, with the longest turn that may be sampled",
        sequences=2 * min(config.batch_size, most),
    )


def summary(pairs: Pairs) -> str:
    """What was made and what was dropped, in a line."""
    made = ", ".join(f"{count} {source}" for source, count in sorted(Counter(p.source for p in pairs.made).items()))
    dropped = ", ".join(f"{count} {reason}" for reason, count in sorted(pairs.dropped.items())) or "none"
    return f"pairs: {made}; dropped: {dropped}"


def callback_of(pairs: Pairs, path: Path) -> Any:
    """What writes `pairs.jsonl` when training begins, unless it is there from before."""
    from transformers import TrainerCallback

    class Keeping(TrainerCallback):  # type: ignore[misc]  # Transformers has no types
        def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            if not path.exists():
                write_text(path, pairs.lines())

    return Keeping()


def margins(trainer: Any) -> dict[str, float]:
    """How far apart chosen and rejected turns were when it was last logged: beta times the difference of their log
    probabilities (for DPO less that of the reference; for ORPO of a token's mean), and the share of pairs in order."""
    logged = [entry for entry in trainer.state.log_history if "rewards/margins" in entry]
    return {name: logged[-1][f"rewards/{name}"] for name in ("margins", "accuracies")} if logged else {}


def trainer_of(training: Training[DpoConfig], pairs: Sequence[Pair], model: Any) -> Any:
    """TRL's trainer over the ids of the pairs. `model` has the adapter that is to be trained."""
    config = training.config
    arguments = common_arguments(
        training,
        {
            "num_train_epochs": config.epochs,
            "gradient_accumulation_steps": config.accumulate,
            "beta": config.beta,
            # TRL's default would silence `lora.dropout`.
            "disable_dropout": not config.lora.dropout,
        },
    )
    make = dpo_trainer if config.loss == "dpo" else orpo_trainer
    trainer = make(arguments, pairs, model, training.renderer.tokenizer)
    schedule(trainer, "cosine")
    order = ByLength([pair.tokens for pair in pairs], config.batch_size, config.seed)
    trainer._get_train_sampler = lambda dataset=None: order
    return trainer


def dpo_trainer(arguments: dict[str, Any], pairs: Sequence[Pair], model: Any, tokenizer: Any) -> Any:
    """DPO. The reference is the model as it is now, adapter included: its log probabilities are computed here, once.

    TRL keeps the reference as a second adapter `ref` and would save it into every checkpoint, from which Transformers
    then restores `ref` alone: a resumed training would go on from the adapter's first values. Computed beforehand, it
    is not needed any more.
    """
    from datasets import Dataset
    from trl import DPOConfig as TrlConfig, DPOTrainer

    class Trainer(DPOTrainer):  # type: ignore[misc]  # TRL has no types
        """Takes rows of ids as they are."""

        def _prepare_dataset(self, dataset: Any, *rest: Any) -> Any:
            return dataset

    rows = {
        "prompt_ids": [list(pair.prompt) for pair in pairs],
        "chosen_ids": [list(pair.chosen.ids) for pair in pairs],
        "rejected_ids": [list(pair.rejected.ids) for pair in pairs],
    }
    model.eval()  # no dropout in the reference
    with loading("the reference's log-probabilities"), without_bars():
        trainer = Trainer(
            model=model,
            args=TrlConfig(**arguments, max_length=None, loss_type=["sigmoid"], precompute_ref_log_probs=True),
            train_dataset=Dataset.from_dict(rows),
            processing_class=tokenizer,
        )
    model.delete_adapter("ref")
    return trainer


CERTAIN = -1e-6
"""The highest mean log-probability of a turn that ORPO's odds are taken of."""


def orpo_trainer(arguments: dict[str, Any], pairs: Sequence[Pair], model: Any, tokenizer: Any) -> Any:
    """ORPO. It needs no reference."""
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")  # that it may change is said in the documentation
    from datasets import Dataset
    from torch.nn.functional import cross_entropy
    from trl.experimental.orpo import ORPOConfig as TrlConfig, ORPOTrainer

    class Trainer(ORPOTrainer):  # type: ignore[misc]  # TRL has no types
        """Takes rows of ids as they are, and learns of the chosen side what the assistant wrote."""

        def tokenize_row(self, feature: Any, model: Any = None) -> Any:
            return feature

        def odds_ratio_loss(self, chosen: Any, rejected: Any) -> Any:
            # Of a turn that is certain, as rounding in 2 bytes makes many, the odds are infinite and the gradient NaN.
            return super().odds_ratio_loss(chosen.float().clamp(max=CERTAIN), rejected.float().clamp(max=CERTAIN))

        def concatenated_forward(self, model: Any, batch: Any) -> Any:
            # TRL takes the likelihood of the prompt as well; equation 1 of the paper is of the turn alone, as SFT here.
            found = super().concatenated_forward(model, batch)
            labels = batch["chosen_labels"][:, 1:]
            logits = found[2][:, : labels.shape[1]]
            learned = cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=NO_LABEL)
            return (*found[:4], learned, *found[5:])

    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    rows: dict[str, list[Any]] = {}
    for name, turns in (("chosen", [p.chosen.ids for p in pairs]), ("rejected", [p.rejected.ids for p in pairs])):
        whole = [[*pair.prompt, *turn] for pair, turn in zip(pairs, turns, strict=True)]
        rows[f"{name}_input_ids"] = whole
        rows[f"{name}_attention_mask"] = [[1] * len(ids) for ids in whole]
        rows[f"{name}_labels"] = [
            [NO_LABEL] * len(pair.prompt) + list(turn) for pair, turn in zip(pairs, turns, strict=True)
        ]
    return Trainer(
        model=model,
        args=TrlConfig(**arguments, max_length=max(pair.tokens for pair in pairs), remove_unused_columns=False),
        train_dataset=Dataset.from_dict(rows),
        processing_class=tokenizer,
    )
