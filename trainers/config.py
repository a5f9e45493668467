"""The configuration of a training run: one TOML file, validated as a whole before anything is loaded.

Every option stands here with what it means and, where it overrides what TRL would do by itself, why. `docs/training.md`
has the same as tables; a test keeps the two together."""

from __future__ import annotations

import difflib
import shlex
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from samescore.harness.errors import UsageError
from samescore.harness.scorers import SCORERS
from samescore.trainers.config_faults import Check, Fault, examined, unknown_in

Kind = Literal["sft", "dpo", "grpo"]
BackendName = Literal["transformers", "vllm", "unsloth"]
Positive = Annotated[int, Field(ge=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class DataConfig(_Section):
    """What is learned from. The gold turns of a suite, unless `recorded` or `files` say otherwise."""

    suite: str = "sop"
    """A suite's name or the path of a suite file, as `samescore eval --suite` takes it. Its targets are those that
    count."""
    split: Literal["train"] = "train"
    """Only `train` may be learned from; `dev` is for choosing and `eval` for the verdict."""
    locales: tuple[Literal["en", "vi"], ...] = ("en", "vi")
    """The languages to learn from."""
    limit: Positive | None = None
    """Learn from this many cases only, spread over the whole split."""
    procedure: Literal["prompt", "weights"] = "weights"
    """Whether the procedure stands in the system message, as in `samescore eval --procedure`."""
    longer: Literal["error", "leave_out"] = "error"
    """What becomes of a sequence past `max_tokens` (SFT, DPO): it is an error, or it is left out, and the plan and the
    passport say how many were."""


class LoraConfig(_Section):
    """The adapter. It sits on all linear layers but the output head: the layers of the MLP matter as much as
    attention."""

    rank: Annotated[int, Field(ge=1, le=256)] = 32
    """Rank of the update: 8 to 128 are usual. Adapters for vLLM need a rank that its `max_lora_rank` allows."""
    alpha: Positive = 64
    """Scale of the update, usually once or twice the rank."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the update's inputs that is dropped. Any but 0 makes what GRPO samples differ from what it trains."""


class DevConfig(_Section):
    """How training looks at `dev`: through `samescore.harness.evaluate`, as `samescore eval --split dev` does."""

    every: Annotated[int, Field(ge=0)] = 0
    """Evaluate every so many steps, and at the end. 0: never."""
    limit: Positive | None = None
    """Evaluate so many cases only, spread over branches. None: all."""
    stop: bool = True
    """Stop as soon as every target of the suite is met on `dev` (the lower 95% bound reaches it)."""
    patience: Annotated[int, Field(ge=0)] = 0
    """Stop after so many evaluations without a better `success`. 0: never."""


class LogConfig(_Section):
    """Where figures go while it trains. `log.jsonl` in the adapter's folder is always written."""

    to: tuple[Literal["tensorboard", "wandb", "trackio"], ...] = ()
    """Where figures go, too. Each is a package of its own; nothing is sent anywhere unless it is named here."""
    every: Positive = 10
    """Steps between two lines of figures."""


class CheckpointConfig(_Section):
    """What `--resume` goes on from."""

    every: Annotated[int, Field(ge=0)] = 0
    """Steps between two checkpoints. 0: none."""
    keep: Positive = 2
    """The latest so many are kept."""


class TrainConfig(_Section):
    """What every kind of training shares."""

    base: str = "tiny"
    """The base model: `tiny`, or `hf/PATH_OR_ID`."""
    adapter: str | None = None
    """An adapter of the base to train further: a name that `samescore eval --adapter` knows, or a folder. None: a new
    one. Its rank and scale stay; `lora` must not be given then."""
    out: Path
    """Where the adapter goes. A relative path is taken from the configuration file's folder."""
    data: DataConfig = DataConfig()
    lora: LoraConfig = LoraConfig()
    backend: BackendName = "transformers"
    """What loads and runs the model. `vllm` generates only, so it goes with GRPO; `unsloth` wants a CUDA GPU."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Number format of the base. `auto`: float32 on a CPU, bfloat16 on a GPU. The adapter itself is trained in float32,
    on a base in 4 bits in bfloat16."""
    four_bit: bool = False
    """Load the base in 4 bits (NF4) and train the adapter on it: QLoRA. Wants a GPU and bitsandbytes."""
    gradient_checkpointing: bool = False
    """Compute activations again instead of keeping them: slower by a third, and far less memory for long sequences."""
    batch_size: Positive = 16
    """Sequences on the device at a time."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    """Peak of a linear warm-up. Adapters take a tenfold higher rate than full fine-tuning."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of the steps in which the rate rises, rounded up. Of W such steps the first has 1/W of the peak: no step is
    without effect, as the first is in Transformers. 0: the first step has the peak."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Of AdamW."""
    max_tokens: Annotated[int, Field(ge=16)] = 4096
    """A longer sequence is an error that names its case, or is left out (`data.longer`); nothing is cut silently (TRL's
    own default cuts at 1,024)."""
    dev: DevConfig = DevConfig()
    log: LogConfig = LogConfig()
    checkpoint: CheckpointConfig = CheckpointConfig()
    seed: int = 20261120
    """Of the adapter's first values, of the order of the data and of sampling."""

    def faults(self) -> Iterator[Fault]:
        """What is wrong with options that are sound by themselves."""
        if self.adapter is not None and "lora" in self.model_fields_set:
            message = "`lora` is for a new adapter, and `adapter` names one that exists. Leave one of them out"
            yield Fault(message, ("lora", "adapter"))
        yield from _model("base", self.base, "'tiny' or 'hf/PATH_OR_ID'", {"tiny"})

    @model_validator(mode="after")
    def _sound(self, info: ValidationInfo) -> Self:
        # Who reads a file asks for the faults afterwards, together with others.
        if info.context is None and (found := [*self.faults()]):
            raise ValueError(" ".join(map(str, found)))
        return self


class SftConfig(TrainConfig):
    """One supervised fine-tuning run: `samescore train sft CONFIG.toml`."""

    accumulate: Positive = 1
    """Batches to a step of the optimizer."""
    epochs: Annotated[float, Field(gt=0)] = 3
    """How often all is learned."""
    recorded: tuple[Path, ...] = ()
    """Runs (`samescore eval --split train`) whose conversations are learned too, where `success` is 1."""
    files: tuple[Path, ...] = ()
    """JSONL files of conversations that are learned too: `{"messages": [...], "tools": [...]}` a line."""
    gold: bool = True
    """Learn the suite's gold turns. False: `recorded` and `files` alone."""

    def faults(self) -> Iterator[Fault]:
        """See `TrainConfig.faults`."""
        yield from super().faults()
        if not (self.gold or self.recorded or self.files):
            message = "gold = false, and neither `recorded` nor `files` names anything: nothing to learn"
            yield Fault(message, ("gold", "recorded", "files"))


class DpoConfig(TrainConfig):
    """One run on pairs: `samescore train dpo CONFIG.toml`."""

    accumulate: Positive = 1
    """Batches to a step of the optimizer."""
    epochs: Annotated[float, Field(gt=0)] = 1
    """How often all pairs are learned."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    """Peak of a linear warm-up. A tenth of what SFT takes: the pairs push probabilities apart without end."""
    loss: Literal["dpo", "orpo"] = "dpo"
    """`orpo` needs no reference model, and learns the chosen side as SFT does; TRL calls it experimental."""
    beta: Annotated[float, Field(gt=0)] = 0.1
    """How strongly the policy is held to the reference (DPO), or the weight of the odds ratio (ORPO)."""
    rejected: Literal["mutants", "sampled", "recorded"] = "mutants"
    """Where the worse side comes from: the mutants that the scorers must kill anyway, turns that the model at hand
    samples, or the failures of recorded runs."""
    recorded: tuple[Path, ...] = ()
    """The runs of `rejected = "recorded"`."""
    samples: Positive = 4
    """How many turns are sampled for a prompt with `rejected = "sampled"`."""
    temperature: Annotated[float, Field(gt=0)] = 1.0
    """Of that sampling."""
    pairs_per_case: Positive = 4
    """At most so many pairs of a case, spread over its turns."""

    def faults(self) -> Iterator[Fault]:
        """See `TrainConfig.faults`."""
        yield from super().faults()
        if (self.rejected == "recorded") != bool(self.recorded):
            yield Fault(
                f'rejected = "{self.rejected}" with {len(self.recorded)} runs in `recorded`. Runs go with rejected = '
                '"recorded": name some, or leave `recorded` out',
                ("rejected", "recorded"),
            )


class GrpoConfig(TrainConfig):
    """One run of GRPO: `samescore train grpo CONFIG.toml`."""

    steps: Positive = 200
    """Steps of the optimizer."""
    shape: Literal["decision", "episode"] = "decision"
    """`decision`: one turn after a gold prefix, its world replayed. `episode`: whole conversations; the tokens of tools
    and of the user are masked."""
    weights: dict[str, Annotated[float, Field(ge=0)]] = {"success": 1.0}
    """The scorers that reward, each its own reward function, and its weight."""
    group: Annotated[int, Field(ge=2)] = 8
    """Completions of one prompt, which are compared with each other."""
    prompts: Positive = 8
    """Prompts of a step. `group` times `prompts` completions are sampled; `batch_size` of them are on the device at a
    time."""
    reuse: Positive = 1
    """Steps of the optimizer on the same completions. Above 1 it is off policy, and the ratio is clipped."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    """Peak of a linear warm-up. AdamW steps that far however noisy the gradient is, so it is lower than that of SFT."""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    """How the rate goes on after the warm-up: down to 0, so that the last steps do not undo each other, or as it is."""
    temperature: Annotated[float, Field(gt=0)] = 1.0
    """Of sampling. Always with `top_p = 1` and no `top_k`: the ratio of probabilities would be of other
    distributions."""
    turn_tokens: Annotated[int, Field(ge=8)] = 768
    """The longest turn, as evaluation has it. A longer one is truncated, scores 0 and is counted; TRL's default of 512
    for a whole completion would do so unseen."""
    completion_tokens: Annotated[int, Field(ge=8)] = 4096
    """The most tokens that the model writes in a conversation, as evaluation has it."""
    turns: Positive = 12
    """The most turns of an episode, as evaluation has it."""
    beta: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the divergence from the adapter that it began with. TRL's default of 0 keeps no reference."""
    epsilon: Annotated[float, Field(gt=0)] = 0.2
    """How far the ratio of probabilities may go down."""
    epsilon_high: Annotated[float, Field(gt=0)] = 0.28
    """And up: higher, so that rare good turns may grow (DAPO, section 3.1)."""
    loss: Literal["dapo", "dr_grpo", "bnpo", "grpo"] = "dapo"
    """`dapo` divides by the tokens of the whole batch, so that long wrong answers are not made cheap; `grpo` does
    not."""
    scale_rewards: Literal["group", "batch", "none"] = "group"
    """By what an advantage is divided. `none` (Dr. GRPO) does not weigh prompts up that are nearly solved."""
    mask_truncated: bool = False
    """Leave truncated completions out of the loss. By default they stay: they score 0, and are to become rarer."""
    curriculum: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of prompts that are drawn from branches by how much their groups' rewards varied. The rest is drawn evenly,
    so that no branch is forgotten. 0: none."""
    watch: Annotated[int, Field(ge=0)] = 10
    """Every so many steps some completions are scored again through evidence; a difference stops the run. 0: never."""
    watched: Positive = 8
    """How many."""
    similarity: str | None = None
    """An embedding model (`hf/PATH_OR_ID`) that also rewards likeness to the gold reply. It is not pure, is no score of
    evaluation, and the passport says that it was used."""
    similarity_weight: Annotated[float, Field(gt=0)] = 0.1
    """Its weight."""
    vllm_memory: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Share of the GPU's memory that vLLM may take beside the training."""

    def faults(self) -> Iterator[Fault]:
        """See `TrainConfig.faults`."""
        yield from super().faults()
        known = [scorer.name for scorer in SCORERS]
        for name in sorted(self.weights.keys() - set(known)):
            near = difflib.get_close_matches(name, known, n=1)
            meant = f", did you mean {near[0]}?" if near else "."
            yield Fault(f"weights: there is no scorer {name}{meant} Known: {', '.join(known)}", (f"weights.{name}",))
        if not any(self.weights.values()):
            yield Fault("weights: all are 0, so nothing would be learned. Give one scorer a weight", ("weights",))
        if (completions := self.group * self.prompts) % self.batch_size:
            yield Fault(
                f"group * prompts = {completions} completions do not divide into batches of {self.batch_size}. Choose "
                "a batch_size that divides them",
                ("group", "prompts", "batch_size"),
            )
        if self.beta and self.adapter is not None and self.checkpoint.every:
            # TRL keeps the reference as a second adapter, and a checkpoint of two would go on from the wrong one.
            yield Fault(
                "beta with an adapter that is trained further cannot go on from checkpoints. Set checkpoint.every = 0, "
                "or beta = 0",
                ("beta", "adapter", "checkpoint.every"),
            )
        if self.data.longer == "leave_out":
            yield Fault(
                "data.longer is for train sft and dpo, whose sequences are there before training. Here conversations "
                "end at `max_tokens`: leave it out",
                ("data.longer",),
            )
        if self.similarity is not None:
            yield from _model("similarity", self.similarity, "'hf/PATH_OR_ID'")


KINDS: Mapping[Kind, type[TrainConfig]] = {"sft": SftConfig, "dpo": DpoConfig, "grpo": GrpoConfig}
"""The configuration of each kind of training, by its name on the command line."""

_Config = TypeVar("_Config", bound=TrainConfig)
_PATHS = ("recorded", "files")


def load_config(path: Path, kind: type[_Config], check: Check | None = None) -> _Config:
    """Read and validate a configuration file; its relative paths are taken from its folder.

    `check` says what else is wrong with a configuration, such as what this machine cannot do.

    Raises:
        UsageError: the file is missing, no TOML, or says something that is no option; all faults in one message.
    """

    def checked(config: TrainConfig) -> Iterator[Fault]:
        yield from config.faults()
        yield from () if check is None else check(config)

    config: _Config
    data = read_toml(path)
    config, faults = examined(data, kind, KINDS, checked)
    if faults:
        listing = "\n".join(f"  {fault}" for fault in faults)
        raise UsageError(f"{path}: the configuration is wrong:\n{listing}\n{_advice(path, data, kind)}")
    here = path.parent
    placed: dict[str, Any] = {"out": (here / config.out).resolve()}
    for name in _PATHS:
        if paths := getattr(config, name, ()):
            placed[name] = tuple((here / one).resolve() for one in paths)
    return config.model_copy(update=placed)


def kind_of(path: Path) -> Kind:
    """The kind of training that a configuration file is for, by its options; SFT where they are those of several.

    Raises:
        UsageError: it is no TOML, or may be for DPO or GRPO: says what to pass.
    """
    data = read_toml(path)
    unknown = {kind: unknown_in(data, shape) for kind, shape in KINDS.items()}
    fewest = min(map(len, unknown.values()))
    likely = [kind for kind, options in unknown.items() if len(options) == fewest]
    if len(likely) == 1 or "sft" in likely:  # an option that no kind knows is told where the file is read as that kind
        return "sft" if "sft" in likely else likely[0]
    options = ", ".join(option for option in unknown["sft"] if option not in unknown[likely[0]])
    raise UsageError(
        f"{path}: {options} may be for {' or '.join(f'train {kind}' for kind in likely)}. Say which: "
        f"{' or '.join(f'--kind {kind}' for kind in likely)}."
    )


def read_toml(path: Path) -> dict[str, Any]:
    """What a TOML file says.

    Raises:
        UsageError: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path}: cannot read the configuration: {error.strerror}. Give the path of a TOML file."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML: {error}.") from None


def _advice(path: Path, data: Mapping[str, Any], kind: type[TrainConfig]) -> str:
    """Where to look; or for which other kind of training a file was written."""
    if unknown_in(data, kind):
        for name, shape in KINDS.items():
            if not unknown_in(data, shape):
                return f"All its options are those of train {name}: samescore train {name} {shlex.quote(str(path))}."
    return "See docs/training.md for every option."


def _model(option: str, name: str, expected: str, known: Collection[str] = ()) -> Iterator[Fault]:
    """A model by name is a word that is known, or `hf/` and a path or an id."""
    provider, _, rest = name.partition("/")
    if name not in known and (provider != "hf" or not rest):
        yield Fault(f"{option} {name!r}: expected {expected}", (option,))
