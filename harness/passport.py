"""The passport of an adapter: the file beside its weights that says what it was made from, and how.

Format 1 knew base, template, toolsets, data and configuration of supervised fine-tuning; it stays readable. What a
passport does not say is None or empty here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from samescore.harness.errors import AdapterError
from samescore.harness.files import write_text
from samescore.harness.fingerprint import fingerprint
from samescore.harness.plan import Procedure
from samescore.harness.strictjson import JsonDefect, read as read_json
from samescore.harness.types import NO_DATA

PASSPORT = "samescore.json"
FORMAT = 2
"""Version of the passport that this code writes. It reads this one and the one before it."""

Kind = Literal["sft", "dpo", "grpo"]


@dataclass(frozen=True, slots=True)
class Base:
    """The model under the adapter: its name where it was trained, and the digest of its weights."""

    name: str
    weights: str


@dataclass(frozen=True, slots=True)
class TrainedSuite:
    """A suite that was learned from, and the targets that it stated then. `fingerprint` covers its training split."""

    name: str
    version: int | None
    fingerprint: str | None
    targets: Mapping[str, float] | None
    targets_fingerprint: str


@dataclass(frozen=True, slots=True)
class DevResult:
    """One metric on `dev` after so many steps, with its 95% interval and the number of cases."""

    metric: str
    value: float
    low: float
    high: float
    n: int
    step: int


@dataclass(frozen=True, slots=True)
class Parent:
    """The adapter that training went on from: the digest of its weights, and what its passport said in short."""

    adapter: str
    passport: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Exported:
    """What an exported folder holds: in which shape and number format, from which adapter. `weights` are its own."""

    shape: str
    dtype: str | None
    adapter: str
    weights: str


@dataclass(frozen=True, slots=True)
class Passport:
    """What an adapter was made from.

    `renderer` is the fingerprint of chat template and tokenizer; `dialect` and `scorers` give versions. `procedure`:
    where the model had it from. `data` has `fingerprint` and `split` of what was learned, and counts. `rewards` are the
    weights of the scorers (GRPO). `impurities` are parts of the training signal that are no scorer of evaluation.
    `training` are figures of how it went, `dev` what was measured while it did.
    """

    kind: Kind
    base: Base
    renderer: str | None = None
    dialect: tuple[str, int] | None = None
    toolsets: Mapping[str, str] = field(default_factory=lambda: NO_DATA)
    scorers: Mapping[str, int] = field(default_factory=lambda: NO_DATA)
    procedure: Procedure | None = None
    suites: tuple[TrainedSuite, ...] = ()
    data: Mapping[str, Any] = field(default_factory=lambda: NO_DATA)
    rewards: Mapping[str, float] = field(default_factory=lambda: NO_DATA)
    impurities: tuple[str, ...] = ()
    parent: Parent | None = None
    config: Mapping[str, Any] = field(default_factory=lambda: NO_DATA)
    training: Mapping[str, Any] = field(default_factory=lambda: NO_DATA)
    seeds: Mapping[str, int] = field(default_factory=lambda: NO_DATA)
    versions: Mapping[str, str] = field(default_factory=lambda: NO_DATA)
    dev: tuple[DevResult, ...] = ()
    exported: Exported | None = None

    @property
    def fingerprint(self) -> str:
        """Changes with anything that it says."""
        return fingerprint(self.to_json())

    @property
    def summary(self) -> dict[str, Any]:
        """What the passport of an adapter trained further says of this one, and of those before it."""
        return {
            "kind": self.kind,
            "suites": [suite.name for suite in self.suites],
            "targets": {suite.name: suite.targets_fingerprint for suite in self.suites},
            "data": self.data.get("fingerprint"),
            "rewards": dict(self.rewards),
            "impurities": list(self.impurities),
            "seeds": dict(self.seeds),
            "samescore": self.versions.get("samescore"),
            "parent": None if self.parent is None else _parent_json(self.parent),
        }

    @property
    def inherited_impurities(self) -> tuple[str, ...]:
        """The impurities of this training and of all before it."""
        found, before = list(self.impurities), None if self.parent is None else self.parent.passport
        while before is not None:
            found += before.get("impurities", ())
            before = (before.get("parent") or {}).get("passport")
        return tuple(dict.fromkeys(found))

    def to_json(self) -> dict[str, Any]:
        """As written beside the weights, in the format of now."""
        return {
            "format": FORMAT,
            "kind": self.kind,
            "base": asdict(self.base),
            "renderer": self.renderer,
            "dialect": None if self.dialect is None else {"name": self.dialect[0], "version": self.dialect[1]},
            "toolsets": dict(self.toolsets),
            "scorers": dict(self.scorers),
            "procedure": self.procedure,
            "suites": [_suite_json(suite) for suite in self.suites],
            "data": _finite(self.data),
            "rewards": dict(self.rewards),
            "impurities": list(self.impurities),
            "parent": None if self.parent is None else _parent_json(self.parent),
            "config": _finite(self.config),
            "training": _finite(self.training),
            "seeds": dict(self.seeds),
            "versions": dict(self.versions),
            "dev": [asdict(result) for result in self.dev],
            **({} if self.exported is None else {"exported": exported_json(self.exported)}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Passport:
        """Read what `to_json` wrote, or format 1; it is checked against its schema before."""
        if data.get("format", 1) == 1:
            return _former(data)
        dialect = data["dialect"]
        return cls(
            kind=data["kind"],
            base=Base(**data["base"]),
            renderer=data["renderer"],
            dialect=None if dialect is None else (dialect["name"], dialect["version"]),
            toolsets=data["toolsets"],
            scorers=data["scorers"],
            procedure=data["procedure"],
            suites=tuple(map(_suite, data["suites"])),
            data=data["data"],
            rewards=data["rewards"],
            impurities=tuple(data["impurities"]),
            parent=None if data["parent"] is None else Parent(**data["parent"]),
            config=data["config"],
            training=data["training"],
            seeds=data["seeds"],
            versions=data["versions"],
            dev=tuple(DevResult(**result) for result in data["dev"]),
            exported=_exported(data),
        )


def read(folder: Path) -> Passport | None:
    """The passport in an adapter's folder, or None where there is none.

    Raises:
        AdapterError: it is damaged, or of a later format.
    """
    data = read_raw(folder)
    return None if data is None else Passport.from_json(data)


def read_raw(folder: Path) -> dict[str, Any] | None:
    """The passport's JSON as it stands, checked; None where there is none.

    Raises:
        AdapterError: see `read`.
    """
    path = folder / PASSPORT
    try:
        data = read_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AdapterError(f"{path}: the passport cannot be read: {error.strerror}. Correct the permissions.") from None
    except (JsonDefect, UnicodeDecodeError) as defect:
        raise _damaged(path, f"this is not JSON: {defect}") from None
    if not isinstance(data, dict):
        raise _damaged(path, f"expected an object, found {type(data).__name__}")
    edition = data.get("format", 1)
    if type(edition) is int and edition > FORMAT:
        versions = data.get("versions")
        writer = versions.get("samescore") if isinstance(versions, dict) else None
        raise AdapterError(
            f"{path}: passport format {edition}; this samescore reads up to {FORMAT}. Use the samescore that wrote it "
            f"({writer or 'its version is not stated'}) or a later one."
        )
    _check_schema(path, data)
    return data


def write(folder: Path, passport: Passport) -> None:
    """Write the passport into an adapter's folder, whole or not at all.

    Raises:
        EvidenceUnwritable: the disk is full, or the folder cannot be written.
    """
    write_text(folder / PASSPORT, as_text(passport.to_json()))


def as_text(data: Mapping[str, Any]) -> str:
    """A passport's JSON as people read it."""
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def check(adapter: Path, base: Path, weights: str) -> None:
    """Compare the digest of the base that the adapter was trained on, where it is known.

    Raises:
        AdapterError: it is another base, or the passport cannot be read.
    """
    passport = read(adapter)
    if passport is not None and passport.base.weights != weights:
        raise AdapterError(
            f"adapter {adapter} was trained on {passport.base.name} with weights {passport.base.weights[:12]}, but "
            f"{base} has weights {weights[:12]}. Use the base it was trained on, or train it again on this one."
        )


