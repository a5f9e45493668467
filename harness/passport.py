"""The passport of an adapter: the file beside its weights that says what it was made from."""

from __future__ import annotations

import json
from pathlib import Path

from samescore.harness.errors import AdapterError

PASSPORT = "samescore.json"
FORMAT = 1


def check(adapter: Path, base: Path, weights: str) -> None:
    """Compare the digest of the base that the adapter was trained on, where it is known.

    Raises:
        AdapterError: it is another base, or the passport cannot be read.
    """
    path = adapter / PASSPORT
    if not path.is_file():
        return
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        edition, made_for = told.get("format", 1), told["base"]
        name, digest = made_for.get("name", "another base"), made_for["weights"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AdapterError(f"{path} is damaged: expected base.weights, a digest ({error}) Train again.") from None
    if edition != FORMAT:
        raise AdapterError(
            f"{path}: passport format {edition}; this samescore reads {FORMAT}. Use the samescore that wrote it."
        )
    if digest != weights:
        raise AdapterError(
            f"adapter {adapter} was trained on {name} with weights {str(digest)[:12]}, but {base} has weights "
            f"{weights[:12]}. Use the base it was trained on, or train it again on this one."
        )
