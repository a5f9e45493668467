"""`Run`: a directory with `run.json` (what was planned, by what, and how it stands) and `evidence.jsonl`.

`run.json` is replaced whole, never edited. The evidence is only ever appended to. `scores.json` is derived: the values
of the last scoring, for frames; it may be deleted and made again from the evidence.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samescore.harness import facts
from samescore.harness.dialects import Dialect
from samescore.harness.environment import World
from samescore.harness.errors import EvidenceDamaged, EvidenceUnwritable, ForeignEvidence, UsageError
from samescore.harness.evidence import EvidenceWriter, read_evidence
from samescore.harness.files import place_of, remedy_of_reading, write_text
from samescore.harness.manifest import FORMAT, Manifest, Status, manifest_of, now, world_prints
from samescore.harness.plan import CaseSuite, Item, Plan
from samescore.harness.policy import Policy
from samescore.harness.records import Record
from samescore.harness.served import recorded_dialect
from samescore.harness.strictjson import JsonDefect, read, write
from samescore.harness.tools import Toolset

if TYPE_CHECKING:
    import pandas as pd

MANIFEST, EVIDENCE, SCORES, TOOLSETS = "run.json", "evidence.jsonl", "scores.json", "toolsets.json"

_INTACT = "What was recorded before is intact."

_DERIVED = frozenset({"capability"})
"""What a model's description says that follows from the rest of it; runs of before do not have it."""