def exported_json(exported: Exported) -> dict[str, Any]:
    """What an exported folder's passport says under `exported`."""
    return {"as": exported.shape, "dtype": exported.dtype, "adapter": exported.adapter, "weights": exported.weights}


def _check_schema(path: Path, data: Mapping[str, Any]) -> None:
    import jsonschema_rs

    schema = json.loads((Path(__file__).parent / "schemas" / "passport.schema.json").read_bytes())
    error = next(jsonschema_rs.validator_for(schema).iter_errors(data), None)
    if error is not None:
        raise _damaged(path, f"at {'/'.join(map(str, error.instance_path)) or 'the top'}: {error.message}")


def _damaged(path: Path, what: str) -> AdapterError:
    return AdapterError(f"{path}: the passport is damaged: {what}. Restore the file from a copy, or train again.")


def _former(data: Mapping[str, Any]) -> Passport:
    """A passport of format 1: only supervised fine-tuning was known, with the procedure in the weights."""
    learned = data.get("data", {})
    suites: tuple[TrainedSuite, ...] = ()
    if "suite" in learned and "targets" in learned:
        suites = (TrainedSuite(learned["suite"], None, None, None, learned["targets"]),)
    seed = data.get("config", {}).get("seed")
    return Passport(
        kind="sft",
        base=Base(data["base"].get("name", "another base"), data["base"]["weights"]),
        renderer=data.get("template"),
        toolsets=data.get("toolsets", NO_DATA),
        procedure="weights",
        suites=suites,
        data={name: value for name, value in learned.items() if name not in ("suite", "targets")},
        config=data.get("config", NO_DATA),
        training=data.get("training", NO_DATA),
        seeds=NO_DATA if seed is None else {"training": seed},
        versions=data.get("versions", NO_DATA),
        exported=_exported(data),
    )


def _suite(data: Mapping[str, Any]) -> TrainedSuite:
    targets = data["targets"]
    return TrainedSuite(data["name"], data["version"], data["fingerprint"], targets["values"], targets["fingerprint"])


def _suite_json(suite: TrainedSuite) -> dict[str, Any]:
    values = None if suite.targets is None else dict(suite.targets)
    return {
        "name": suite.name,
        "version": suite.version,
        "fingerprint": suite.fingerprint,
        "targets": {"values": values, "fingerprint": suite.targets_fingerprint},
    }


def _parent_json(parent: Parent) -> dict[str, Any]:
    return {"adapter": parent.adapter, "passport": None if parent.passport is None else dict(parent.passport)}


def _exported(data: Mapping[str, Any]) -> Exported | None:
    told = data.get("exported")
    return None if told is None else Exported(told["as"], told["dtype"], told["adapter"], told["weights"])


def _finite(value: Any) -> Any:
    """The same as JSON can carry it: a loss that is not a number is told by its name."""
    if isinstance(value, Mapping):
        return {str(name): _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return cast("Any", value)
