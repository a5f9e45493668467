"""Direct preference optimisation (Rafailov et al. 2023) and ORPO (Hong et al. 2024) on scored pairs, by TRL's trainers.

TRL would write prompts and turns with its own tokenization, and cut them. Here it gets the ids of the pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from samescore.harness.blocking import blocking
from samescore.harness.errors import UsageError
from samescore.harness.files import write_text
from samescore.harness.lexicon import LOCALES
from samescore.harness.rescore import Scored, rescore
from samescore.harness.run import Run
from samescore.trainers.config import DpoConfig
from samescore.trainers.decisions import Decisions
from samescore.trainers.live import LivePolicy
from samescore.trainers.material import load_material
from samescore.trainers.pairs import Pair, Pairing, Pairs, from_kept, from_mutants, from_recorded, from_samples
from samescore.trainers.training import Options, Training, carry_out, common_arguments, load_model, prepare

PAIRS = "pairs.jsonl"
NO_LABEL = -100  # what torch's cross entropy leaves out


def train(path: Path, options: Options | None = None) -> Path:
    """Run the training that a configuration file describes; returns the adapter's folder.

    Raises:
        UsageError: the configuration, the suite, a run or the base is wrong, the folder is taken, no pair is left, or
            one is too long.
        TrainingFailed: memory or disk ran out.
    """
    training = prepare("dpo", path, DpoConfig, options or Options())
    require_source(training)
    model = load_model(training) if training.config.rejected == "sampled" else None
    pairs = pairs_of(training, model)
    check_pairs(pairs, training.config.max_tokens)
    trainer = trainer_of(training, pairs.made, load_model(training) if model is None else model)
    keep(pairs, training.config.out / PAIRS)
    return carry_out(training, trainer, pairs.to_json(), more=lambda: margins(trainer))


def require_source(training: Training[DpoConfig]) -> None:
    """Make sure that runs are named where they are used, and only there.

    Raises:
        UsageError: they are not.
    """
    config = training.config
    if (config.rejected == "recorded") != bool(config.recorded):
        raise UsageError(
            f'{training.source}: rejected = "{config.rejected}" with {len(config.recorded)} runs in `recorded`. Runs '
            'go with rejected = "recorded": name some, or leave `recorded` out.'
        )


def pairs_of(training: Training[DpoConfig], model: Any = None) -> Pairs:
    """The pairs that a configuration asks for. `model` is needed where turns are sampled.

    A training that goes on takes the sampled turns from the file that it wrote: numbers are not the same to the last
    bit on every device, so that sampling again could give others.

    Raises:
        UsageError: see `conversations`.
        PolicyError, WorldError: the model or a world crashed.
    """
    config, material = training.config, training.material
    decisions = Decisions(material.worlds, training.renderer, training.dialect)
    pairing = Pairing(decisions, config.rejected, config.pairs_per_case, config.seed)
    if config.rejected == "mutants":
        return blocking(from_mutants(material.cases, pairing))
    if config.rejected == "recorded":
        return blocking(from_recorded(material.cases, pairing, conversations(training)))
    if training.options.resume and (config.out / PAIRS).exists():
        return blocking(from_kept(material.cases, pairing, config.out / PAIRS))
    writer = training.backend.writer(model, training.renderer, None)
    policy = LivePolicy(writer, training.renderer, training.dialect, {"model": config.base, "training": "dpo"})
    writer.begin()
    try:
        return blocking(from_samples(material.cases, pairing, policy, config.samples, config.temperature))
    finally:
        writer.end()
        writer.close()


def conversations(training: Training[DpoConfig]) -> dict[str, list[tuple[str, Scored]]]:
    """The rollouts of the recorded runs, scored again from evidence, by case; each with the name of its run and epoch.

    Raises:
        UsageError: there is no run, it has cases of another split or suite, or its token ids are not this model's.
        EvidenceDamaged, ForeignEvidence: its evidence cannot be read.
    """
    config, material = training.config, training.material
    everywhere = config.data.model_copy(update={"locales": LOCALES, "limit": None})
    mine = {case.id for case in load_material(everywhere).cases}
    found: dict[str, list[tuple[str, Scored]]] = {}
    for path in config.recorded:
        run = Run.open(path)
        if foreign := [planned.id for planned in run.plan.cases if planned.id not in mine]:
            raise UsageError(
                f"{path}: {len(foreign)} of the run's {len(run.plan.cases)} cases (such as {foreign[0]}) are not of "
                f"the {config.data.split} split of {config.data.suite}. What judges a model must not be learned from. "
                f"Record a run with: samescore eval --suite {config.data.suite} --split {config.data.split}"
            )
        if run.manifest.redacted or run.manifest.description.get("renderer") != training.renderer.fingerprint:
            raise UsageError(
                f"{path}: the run was had with {run.manifest.model}, whose token ids are not those of {config.base}, "
                f"or are masked: its turns cannot be learned as they were written. Record a run of {config.base}, with "
                "or without an adapter, without --redact."
            )
        for scored in rescore(run, [material.suite], material.worlds):
            name = f"{run.directory.name}, epoch {scored.record.epoch}"
            found.setdefault(scored.record.case, []).append((name, scored))
    return found


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
            f"{past} of {len(pairs.made)} pairs are past it. Raise max_tokens to {longest.tokens}, or leave them out."
        )


def keep(pairs: Pairs, path: Path) -> None:
    """Write `pairs.jsonl`; a training that goes on must go on with the same.

    Raises:
        UsageError: other pairs stand there.
        EvidenceUnwritable: the disk is full, or the folder cannot be written.
    """
    text = pairs.lines()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    elif path.read_text(encoding="utf-8") != text:
        raise UsageError(
            f"{path} holds other pairs than the configuration makes now: cases, runs, scorers or the configuration "
            "have changed since the training began. Begin a new one in another folder."
        )


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
            "lr_scheduler_type": "cosine",
            "train_sampling_strategy": "group_by_length",
            "beta": config.beta,
            # TRL's default would silence `lora.dropout`.
            "disable_dropout": not config.lora.dropout,
            "remove_unused_columns": False,  # `length` is that by which batches are made
        },
    )
    make = dpo_trainer if config.loss == "dpo" else orpo_trainer
    return make(arguments, pairs, model, training.renderer.tokenizer)


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
        "length": [pair.tokens for pair in pairs],
    }
    model.eval()  # no dropout in the reference
    trainer = Trainer(
        model=model,
        args=TrlConfig(**arguments, max_length=None, loss_type=["sigmoid"], precompute_ref_log_probs=True),
        train_dataset=Dataset.from_dict(rows),
        processing_class=tokenizer,
    )
    model.delete_adapter("ref")
    return trainer


def orpo_trainer(arguments: dict[str, Any], pairs: Sequence[Pair], model: Any, tokenizer: Any) -> Any:
    """ORPO. It needs no reference."""
    from datasets import Dataset
    from torch.nn.functional import cross_entropy
    from trl.experimental.orpo import ORPOConfig as TrlConfig, ORPOTrainer

    class Trainer(ORPOTrainer):  # type: ignore[misc]  # TRL has no types
        """Takes rows of ids as they are, and learns of the chosen side what the assistant wrote."""

        def tokenize_row(self, feature: Any, model: Any = None) -> Any:
            return feature

        def concatenated_forward(self, model: Any, batch: Any) -> Any:
            # TRL takes the likelihood of the prompt as well; equation 1 of the paper is of the turn alone, as SFT here.
            found = super().concatenated_forward(model, batch)
            labels = batch["chosen_labels"][:, 1:]
            logits = found[2][:, : labels.shape[1]]
            learned = cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=NO_LABEL)
            return (*found[:4], learned, *found[5:])

    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    rows: dict[str, list[Any]] = {"length": [pair.tokens for pair in pairs]}
    for name, turns in (("chosen", [p.chosen.ids for p in pairs]), ("rejected", [p.rejected.ids for p in pairs])):
        whole = [[*pair.prompt, *turn] for pair, turn in zip(pairs, turns, strict=True)]
        rows[f"{name}_input_ids"] = whole
        rows[f"{name}_attention_mask"] = [[1] * len(ids) for ids in whole]
        rows[f"{name}_labels"] = [
            [NO_LABEL] * len(pair.prompt) + list(turn) for pair, turn in zip(pairs, turns, strict=True)
        ]
    return Trainer(
        model=model,
        args=TrlConfig(**arguments, max_length=max(pair.tokens for pair in pairs)),
        train_dataset=Dataset.from_dict(rows),
        processing_class=tokenizer,
    )
