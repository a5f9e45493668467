"""`toolsets.json` of a run: the tools of its worlds as they stood when it began.

`run.json` has their fingerprints, which say whether two runs had the same tools. This file says what they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from samescore.harness.errors import EvidenceDamaged, ForeignEvidence, ToolsetError
from samescore.harness.files import read_json
from samescore.harness.run import TOOLSETS, Run
from samescore.harness.tool_diff.tools import ToolChange, tool_changes
from samescore.harness.tools import Toolset, toolset_from_specs


def recorded_toolsets(run: Run) -> Mapping[str, Toolset]:
    """The toolsets of a run's worlds, by the world's name. None where the run was begun before they were recorded.

    Raises:
        EvidenceDamaged: the file is not what was written, or not of this run.
        ForeignEvidence: it is of a later format.
    """
    path = run.directory / TOOLSETS
    if not path.exists():
        return {}
    toolsets = _read(path, read_json(path, "the run's tools"))
    for name, toolset in toolsets.items():
        recorded = run.manifest.worlds.get(name, {}).get("toolset")
        if toolset.fingerprint != recorded:
            raise EvidenceDamaged(
                f"{path}: the tools of {name} are not those of the run: fingerprint {toolset.fingerprint}, recorded "
                f"{recorded}. Restore the file from a copy."
            )
    return toolsets


def between_runs(old: Run, new: Run) -> tuple[ToolChange, ...] | None:
    """What changed between the tools of two runs, in the worlds that both have; None where a run did not record them.

    Raises:
        EvidenceDamaged, ForeignEvidence: see `recorded_toolsets`.
    """
    before, after = recorded_toolsets(old), recorded_toolsets(new)
    shared = [name for name in old.manifest.worlds if name in new.manifest.worlds]
    if not all(name in before and name in after for name in shared):
        return None
    return tuple(change for name in shared for change in tool_changes(before[name].tools, after[name].tools))


def _read(path: Path, data: Any) -> dict[str, Toolset]:
    from samescore.harness.manifest import FORMAT
    from samescore.harness.tool_sources.openai_json import EFFECT

    if isinstance(data, dict) and type(data.get("format")) is int and data["format"] > FORMAT:
        raise ForeignEvidence(f"{path}: format {data['format']}; this samescore reads up to {FORMAT}. Use a later one.")
    try:
        return {
            name: toolset_from_specs(
                world["name"],
                world["version"],
                world["tools"],
                [spec["function"]["name"] for spec in world["tools"] if spec.get(EFFECT)],
            )
            for name, world in data["worlds"].items()
        }
    except (KeyError, TypeError, AttributeError, ToolsetError) as error:
        raise EvidenceDamaged(f"{path}: not what was written: {error!r:.200}. Restore the file from a copy.") from None
