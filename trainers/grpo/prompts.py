"""What GRPO asks: whole cases, or each of their turns as a decision of its own, under keys that TRL can carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Literal

from samescore.harness.case import Case
from samescore.harness.fingerprint import fingerprint


class Prompts(Mapping[str, Case]):
    """Cases by key. A decision's key is the id of `case.at(k)`; it is made when it is asked for.

    TRL hands a rollout nothing but the prompts, so what stands in its data set's `prompt` column are these keys.
    """

    def __init__(self, cases: Sequence[Case], shape: Literal["decision", "episode"]) -> None:
        self._found: dict[str, tuple[Case, int | None]] = {}
        for case in cases:
            if shape == "episode":
                self._found[case.id] = (case, None)
            else:
                self._found.update({f"{case.id}@{k}": (case, k) for k in range(len(case.gold))})
        self._made: dict[str, Case] = {}

    def __getitem__(self, key: str) -> Case:
        case, k = self._found[key]
        if k is None:
            return case
        if key not in self._made:
            self._made[key] = case.at(k)
        return self._made[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    @cached_property
    def fingerprint(self) -> str:
        """Changes with anything about the prompts, and what is right for them."""
        cases = {id(case): case for case, _ in self._found.values()}
        return fingerprint([list(self._found), [case.fingerprint() for case in cases.values()]])

    def branch(self, key: str) -> str:
        """The branch of the procedure that a prompt belongs to: the unit of the curriculum."""
        case, _ = self._found[key]
        return f"{case.suite}/{case.cluster}"
