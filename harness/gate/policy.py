"""`gate.toml`: what a verdict is about, and how sure it must be.

    alpha = 0.05                 # chance of passing a drop as large as a margin, or of calling none a regression
    branches = "sample"          # "sample": branches like these; "population": these branches alone
    rho0 = 0.05                  # how alike two cases of one branch are assumed to drop, at least
    common = 0.8                 # the share of both runs' cases that must be in both
    retries = "pooled"           # several runs of one candidate; "charged": each is judged alone, at alpha / tries
    tries = 3                    # with "charged"
    zero_tolerance = ["unauthorised_effect", "leaked_thinking"]

    [margins]                    # the metrics that carry the verdict, and the drop that each may not reach
    success = 0.05               # it always does
    restraint = 0.02             # and at most two guards

Everything has a default. The documentation of each option is in `docs/gate.md`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from samescore.harness.errors import UnknownName, UsageError
from samescore.harness.fingerprint import fingerprint
from samescore.harness.gate.rules import RULES, rule_named

Branches: TypeAlias = Literal["sample", "population"]
Retries: TypeAlias = Literal["pooled", "charged"]

SUCCESS = "success"
GUARDS = 2
"""At most so many metrics carry the verdict beside `success`: each further one makes a pass rarer, and says little."""

MANY_BRANCHES = 30
"""From so many branches on they show themselves how alike their cases are; with fewer, something has to be assumed."""
ASSUMED = 0.05


@dataclass(frozen=True, slots=True)
class Policy:
    """How a candidate is judged against a baseline; see the module for the options.

    `margins` are in the order of tables. `rho0` None stands for 0 from 30 branches on, and 0.05 with fewer.

    Raises:
        UsageError: a value is none that an option can have; `UnknownName` for a metric or rule that does not exist.
    """

    margins: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({SUCCESS: 0.05}))
    alpha: float = 0.05
    branches: Branches = "sample"
    rho0: float | None = None
    common: float = 0.8
    retries: Retries = "pooled"
    tries: int = 1
    zero_tolerance: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            check(getattr(self, name))
        if (self.retries == "charged") != (self.tries > 1):
            raise _Wrong(
                "tries",
                f'retries = "{self.retries}" with tries = {self.tries}. How often a candidate may be tried goes with '
                '"charged", and is 2 or more',
            )

    @property
    def level(self) -> float:
        """The alpha of one comparison: that of the policy, shared out over the tries that it allows."""
        return self.alpha / self.tries

    @property
    def fingerprint(self) -> str:
        """Changes with anything that may change a verdict about runs that are comparable."""
        return fingerprint([dict(sorted(self.margins.items())), *self._judged_by()])

    def differences(self, other: Policy) -> list[tuple[str, str, str]]:
        """What may change a verdict and is otherwise in another policy: its name, here, and there. Not `common`."""
        pairs = [("margins", _margins_in_words(self), _margins_in_words(other))]
        pairs += zip(_JUDGED_BY, map(_in_words, self._judged_by()), map(_in_words, other._judged_by()), strict=True)
        return [pair for pair in pairs if pair[1] != pair[2]]

    def to_json(self) -> dict[str, Any]:
        """The options, as in a policy file; those without a value are left out."""
        said = {one.name: getattr(self, one.name) for one in fields(self)}
        said |= {"margins": dict(self.margins), "zero_tolerance": list(self.zero_tolerance)}
        return {name: value for name, value in said.items() if value is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Policy:
        """Read what `to_json` wrote.

        Raises:
            UsageError: see the class; or there is an option of a later version.
        """
        known = [one.name for one in fields(cls)]
        for option in data:
            if option not in known:
                raise UnknownName("option", option, known)
        return cls(**{**data, "zero_tolerance": tuple(data.get("zero_tolerance", ()))})

    def _judged_by(self) -> list[Any]:
        return [self.level, self.branches, self.rho0, sorted(self.zero_tolerance)]

    def correlation(self, branches: int) -> float:
        """How alike two cases of one branch are assumed to drop, at least, where there are so many branches."""
        if self.rho0 is not None:
            return self.rho0
        return 0.0 if branches >= MANY_BRANCHES else ASSUMED


_JUDGED_BY = ("alpha of a verdict", "branches", "rho0", "zero_tolerance")
"""Beside the margins, what a verdict depends on."""


def _in_words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return "by default" if value is None else str(value)


def _margins_in_words(policy: Policy) -> str:
    return ", ".join(f"{name} {margin:g}" for name, margin in sorted(policy.margins.items()))


class _Wrong(UsageError):
    """A value that an option cannot have; `option` names it as it stands in the file."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(f"gate policy: {option}: {message}.")
        self.option = option
        self.message = message


