"""Group-relative policy optimisation (Shao et al. 2024, section 4.1) by TRL's `GRPOTrainer`, on the scorers of
evaluation.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samescore.harness.errors import UsageError
from samescore.harness.fingerprint import fingerprint
from samescore.harness.rollout import Limits
from samescore.trainers.backends import Writer
from samescore.trainers.config import GrpoConfig
from samescore.trainers.ending import finished
from samescore.trainers.grpo.curriculum import Curriculum, StepSampler
from samescore.trainers.grpo.groups import Groups
from samescore.trainers.grpo.preview import longest_of, workload
from samescore.trainers.grpo.prompts import Prompts
from samescore.trainers.grpo.rewards import Rewards
from samescore.trainers.grpo.rollouts import Rollouts, step_seed
from samescore.trainers.grpo.sizes import require_room
from samescore.trainers.grpo.standing import Standing
from samescore.trainers.grpo.watch import Watch
from samescore.trainers.leakage import training_text
from samescore.trainers.live import LivePolicy
from samescore.trainers.preview import show_plan
from samescore.trainers.schedule import schedule
from samescore.trainers.similarity import Similarity, similarity_reward
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


@dataclass(slots=True)
class Grpo:
    """The parts of one GRPO run, wired together."""

    training: Training[GrpoConfig]
    prompts: Prompts
    policy: LivePolicy
    writer: Writer
    rollouts: Rollouts
    rewards: Rewards
    groups: Groups
    curriculum: Curriculum
    watch: Watch
    trainer: Any
    similarity: Similarity | None = None

    def next_batch(self) -> int:
        """The number of the generation batch that comes next, from 0.

        In the middle of `reuse` it is the one at hand: its completions are in no checkpoint, and are sampled anew.
        """
        return int(self.trainer.state.global_step) // self.training.config.reuse


def train(path: Path, options: Options | None = None) -> Path:
    """Run the training that a configuration file describes; returns the adapter's folder.

    Raises:
        UsageError: the configuration, suite or base is wrong, the folder is taken, or the template cannot do it.
        TrainingFailed: memory or disk ran out.
        ScoresDiffer: a reward was not the score of evaluation.
    """
    options = options or Options()
    if (done := finished(path, GrpoConfig, options)) is not None:
        return done
    training = prepare("grpo", path, GrpoConfig, options)
    require_prefix(training)
    prompts = require_prompts(training)
    require_disjoint(training, map(training_text, training.material.cases))
    size = longest_of(training)
    require_room(training.config, size)
    if training.options.dry_run:
        return show_plan(training, workload(training, prompts, data_of(prompts), size))
    with failing(training):
        grpo = assemble(training)
    return carry_out_of(grpo)


def carry_out_of(grpo: Grpo) -> Path:
    """Train what is assembled; returns the adapter's folder.

    Raises:
        TrainingFailed, ScoresDiffer: see `train`.
    """
    standing = Standing(grpo.curriculum, grpo.groups, grpo.next_batch)
    return carry_out(
        grpo.training,
        grpo.trainer,
        data_of(grpo.prompts),
        more=lambda: outcome(grpo),
        kept={"curriculum": standing},
        writer=grpo.writer,
    )


def require_prefix(training: Training[GrpoConfig]) -> None:
    """An episode is one sequence, so its template must keep what stands before.

    Raises:
        UsageError: it does not.
    """
    renderer = training.renderer
    if training.config.shape == "episode" and not (renderer.keeps_tool_prefix and renderer.keeps_user_prefix):
        added = "tool results are" if not renderer.keeps_tool_prefix else "a user's turn is"
        raise UsageError(
            f'{training.source}: shape = "episode" needs a chat template that leaves earlier turns as they are, and '
            f"that of {training.config.base} renders them differently when {added} added: what was sampled would not "
            'be what is trained. Set shape = "decision", where each turn is a sample of its own.'
        )


def require_prompts(training: Training[GrpoConfig]) -> Prompts:
    """The prompts of a configuration.

    Raises:
        UsageError: there are fewer than a step takes.
    """
    config = training.config
    prompts = Prompts(training.material.cases, config.shape)
    if len(prompts) < config.prompts:
        raise UsageError(f"a step takes {config.prompts} prompts, and there are only {len(prompts)}. Lower `prompts`.")
    return prompts


def limits_of(config: GrpoConfig) -> Limits:
    """Where a rollout is cut off, as evaluation cuts it."""
    return Limits(turns=config.turns, turn_tokens=config.turn_tokens, tokens=config.completion_tokens)


def assemble(training: Training[GrpoConfig]) -> Grpo:
    """Load the model, and wire rollouts, rewards, curriculum and watch to TRL's trainer.

    Raises:
        UsageError: the model cannot be loaded, or there are fewer prompts than a step takes.
    """
    config, material = training.config, training.material
    prompts = require_prompts(training)
    limits = limits_of(config)
    rewards = Rewards(prompts, material.worlds, training.renderer, training.dialect, limits)
    groups = Groups(prompts, config.weights)
    curriculum = Curriculum(prompts, groups, config.curriculum, config.seed)
    late = _Late()
    functions = rewards.functions(config.weights)
    similarity = None if config.similarity is None else Similarity.load(config.similarity)
    if similarity is not None:
        functions.append(similarity_reward(similarity, prompts, training.renderer, training.dialect))
    trainer = _trainer(training, prompts, late, functions, curriculum)
    writer = training.backend.writer(trainer.accelerator.unwrap_model(trainer.model), training.renderer, trainer)
    policy = LivePolicy(writer, training.renderer, training.dialect, description(training), config.max_tokens)
    rollouts = Rollouts(
        prompts,
        material.worlds,
        policy,
        writer,
        limits=limits,
        temperature=config.temperature,
        seed=config.seed,
    )
    late.rollouts = rollouts
    rewards.written = rollouts.written
    watch = Watch(
        config.out / "watch",
        material.worlds,
        material.files,
        config.data.procedure,
        policy,
        lambda: rollouts.latest,
        lambda: step_seed(config.seed, trainer),
        limits,
        config.temperature,
        config.watch,
        config.watched,
        prompts,
    )
    rewards.listeners += [watch, groups, lambda rewarded, log: log("seconds/rollouts", rollouts.seconds)]
    return Grpo(training, prompts, policy, writer, rollouts, rewards, groups, curriculum, watch, trainer, similarity)


def description(training: Training[Any]) -> dict[str, Any]:
    """What identifies the model in training in a run."""
    return {
        "model": training.config.base,
        "training": training.kind,
        "config": fingerprint(training.config.model_dump(mode="json", exclude={"out"})),
        "renderer": training.renderer.fingerprint,
        "backend": training.backend.name,
    }


def data_of(prompts: Prompts) -> dict[str, Any]:
    """What the passport says of the prompts."""
    return {"prompts": len(prompts), "fingerprint": prompts.fingerprint}


def outcome(grpo: Grpo) -> dict[str, Any]:
    """What the passport says of how it went."""
    return {
        "weights": dict(grpo.training.config.weights),
        "groups": grpo.groups.to_json(),
        "watched": grpo.watch.compared,
        **({} if grpo.similarity is None else {"similarity": grpo.similarity.to_json()}),
    }


class _Late:
    """TRL wants its rollout function before there is a trainer, and the writer of some backends is the trainer's."""

    rollouts: Rollouts

    def __call__(self, prompts: list[str], trainer: Any) -> dict[str, list[Any]]:
        return self.rollouts(prompts, trainer)


