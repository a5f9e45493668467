"""What is wrong with a configuration file, all of it at once, each fault with what to do."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import BaseModel, ValidationError

from samescore.harness.errors import UsageError

Shapes: TypeAlias = Mapping[Any, type[BaseModel]]
"""The configuration model of each kind of training."""

_ELSEWHERE = {
    "lr": "learning_rate",
    "model": "base",
    "model_name_or_path": "base",
    "base_model": "base",
    "output_dir": "out",
    "output": "out",
    "r": "lora.rank",
    "lora_r": "lora.rank",
    "lora_alpha": "lora.alpha",
    "lora_dropout": "lora.dropout",
    "num_train_epochs": "epochs",
    "max_steps": "steps",
    "per_device_train_batch_size": "batch_size",
    "gradient_accumulation_steps": "accumulate",
    "max_length": "max_tokens",
    "max_seq_length": "max_tokens",
    "warmup_ratio": "warmup",
    "warmup_steps": "warmup",
    "num_generations": "group",
    "reward_weights": "weights",
    "logging_steps": "log.every",
    "report_to": "log.to",
    "save_steps": "checkpoint.every",
    "save_total_limit": "checkpoint.keep",
    "eval_steps": "dev.every",
    "load_in_4bit": "four_bit",
}
"""Names that other trainers have for options, in lower case."""

_NEAR, _LIKE = 3, 0.7  # suggestions at most, and how like a name must be to another


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: a sentence without its full stop, and the options that it follows from.

    Where one of those is wrong itself, nothing can be said of what follows.
    """

    message: str
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.message if self.message.endswith((".", '."', "?")) else f"{self.message}."


def require_none(faults: Iterable[Fault]) -> None:
    """Make sure that nothing is wrong.

    Raises:
        UsageError: something is; all of it.
    """
    if found := " ".join(map(str, faults)):
        raise UsageError(found)


Check: TypeAlias = Callable[[Any], Iterable[Fault]]
"""Finds what is wrong with a configuration whose options are all sound by themselves."""


def options_of(shape: type[BaseModel], before: str = "") -> Iterator[str]:
    """Every option of a configuration model: `epochs`, `lora.rank`."""
    for name, field in shape.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from options_of(inner, f"{before}{name}.")
        else:
            yield f"{before}{name}"


def unknown_in(data: Mapping[str, Any], shape: type[BaseModel]) -> list[str]:
    """The options of a file that a kind of training does not know."""
    try:
        shape.model_validate(data, context=True)
    except ValidationError as error:
        return [".".join(map(str, one["loc"])) for one in error.errors() if one["type"] == "extra_forbidden"]
    return []


def examined(data: Mapping[str, Any], shape: type[BaseModel], shapes: Shapes, check: Check) -> tuple[Any, list[Fault]]:
    """The configuration that a file's data makes, and every fault of it. With a fault it is not to be used.

    Where options are wrong by themselves the others are still compared with each other, by `check`.
    """
    try:
        config = shape.model_validate(data, context=True)
        return config, list(check(config))
    except ValidationError as error:
        wrong = error.errors()
    faults = [_fault(one, shape, shapes) for one in wrong]
    for one in wrong:
        data = _without(data, one["loc"])
    try:
        config = shape.model_validate({"out": "out", **data}, context=True)
    except ValidationError:  # what is left of a section may not stand by itself
        return None, faults
    unsure = {option for fault in faults for option in fault.options}
    faults += [fault for fault in check(config) if not _touches(fault.options, unsure)]
    return None, faults


def _touches(options: Iterable[str], unsure: Iterable[str]) -> bool:
    """Whether one of the options is, or stands in, or has in it, one that is not known."""
    return any(
        f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.") for one in options for other in unsure
    )


def _without(data: Mapping[str, Any], loc: Sequence[Any]) -> dict[str, Any]:
    first, rest = loc[0], loc[1:]
    inner = data.get(first)
    if rest and isinstance(inner, Mapping):
        return {**data, first: _without(inner, rest)}
    return {name: value for name, value in data.items() if name != first}


def _fault(one: Any, shape: type[BaseModel], shapes: Shapes) -> Fault:
    option = ".".join(map(str, one["loc"]))
    if one["type"] == "extra_forbidden":
        message, meant = _unknown(option, shape, shapes)
        return Fault(f"{option}: {message}", (option, *meant))
    if one["type"] == "missing":
        return Fault(f"{option}: it must be given. {_meaning(shape, option)}".rstrip(), (option,))
    if one["type"] == "model_type":
        return Fault(f"{option}: expected a table, [{option}], found {one['input']!r:.60}", (option,))
    told = str(one["msg"]).replace("Input should be", "expected")
    return Fault(f"{option}: {told}, found {one['input']!r:.60}", (option,))


def _meaning(shape: type[BaseModel], option: str) -> str:
    field = shape.model_fields.get(option)
    return "" if field is None else " ".join((field.description or "").split())


def _unknown(option: str, shape: type[BaseModel], shapes: Shapes) -> tuple[str, list[str]]:
    """What to say of an option that this kind does not have, and which of its own may have been meant."""
    kind = next(name for name, other in shapes.items() if other is shape)
    having = [name for name, other in shapes.items() if option in {*options_of(other), *_sections(other)}]
    if having:
        return f"it belongs to train {_or(having)}, and this is for train {kind}. Leave it out", []
    own = list(options_of(shape))
    section, _, last = option.rpartition(".")
    if section and last in own:
        return f"it stands under [{section}]. Write `{last}` above the first [section]", [last]
    if meant := _meant(option, [*own, *_sections(shape)]):
        return f"there is no such option. Did you mean {_or(meant)}?", meant
    for name, other in shapes.items():
        if meant := _meant(option, list(options_of(other))):
            return f"there is no such option. {_or(meant)} belongs to train {name}, and this is for train {kind}", []
    return "there is no such option. Leave it out", []


def _sections(shape: type[BaseModel]) -> list[str]:
    fields = shape.model_fields.items()
    return [
        name for name, field in fields if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    ]


def _meant(option: str, known: Sequence[str]) -> list[str]:
    """The options that a name may stand for: as others call it, the same in a section, or written nearly so."""
    last = option.rpartition(".")[2]
    elsewhere = _ELSEWHERE.get(last.lower(), "")
    if elsewhere in known:
        return [elsewhere]
    same = [name for name in known if name.rpartition(".")[2] == last]
    if same:
        return same[:_NEAR]
    if near := difflib.get_close_matches(option, known, n=1, cutoff=_LIKE):
        return near
    parts = {name.rpartition(".")[2]: name for name in reversed(known)}
    return [parts[part] for part in difflib.get_close_matches(last, list(parts), n=1, cutoff=_LIKE)]


def _or(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