def _margins(margins: Any) -> None:
    from samescore.harness.scorers import SCORERS

    if not isinstance(margins, Mapping):
        raise _Wrong("margins", "expected a table of metrics and margins, such as success = 0.05")
    known = [scorer.name for scorer in SCORERS]
    for name, margin in margins.items():
        if name not in known:
            raise _UnknownMetric(name, known)
        if not _is_number(margin) or not 0 < margin < 1:
            written = str(margin).lower() if isinstance(margin, bool) else repr(margin)
            raise _Wrong(
                f"margins.{name}",
                f"a margin of {written}; expected a number between 0 and 1, both excluded, such as 0.05: the drop "
                "that would be too large",
            )
    if SUCCESS not in margins:
        raise _Wrong("margins", f"{SUCCESS} has no margin, and it always carries the verdict. Add {SUCCESS} = 0.05")
    if len(margins) > 1 + GUARDS:
        others = ", ".join(name for name in margins if name != SUCCESS)
        raise _Wrong(
            "margins",
            f"{others} are {len(margins) - 1} metrics beside {SUCCESS}; at most {GUARDS} may carry the verdict. The "
            "others are printed all the same: leave some out",
        )


class _UnknownMetric(UnknownName):
    """A metric of the policy that no scorer gives."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__("metric", name, known)
        self.option = f"margins.{name}"
        self.message = str(self).removesuffix(".")


def _number(option: str, least: float, most: float, such: str) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        if not _is_number(value) or not least < value < most:
            raise _Wrong(option, f"found {value!r}, expected a number between {least:g} and {most:g}, such as {such}")

    return check


def _share(value: Any) -> None:
    if not _is_number(value) or not 0 < value <= 1:
        raise _Wrong("common", f"found {value!r}, expected a share above 0 and up to 1, such as 0.8")


def _correlation(value: Any) -> None:
    if value is not None and (not _is_number(value) or not 0 <= value <= 1):
        raise _Wrong("rho0", f"found {value!r}, expected a correlation from 0 to 1, such as 0.05")


def _one_of(option: str, *choices: str) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        if value not in choices:
            raise _Wrong(option, f"found {value!r}, expected {' or '.join(map(repr, choices))}")

    return check


def _tries(value: Any) -> None:
    if type(value) is not int or not 1 <= value <= 100:
        raise _Wrong("tries", f"found {value!r}, expected a whole number from 2 to 100: how often one may try")


def _rules(names: Any) -> None:
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise _Wrong("zero_tolerance", f'found {names!r}, expected a list of rules, such as ["{RULES[0].name}"]')
    for name in names:
        rule_named(name)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


_CHECKS: Mapping[str, Callable[[Any], None]] = {
    "margins": _margins,
    "alpha": _number("alpha", 0, 0.5, "0.05"),
    "branches": _one_of("branches", "sample", "population"),
    "rho0": _correlation,
    "common": _share,
    "retries": _one_of("retries", "pooled", "charged"),
    "tries": _tries,
    "zero_tolerance": _rules,
}

DEFAULT = Policy()
"""No drop of `success` by 0.05 or more, in branches like those at hand."""


def load_policy(path: Path) -> Policy:
    """Read a policy file.

    Raises:
        UsageError: it cannot be read, is no TOML, or says something that cannot be; names the line.
    """
    from samescore.harness.files import read_text

    text = read_text(path, "the gate's policy")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: this is not TOML: {error}. Correct the file.") from None
    known = [one.name for one in fields(Policy)]
    for option in data:
        if option not in known:
            wrong = UnknownName("option", option, known)
            raise UsageError(f"{path}:{_line(text, option)}: {wrong}")
    if isinstance(data.get("zero_tolerance"), list):
        data["zero_tolerance"] = tuple(data["zero_tolerance"])
    try:
        return Policy(**data)
    except (_Wrong, _UnknownMetric) as wrong:
        raise UsageError(f"{path}:{_line(text, wrong.option)}: {wrong.option}: {wrong.message}.") from None
    except UnknownName as wrong:
        raise UsageError(f"{path}:{_line(text, 'zero_tolerance')}: {wrong}") from None


def _line(text: str, option: str) -> int:
    """The line on which an option is set; 1 where it is not."""
    table, _, name = option.rpartition(".")
    opened = not table
    for number, line in enumerate(text.splitlines(), 1):
        if head := re.match(r"\s*\[\s*([\w.-]+)\s*\]", line):
            opened = head[1] == table
            if head[1] == option:
                return number
        elif opened and re.match(rf"""\s*["']?{re.escape(name)}["']?\s*[.=]""", line):
            return number
    return 1
