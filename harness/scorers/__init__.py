"""The scorers, one file each. A file in this folder that defines `SCORER` is found; nothing else needs to change.

Other packages add theirs through the entry-point group `samescore.scorers`.
"""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import entry_points

from samescore.harness.errors import UnknownName, UsageError
from samescore.harness.scorer import Rubric, Scorer

__all__ = ["BASIC", "RUBRIC", "SCORERS", "Rubric", "Scorer", "scorer_named"]

_ORDER = ("tool_name", "arguments", "schema", "execution", "path", "restraint", "outcome", "format", "style")
"""The order of tables; others follow by name."""


def _found() -> dict[str, Scorer]:
    scorers: dict[str, Scorer] = {}
    for module in pkgutil.iter_modules(__path__):
        one = getattr(importlib.import_module(f"{__name__}.{module.name}"), "SCORER", None)
        if isinstance(one, Scorer):
            scorers[one.name] = one
    for entry in entry_points(group="samescore.scorers"):
        one = entry.load()
        if not isinstance(one, Scorer):
            raise UsageError(f"entry point {entry.name} in samescore.scorers is no Scorer: {entry.value}")
        if one.name in scorers:
            raise UsageError(f"entry point {entry.name}: a scorer {one.name!r} exists already. Rename it.")
        scorers[one.name] = one
    return scorers


_all = _found()
_names = [*_ORDER, *sorted(set(_all) - set(_ORDER) - {"success"})]

BASIC: tuple[Scorer, ...] = tuple(_all[name] for name in _names)
"""Every scorer but `success`, which is made of them."""

SCORERS: tuple[Scorer, ...] = (*BASIC, _all["success"])
"""Every scorer, `success` last."""

RUBRIC = Rubric(BASIC)
"""The rubric of evaluation: all scorers, and `success` of them."""


def scorer_named(name: str) -> Scorer:
    """The scorer of that name.

    Raises:
        UnknownName: there is none.
    """
    if name not in _all:
        raise UnknownName("scorer", name, list(_all))
    return _all[name]
