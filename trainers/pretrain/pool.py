"""The fields of one toolset: drawn at random, each under a name of its own."""

from __future__ import annotations

import random
from dataclasses import replace

from samescore.trainers.pretrain.fields import Field, attribute_field, id_field, list_field, pseudo_word, secret_field
from samescore.trainers.pretrain.words import Noun

_REFERENCES = (
    "reference", "subject", "about", "link", "case_ref", "tags", "keywords", "cc", "involved", "notify_list", "marks",
    "context", "basis", "origin_ref", "holder_ref", "concerns", "flags", "scope_list", "attachments", "targets",
)  # fmt: skip


class FieldPool:
    """Hands out fields whose names are new to the toolset; a structured one lists and secrets too.

    `keys` are the keys of objects in use; None where everything is flat.
    """

    def __init__(self, rng: random.Random, structured: bool = False) -> None:
        self._rng = rng
        self.keys: set[str] | None = set() if structured else None
        self._taken: set[str] = {"reason", "case_id", "case_code", "case_number"}

    def take(self, kind: str = "") -> Field:
        """A field of the kind, or of any."""
        field = self._draw(kind)
        while field.name in self._taken:
            field = self._draw(kind)
            if field.name in self._taken:
                prefix = pseudo_word(self._rng)
                field = replace(
                    field, name=f"{prefix}_{field.name}", en=f"{prefix} {field.en}", vi=f"{field.vi} {prefix}"
                )
        self._taken.add(field.name)
        return field

    def _draw(self, kind: str) -> Field:
        if self.keys is not None and not kind:
            roll = self._rng.random()
            if roll < 0.3:
                return list_field(self._rng) if roll < 0.25 else secret_field(self._rng)
        if kind == "list":
            return list_field(self._rng)
        return secret_field(self._rng) if kind == "secret" else attribute_field(self._rng, kind)

    def reference(self) -> Field:
        """A field that can hold whatever belongs to something: for new names of identifiers and lists."""
        name = self._rng.choice(_REFERENCES)
        while name in self._taken:
            name = f"{pseudo_word(self._rng)}_{name}"
        self._taken.add(name)
        return Field(name, "id", name.replace("_", " "), name.replace("_", " "))

    def identify(self, noun: Noun) -> Field:
        """The identifier of a thing."""
        field = id_field(self._rng, noun.name, noun.en, noun.vi)
        while field.name in self._taken:
            prefix = pseudo_word(self._rng)
            field = id_field(self._rng, f"{prefix}_{noun.name}", f"{prefix} {noun.en}", f"{noun.vi} {prefix}")
        self._taken.add(field.name)
        return field
