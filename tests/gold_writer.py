"""A writer for looks at `dev` that plays gold in the cases it is told to, and says nothing in the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

from samescore.harness.blocking import blocking
from samescore.harness.case import Case
from samescore.harness.environment import World
from samescore.harness.errors import PolicyError
from samescore.harness.policies.script import oracle
from samescore.harness.renderer import Renderer, examples
from samescore.harness.rollout import rollout


class GoldWriter:
    """Knows the prompts of every gold conversation. `right` are the cases that it plays, `began` counts its looks.

    `crashes`: every turn does.
    """

    context = None

    def __init__(self, cases: Sequence[Case], worlds: Mapping[str, World], renderer: Renderer) -> None:
        self.right: Collection[str] = ()
        self.crashes = False
        self.began = 0
        self.silence = (renderer.end_id,)
        self.known: dict[tuple[int, ...], tuple[str, tuple[int, ...]]] = {}
        for case in cases:
            gold = blocking(rollout(case, oracle(), worlds[case.world]))
            (example,) = examples(renderer, case.messages, case.toolset, gold.steps)
            at = 0
            for mine, span in groupby(example.mask):
                end = at + len(list(span))
                if mine:
                    self.known[example.ids[:at]] = case.id, example.ids[at:end]
                at = end

    def begin(self) -> None:
        self.began += 1

    def session(self, prefix: Sequence[int] = ()) -> _Session:
        return _Session(self)

    def end(self) -> None:
        pass

    def close(self) -> None:
        pass


class _Session:
    logprobs = None

    def __init__(self, writer: GoldWriter) -> None:
        self._writer = writer

    async def generate(
        self, prompt: Sequence[int], limit: int, temperature: float = 0.0, seed: int = 0
    ) -> tuple[int, ...]:
        assert temperature == 0.0, "dev is looked at greedily"
        if self._writer.crashes:
            raise PolicyError("the model crashed")
        case, turn = self._writer.known[tuple(prompt)]
        return turn if case in self._writer.right else self._writer.silence

    def close(self) -> None:
        pass
