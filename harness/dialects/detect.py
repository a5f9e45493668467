"""Which dialect does a chat template write? The one that reads its probe calls back, found by round trip."""

from __future__ import annotations

from collections.abc import Sequence

from samescore.harness.dialects import DIALECTS, Dialect
from samescore.harness.errors import DialectError
from samescore.harness.renderer import Renderer
from samescore.harness.strictjson import same
from samescore.harness.tools import Tool, Toolset
from samescore.harness.types import Call, Message

_PROBES = Toolset(
    "probe",
    1,
    (
        Tool("list_items", "List items.", {"type": "object", "properties": {}}),
        Tool(
            "set_item",
            "Set an item.",
            {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "count": {"type": "integer"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "on": {"type": "boolean"},
                },
            },
        ),
    ),
)
_ONE = Call("set_item", {"name": 'Trà "sen"', "count": 5, "tags": ["a", "b"], "on": True})
_NONE = Call("list_items", {})


def detect(renderer: Renderer, dialects: Sequence[Dialect] = DIALECTS) -> Dialect:
    """The dialect whose parser reads the template's own calls back: a call without arguments, one call, two calls.

    Raises:
        DialectError: none does, or several do.
    """
    fitting = [dialect for dialect in dialects if all(map(_Probe(renderer, dialect).holds, ((_NONE,), (_ONE,))))]
    if len(fitting) > 1:
        fitting = [dialect for dialect in fitting if _Probe(renderer, dialect).holds((_ONE, _NONE))] or fitting
    where = renderer.tokenizer.name_or_path
    if not fitting:
        tried = ", ".join(dialect.name for dialect in dialects)
        raise DialectError(
            f"no dialect reads back the calls that the chat template of {where} writes (tried: {tried}). "
            "The template may ignore tool calls; give the model a template that renders them, or write a dialect."
        )
    if len(fitting) > 1:
        names = ", ".join(dialect.name for dialect in fitting)
        raise DialectError(
            f"several dialects read back the calls of the chat template of {where}: {names}. Name one with --dialect."
        )
    return fitting[0]


class _Probe:
    def __init__(self, renderer: Renderer, dialect: Dialect) -> None:
        self.renderer = renderer
        self.dialect = dialect

    def holds(self, calls: tuple[Call, ...]) -> bool:
        """Whether these calls survive the template and the parser."""
        before = [Message("user", "go")]
        try:
            ids = self.renderer.write(before, _PROBES, Message("assistant", "", calls=calls))
        except DialectError:
            return False
        turn = self.dialect.parse(self.renderer.completion(ids, ()), _PROBES)
        return (
            not turn.defects
            and len(turn.calls) == len(calls)
            and all(a.name == b.name and same(a.arguments, b.arguments) for a, b in zip(turn.calls, calls, strict=True))
        )