def _trainer(
    training: Training[GrpoConfig],
    prompts: Prompts,
    rollout: Callable[..., dict[str, list[Any]]],
    rewards: list[Callable[..., list[float | None]]],
    curriculum: Curriculum,
) -> Any:
    """TRL's trainer. It is imported here: a backend may have patched it when the model was loaded."""
    model = load_model(training)
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")  # `rollout_func` may change: TRL's version is pinned
    import torch
    from datasets import Dataset
    from trl import GRPOConfig as TrlConfig, GRPOTrainer

    config = training.config
    arguments = common_arguments(training, grpo_arguments(config))

    class Trainer(GRPOTrainer):  # type: ignore[misc]  # TRL has no types
        """Takes its prompts from the curriculum."""

        def _get_train_sampler(self, dataset: Any = None) -> StepSampler:
            return StepSampler(
                curriculum,
                config.prompts,
                config.group,
                repeat=self.num_iterations * self.args.steps_per_generation,
                batches=-(-config.steps // config.reuse),
                first=lambda: self.state.global_step // config.reuse,
            )

        def get_train_dataloader(self) -> Any:
            loader = super().get_train_dataloader()
            # It would draw from the random state just after a checkpoint restored it, and TRL shuffle rows otherwise.
            loader.generator = torch.Generator()
            return loader

    trainer = Trainer(
        model=model,
        args=TrlConfig(**arguments),
        reward_funcs=rewards,
        train_dataset=Dataset.from_dict({"prompt": list(prompts)}),
        processing_class=training.renderer.tokenizer,
        rollout_func=rollout,
    )
    schedule(trainer, config.schedule)
    # By these TRL tells which completions were cut: the template's ends, as evaluation has it, not the model's own.
    trainer.eos_token_ids = sorted(training.renderer.ends)
    return trainer


def grpo_arguments(config: GrpoConfig) -> Mapping[str, Any]:
    """What TRL's configuration is told about GRPO; the reasons stand with the options in `trainers/config.py`."""
    turns = 1 if config.shape == "decision" else config.turns
    return {
        "max_steps": config.steps,
        "gradient_accumulation_steps": config.group * config.prompts // config.batch_size,
        "num_generations": config.group,
        "num_iterations": config.reuse,
        # No sequence has more tokens that the model wrote; `dr_grpo` divides by it.
        "max_completion_length": min(config.completion_tokens, config.turn_tokens * turns),
        "temperature": config.temperature,
        "top_p": 1.0,
        "top_k": 0,
        "reward_weights": [
            *config.weights.values(),
            *([] if config.similarity is None else [config.similarity_weight]),
        ],
        "beta": config.beta,
        "epsilon": config.epsilon,
        "epsilon_high": config.epsilon_high,
        "loss_type": config.loss,
        "scale_rewards": config.scale_rewards,
        "mask_truncated_completions": config.mask_truncated,
        "remove_unused_columns": False,
        "shuffle_dataset": False,  # the curriculum draws
        "log_completions": False,
        "ignore_data_skip": True,  # the curriculum's own state says where it stood
    }