class Run:
    """One run on disk. `manifest` is what `run.json` says now."""

    def __init__(self, directory: Path, manifest: Manifest) -> None:
        self.directory = directory
        self.manifest = manifest

    @classmethod
    def create(
        cls,
        directory: Path,
        plan: Plan,
        policy: Policy,
        worlds: Mapping[str, World],
        *,
        suites: Sequence[CaseSuite] = (),
        adapter: str | None = None,
        redact: bool = False,
        as_served: str | None = None,
        sequential: Mapping[str, Any] | None = None,
    ) -> Run:
        """Begin a run: the plan is on disk before the first token. `suites` gives the targets that it starts from.

        `redact` masks personal data in all that is recorded, for as long as the run is carried on. `as_served` names a
        server that is asked about too, see `samescore.harness.as_served`. `sequential` is how the run is judged while
        it goes on, see `samescore.harness.gate.sequential`.

        Raises:
            UsageError: there is a run in this directory already, or another process is beginning one.
            EvidenceUnwritable: the directory cannot be written.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EvidenceUnwritable(
                f"{directory}: the run's directory cannot be made: {error.strerror}. Choose another one."
            ) from None
        manifest = manifest_of(plan, policy, worlds, suites, adapter, redact, directory)
        run = cls(directory, manifest.with_fields(as_served=as_served, sequential=sequential))
        with run.writer():
            if (directory / MANIFEST).exists():
                raise UsageError(f"{directory}: there is a run here already. Carry it on: {run.resume_command}")
            write_whole(directory / TOOLSETS, _toolsets(worlds))
            write_whole(directory / MANIFEST, run.manifest.to_json())
        return run

    @classmethod
    def open(cls, directory: Path) -> Run:
        """A run that is on disk already.

        Raises:
            UsageError: no such directory, or no run in it.
            ForeignEvidence: `run.json` is not ours, or of a later format.
            EvidenceDamaged: `run.json` is not what was written.
        """
        return cls(directory, _read_manifest(directory / MANIFEST))

    @property
    def plan(self) -> Plan:
        """What was planned."""
        return self.manifest.plan

    @property
    def due(self) -> Plan:
        """The part of the plan that is to be had: all of it, or the cases of the looks up to the one that ended it.

        Raises:
            EvidenceDamaged: the looks are not those of this plan.
        """
        from samescore.harness.stats.sequential import Looks

        sequential, completed, plan = self.manifest.sequential, self.manifest.completed, self.plan
        if sequential is None or completed is None or self.ended_early is None:
            return plan
        try:
            looks = Looks.from_json(sequential["looks"], (case.id for case in plan.cases))
            seen = frozenset(looks.seen(completed["look"]))
        except (ValueError, IndexError) as error:
            raise EvidenceDamaged(f"{self.directory / MANIFEST}: {error}. Restore the file from a copy.") from None
        return plan.part(seen)

    @property
    def ended_early(self) -> str | None:
        """The look that ended it before its last case, such as `look 2 of 4, after 271 of 542 cases`; else None."""
        look = self.manifest.completed
        if look is None or look["cases"] == look["planned"]:
            return None
        return f"look {look['look']} of {look['of']}, after {look['cases']} of {look['planned']} cases"

    @property
    def dialect(self) -> Dialect:
        """The dialect the model wrote in, as this version of samescore reads it."""
        return recorded_dialect(self.manifest.dialect)

    @property
    def resume_command(self) -> str:
        """The command that carries this run on."""
        return f"samescore eval --resume {shlex.quote(str(self.directory))}"

    def writer(self) -> EvidenceWriter:
        """Open the evidence for appending, alone. See `EvidenceWriter` for what it raises."""
        return EvidenceWriter(self.directory / EVIDENCE, self.resume_command)

    def records(self) -> tuple[Record, ...]:
        """The latest record of every rollout that is due and has one, in the order of the plan.

        Raises:
            EvidenceDamaged, ForeignEvidence: see `read_evidence`; or a record is not of this plan.
        """
        return self.latest(read_evidence(self.directory / EVIDENCE))

    def latest(self, records: Iterable[Record]) -> tuple[Record, ...]:
        """Of all records ever written the latest of each rollout that is due, in the order of the plan.

        Raises:
            EvidenceDamaged: a record is not of this plan.
        """
        prints = {case.id: case.fingerprint for case in self.plan.cases}
        items = {(item.case, item.epoch): item for item in self.plan.items()}
        found: dict[tuple[str, int], Record] = {}
        for record in records:
            key = record.case, record.epoch
            item = items.get(key)
            if item is None or item.seed != record.seed or prints[record.case] != record.case_fingerprint:
                raise EvidenceDamaged(
                    f"{self.directory / EVIDENCE}: case {record.case}, epoch {record.epoch} is not as {MANIFEST} plans "
                    "it: the two files are of different runs. Restore both from one copy."
                )
            found[key] = record
        due = ((item.case, item.epoch) for item in self.due.items())
        return tuple(found[key] for key in due if key in found)

    def pending(self, records: Iterable[Record] | None = None) -> tuple[Item, ...]:
        """What is due and not done: rollouts without a record, and those whose latest record is an error."""
        known = self.records() if records is None else records
        done = {(record.case, record.epoch) for record in known if record.error is None}
        return tuple(item for item in self.due.items() if (item.case, item.epoch) not in done)

    def require(self, plan: Plan, policy: Policy, worlds: Mapping[str, World]) -> None:
        """Make sure that this run is of that plan, policy and worlds, and was begun by readers of the same version.

        Raises:
            UsageError: it is not; names what differs.
        """
        recorded = self.manifest
        dialect = policy.dialect
        found = plan.differences(self.plan)
        pairs: list[tuple[str, Any, Any]] = [
            ("model", policy.name, recorded.model),
            ("dialect", [dialect.name, dialect.version], [recorded.dialect, recorded.dialect_version]),
            ("fact judge", str(facts.VERSION), recorded.versions.get("fact judge", str(facts.VERSION))),
        ]
        for name, print_ in world_prints(worlds).items():
            pairs.append((f"world {name}", print_, recorded.worlds.get(name, print_)))
        described = json.loads(json.dumps(dict(policy.describe())))
        for key in sorted((described.keys() | recorded.description.keys()) - _DERIVED):
            pairs.append((f"model's {key}", described.get(key), recorded.description.get(key)))
        found += [f"{name}: {ours!r:.80} here, {theirs!r:.80} there" for name, ours, theirs in pairs if ours != theirs]
        if found:
            raise UsageError(
                f"{self.directory}: this run was begun with something else than what is asked now, so it cannot be "
                f"carried on. Here is what is asked, there is what it recorded: {'; '.join(found)}. Ask for the same, "
                "or choose a new directory."
            )

    def update(self, **fields: Any) -> None:
        """Replace fields of the manifest as it is on disk now, such as `results`, and `run.json` with it.

        Raises:
            EvidenceUnwritable: the disk is full; the former file is intact.
            UsageError, ForeignEvidence, EvidenceDamaged: see `Run.open`.
        """
        # Whoever scores a run may have read it before the one who carries it on said that it is complete.
        manifest = _read_manifest(self.directory / MANIFEST).with_fields(**fields)
        write_whole(self.directory / MANIFEST, manifest.to_json())
        self.manifest = manifest

    def finish(self, status: Status, stopped: str | None = None) -> None:
        """Record how the run ended, and why if it is not complete."""
        self.update(status=status, stopped=stopped, finished=now())

    def keep_scores(self, scorers: Mapping[str, int], rows: Sequence[Mapping[str, Any]], **more: Any) -> None:
        """Replace `scores.json`: the scorers' versions and, per rollout, `case`, `epoch`, `scores` and `error`.

        `more` is what tells whether these are the evidence's own values, see `samescore.harness.kept`; without it
        nobody takes them for that.
        """
        from samescore.harness.kept import sealed

        data = {"format": FORMAT, "scorers": dict(scorers), "rows": list(rows), **more}
        write_text(self.directory / SCORES, sealed(_fields(data)), kept=_INTACT)

    def kept_scores(self) -> dict[str, Any]:
        """What `keep_scores` wrote.

        Raises:
            UsageError: the run was never scored.
        """
        try:
            kept: dict[str, Any] = json.loads((self.directory / SCORES).read_bytes())
        except (OSError, ValueError):
            raise UsageError(f"{self.directory}: the run has no scores. Score it: {self.score_command}") from None
        return kept

    @property
    def score_command(self) -> str:
        """The command that scores this run from its evidence."""
        return f"samescore score {shlex.quote(str(self.directory))}"

    def frame(self) -> pd.DataFrame:
        """A row per planned rollout, a column per scorer; see `samescore.harness.frame`."""
        from samescore.harness.frame import frame_of

        return frame_of(self)


def new_directory(suites: Sequence[str], model: str, root: Path = Path("runs")) -> Path:
    """A directory that did not exist, made now: `runs/YYYYMMDD-HHMMSS-suite-model`, with a number if need be.

    Raises:
        EvidenceUnwritable: it cannot be made.
    """
    words = (datetime.now().strftime("%Y%m%d-%H%M%S"), "+".join(suites), model)
    name = "-".join(re.sub(r"[^A-Za-z0-9._+]+", "-", word).strip("-.")[-60:] for word in words)
    number = 1
    while True:
        directory = root / (name if number == 1 else f"{name}-{number}")
        try:
            directory.mkdir(parents=True)
            return directory
        except FileExistsError:
            if directory.parent.is_file():
                raise EvidenceUnwritable(f"{root} is a file; runs need a directory. Name another one.") from None
            number += 1
        except OSError as error:
            raise EvidenceUnwritable(
                f"{directory}: the run's directory cannot be made: {error.strerror}. Name another one."
            ) from None


def write_whole(path: Path, data: Mapping[str, Any]) -> None:
    """Replace a JSON file at once, a line per field: a reader, or a crash, sees the former one or the new one.

    Raises:
        EvidenceUnwritable: the disk is full; the former file is intact.
    """
    write_text(path, _fields(data) + "\n}\n", kept=_INTACT)


def _toolsets(worlds: Mapping[str, World]) -> dict[str, Any]:
    """The tools themselves, whose fingerprints the manifest has: see `samescore.harness.tool_diff`."""
    from samescore.harness.tool_sources.openai_json import tools_json

    def said(toolset: Toolset) -> dict[str, Any]:
        return {"name": toolset.name, "version": toolset.version, "tools": tools_json(toolset.tools)}

    return {"format": FORMAT, "worlds": {name: said(world.toolset) for name, world in sorted(worlds.items())}}


def _fields(data: Mapping[str, Any]) -> str:
    return "{" + ",".join(f"\n {write(name)}: {write(value)}" for name, value in data.items())


def _read_manifest(path: Path) -> Manifest:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"{path.parent}: no run here (no {MANIFEST}). Name the directory of a run.") from None
    except NotADirectoryError:
        raise UsageError(f"{path.parent}: this is a file, and no run. Name the directory of a run.") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}. {remedy_of_reading(error)}") from None
    except UnicodeDecodeError as defect:
        raise EvidenceDamaged(f"{path}: not JSON any more: {defect}. Restore the file from a copy.") from None
    try:
        data = read(text)
    except JsonDefect as defect:
        where, what = place_of(text, defect)
        raise EvidenceDamaged(f"{path}:{where}: not JSON any more: {what}. Restore the file from a copy.") from None
    if not isinstance(data, dict) or type(data.get("format")) is not int:
        raise ForeignEvidence(f"{path}: not of a samescore run: it states no format. Name the directory of a run.")
    if data["format"] > FORMAT:
        versions = data.get("versions")
        writer = versions.get("samescore") if isinstance(versions, dict) else None
        raise ForeignEvidence(
            f"{path}: run format {data['format']}; this samescore reads up to {FORMAT}. Use the samescore that wrote "
            f"it ({writer or 'its version is not stated'}) or a later one."
        )
    _check_manifest(path, data)
    manifest = Manifest.from_json(data)
    if manifest.plan.fingerprint != data["plan_fingerprint"]:
        raise EvidenceDamaged(f"{path}: the plan was changed after it was recorded. Restore the file from a copy.")
    return manifest


def _check_manifest(path: Path, data: Mapping[str, Any]) -> None:
    import jsonschema_rs

    schema = json.loads((Path(__file__).parent / "schemas" / "run.schema.json").read_bytes())
    error = next(jsonschema_rs.validator_for(schema).iter_errors(data), None)
    if error is not None:
        where = "/".join(map(str, error.instance_path)) or "the top"
        raise EvidenceDamaged(f"{path}: at {where}: {error.message}. Restore the file from a copy.")
