"""An `.eval` log of ours as a run directory: of `samescore inspect export`, or of the task `samescore/sop`.

The directory holds the evidence lines that the log's samples keep, and is read as any run is before it gets its name: a
log that was cut, was changed or is another's makes none.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from inspect_ai.log import EvalLog, EvalSample, read_eval_log

from samescore.harness.errors import EvidenceDamaged, EvidenceUnwritable, ForeignEvidence, SamescoreError, UsageError
from samescore.harness.files import new_folder
from samescore.harness.inspect_ext.evidence import LINE, ORIGIN, RUN, TASK, Origin, line_of
from samescore.harness.manifest import Status
from samescore.harness.plan import Item, Plan
from samescore.harness.records import ErrorKind, Failure, error_record
from samescore.harness.run import EVIDENCE, MANIFEST, Run, write_whole

_FOR_PEOPLE = {"messages", "events", "events_data", "attachments", "timelines"}
"""What is in a sample and not needed here."""

_HEADERS = {"header.json", "_journal/start.json"}
"""One of them is in every `.eval` log."""

_RESTORE = "Restore the file from a copy."


def import_log(path: Path, directory: Path) -> Run:
    """Make a run directory of an `.eval` log, whole or not at all.

    Raises:
        UsageError: there is no such log, no sample of it was run, or something is in the directory.
        ForeignEvidence: the log is another's, or of a later format.
        EvidenceDamaged: the log was cut off, or changed after it was written.
        EvidenceUnwritable: the directory cannot be made.
    """
    _check_free(directory)
    log = read_log(path)
    try:
        manifest, lines = _content(path, log)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EvidenceDamaged(f"{path}: what it keeps of its run was changed: {error!r}. {_RESTORE}") from None
    try:
        with new_folder(directory) as stage:
            write_whole(stage / MANIFEST, manifest)
            (stage / EVIDENCE).write_bytes("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass"))
            _read_once(stage, path, finish=TASK in log.metadata)
    except OSError as error:
        raise _unwritable(directory, error) from None
    return Run.open(directory)


def _check_free(directory: Path) -> None:
    try:
        taken = any(directory.iterdir()) if directory.is_dir() else os.path.lexists(directory)
    except OSError as error:
        raise _unwritable(directory, error) from None
    if taken:
        raise UsageError(f"{directory}: there is something here already. Name a new directory.")


def _unwritable(directory: Path, error: OSError) -> EvidenceUnwritable:
    return EvidenceUnwritable(f"{directory}: cannot be written: {error.strerror}. Name another place.")


def read_log(path: Path) -> EvalLog:
    """A log of ours, as far as its header says.

    Raises:
        UsageError, ForeignEvidence, EvidenceDamaged: see `import_log`.
    """
    _check_archive(path)
    try:
        log = read_eval_log(path, exclude_fields=_FOR_PEOPLE)
    except Exception as error:  # whatever Inspect's reader makes of a file that it did not write
        what = str(error).strip().partition("\n")[0]
        raise EvidenceDamaged(f"{path}: Inspect cannot read it: {type(error).__name__}: {what}. {_RESTORE}") from None
    known = EvalLog.model_fields["version"].default
    if log.version > known:
        raise ForeignEvidence(f"{path}: log format {log.version}; this Inspect reads up to {known}. Use a later one.")
    if not {RUN, TASK} & log.metadata.keys():
        raise ForeignEvidence(
            f"{path}: a log of {log.eval.task!r}, which is no task of ours: it keeps no samescore evidence. Evaluate "
            "samescore/sop, or name a log of `samescore inspect export`."
        )
    return log


def _check_archive(path: Path) -> None:
    """Tell another's file from one that was cut off or changed, before Inspect's reader stumbles over either."""
    foreign = ForeignEvidence(f"{path}: no .eval log. Name one of `samescore inspect export` or of `inspect eval`.")
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}. Name an .eval log.") from None
    if head != b"PK\x03\x04" or path.suffix != ".eval":
        raise foreign
    try:
        with zipfile.ZipFile(path) as archive:
            names, spoilt = archive.namelist(), archive.testzip()  # Inspect's reader looks at no checksum
    except Exception as error:  # of the archive's index, or of a decompressor
        raise EvidenceDamaged(f"{path}: the log was cut off or changed: {error}. {_RESTORE}") from None
    if spoilt is not None:
        raise EvidenceDamaged(f"{path}: {spoilt} in the log was changed after it was written. {_RESTORE}")
    if not _HEADERS & set(names):
        raise foreign


def _content(path: Path, log: EvalLog) -> tuple[Mapping[str, Any], list[str]]:
    """What `run.json` says, and the lines of the evidence."""
    samples = log.samples or []
    manifest = json.loads(log.metadata[RUN]) if RUN in log.metadata else _of_task(path, log, samples)
    return manifest, list(_lines(path, samples, Plan.from_json(manifest["plan"])))


def _of_task(path: Path, log: EvalLog, samples: list[EvalSample]) -> dict[str, Any]:
    """The manifest of a task, with what its samples say of the model and what Inspect planned of it."""
    origins = {sample.store[ORIGIN] for sample in samples if ORIGIN in sample.store}
    if not origins:
        raise UsageError(f"{path}: no sample of it was run by our solver, so there is no evidence. Run the task again.")
    if len(origins) > 1:
        raise UsageError(f"{path}: its samples were had with different models or settings. A run has one of each.")
    origin, manifest = Origin.from_json(origins.pop()), json.loads(log.metadata[TASK])
    wanted = {str(id) for id in log.eval.dataset.sample_ids or ()}
    cases = [case for case in manifest["plan"]["cases"] if case["id"] in wanted]
    plan = Plan.from_json(
        manifest["plan"]
        | {
            "cases": cases,
            "epochs": log.eval.config.epochs or 1,
            "seed": origin.seed,
            "temperature": origin.temperature,
            "limits": asdict(origin.limits),
            "limit": None if len(cases) == len(manifest["plan"]["cases"]) else len(cases),
        }
    )
    said = {
        "status": Status.INCOMPLETE.value,
        "started": log.eval.created,
        "finished": log.stats.completed_at or None,
        "model": origin.model,
        "adapter": origin.adapter,
        "description": origin.description,
        "dialect": {"name": origin.dialect, "version": origin.dialect_version},
        "plan": plan.to_json(),
        "plan_fingerprint": plan.fingerprint,
    }
    return {name: said.get(name, value) for name, value in manifest.items()}


def _lines(path: Path, samples: list[EvalSample], plan: Plan) -> Iterator[str]:
    """The evidence of all samples, in the order of the plan. A sample that Inspect ended is an error."""
    prints = {case.id: case.fingerprint for case in plan.cases}
    found = {(str(sample.id), sample.epoch - 1): sample for sample in samples}
    for item in plan.items():
        sample = found.get((item.case, item.epoch))
        if sample is not None:
            yield sample.store.get(LINE) or _ended(path, sample, item, prints[item.case])


def _ended(path: Path, sample: EvalSample, item: Item, case_fingerprint: str) -> str:
    if sample.error is not None:
        why = sample.error.message
    elif sample.limit is not None:
        why = f"Inspect's {sample.limit.type} limit of {sample.limit.limit:g} ended it"
    else:
        raise UsageError(f"{path}: sample {sample.id} has no evidence: another solver ran it. Use the task's own.")
    return line_of(error_record(item, case_fingerprint, Failure(ErrorKind.CRASH, why), sample.total_time or 0.0))


def _read_once(directory: Path, log: Path, finish: bool) -> None:
    """Make sure that what was written is a run; `finish` says in it how it stands."""
    try:
        run = Run.open(directory)
        pending = len(run.pending())
    except SamescoreError as error:
        raise type(error)(str(error).replace(str(directory), str(log))) from None
    if finish:
        stopped = f"{pending} of {len(run.plan)} rollouts are missing from {log.name}, or errors" if pending else None
        run.update(status=Status.INCOMPLETE if pending else Status.COMPLETE, stopped=stopped)
