"""Several adapters of one model: what can be wrong with them beforehand, and how they did side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from samescore.harness.cli.beforehand import require_directory
from samescore.harness.cli.printable import printable
from samescore.harness.errors import UsageError
from samescore.harness.run import Run


def require_adapters(model: str, adapters: Sequence[str]) -> None:
    """Make sure that every adapter is there, and none twice. Nothing is loaded.

    Raises:
        UnknownName: there is no such adapter.
        AdapterError: a folder holds none.
        UsageError: two are the same; or the model takes none.
    """
    from samescore.harness.policies import LOCAL, adapter_path
    from samescore.harness.policies.adapter import adapter_files

    if adapters and not model.startswith(LOCAL):
        raise UsageError(
            f"--adapter does not go with model {model!r}: only local models (tiny, hf/..., vllm/...) take it."
        )
    said: dict[Path, str] = {}
    for adapter in adapters:
        folder = adapter_files(adapter_path(model, adapter)).resolve()
        if folder in said:
            raise UsageError(f"--adapter {adapter}: the same as --adapter {said[folder]}. Name each once.")
        said[folder] = adapter


def directories(out: Path | None, adapters: Sequence[str]) -> list[Path | None]:
    """Where the run of each adapter goes: `out` for one, `out`/NAME for each of several; None where nobody said.

    Raises:
        UsageError: there is a run already; or two adapters are called alike.
        EvidenceUnwritable: a directory cannot be made.
    """
    if len(adapters) < 2 or out is None:
        require_directory(out)
        return [out] * max(1, len(adapters))
    found: dict[Path, str] = {}
    for adapter in adapters:
        directory = out / Path(adapter).resolve().name
        if directory in found:
            raise UsageError(
                f"--out {out}: the runs of {found[directory]} and {adapter} would both go to {directory}. Leave --out "
                "out, evaluate them one by one, or rename a folder."
            )
        found[directory] = adapter
        require_directory(directory)
    return list(found)


def print_heading(label: str) -> None:
    """What stands above the report of one of several adapters."""
    print(f"\n=== {printable(label)} ===\n", flush=True)


def print_side_by_side(runs: Sequence[Run]) -> None:
    """Success of each adapter, with its interval and where its run is. A run that is not complete has none yet."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from samescore.harness.cli.table import share

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("adapter", overflow="fold")
    table.add_column("success", justify="right", no_wrap=True)
    table.add_column("95% interval", justify="right", no_wrap=True)
    table.add_column("run", overflow="fold")
    for run in runs:
        scored = ("open", "")
        if metrics := run.manifest.results.get("metrics"):
            success = metrics["success"]
            scored = (share(success["value"]), f"{share(success['low'])}–{success['high']:.3f}")
        table.add_row(printable(run.manifest.adapter or ""), *scored, str(run.directory))
    print()
    Console(markup=False, highlight=False, emoji=False).print(table)
