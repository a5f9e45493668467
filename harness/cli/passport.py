"""What is said before a run about the passport of its adapter: what was otherwise when it was trained."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from samescore.harness.cli.errors import say
from samescore.harness.run import Run


def verify_passport(run: Run) -> None:
    """A line on stderr for each difference between an adapter's training and this run, which records them.

    A run that is carried on keeps what it recorded first; with nothing left to ask, nothing is said.

    Raises:
        AdapterError: the passport is damaged, or of a later format.
    """
    from samescore.harness.passport import PASSPORT, read
    from samescore.harness.passport_differences import differences

    folder = _folder(run)
    if folder is None or not run.pending():
        return
    name, passport = folder.name, read(folder)
    if passport is None:
        if run.manifest.adapter is not None:  # most models without one have no passport, and need none
            say(f"note: adapter {name} has no passport ({PASSPORT}): what it was trained for cannot be compared.")
            _record(run, {"found": False})
        return
    found = differences(passport, run.manifest)
    for difference in found:
        say(f"warning: {name}: {difference}")
    _record(
        run,
        {
            "found": True,
            "kind": passport.kind,
            "fingerprint": passport.fingerprint,
            "impurities": list(passport.inherited_impurities),
            "differs": [asdict(difference) for difference in found],
        },
    )


def _record(run: Run, told: dict[str, object]) -> None:
    if not run.manifest.passport:
        run.update(passport=told)


def _folder(run: Run) -> Path | None:
    """Where the passport of this run's model would lie: with its adapter, or with a model that was exported."""
    from samescore.harness.policies import adapter_path

    model, adapter = run.manifest.model, run.manifest.adapter
    if adapter is not None:
        return Path(adapter_path(model, adapter)).expanduser()
    provider, _, path = model.partition("/")
    return Path(path).expanduser() if provider in ("hf", "vllm") and Path(path).expanduser().is_dir() else None
