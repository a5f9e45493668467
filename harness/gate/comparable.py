"""What differs between two runs, and what follows: nothing can be said, both are scored again, or a word of warning.

blocks      the cases in common are too few; toolset, procedure, sampling, limits, matching, or how calls were read
scored      scorers, parser or fact judge of a run's scores are not today's, or the runs' worlds have other versions:
again       its conversations are replayed, and one that would go otherwise today is an error
warns       backend, number format, template, libraries, epochs: named, and left to the reader

What the runs are compared for, the model and its adapter, may differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from samescore.harness.counted import counted
from samescore.harness.manifest import Manifest
from samescore.harness.plan import Plan, PlannedCase
from samescore.harness.run import Run
from samescore.harness.worldless import WORLDLESS

_PLACES = {"prompt": "in the prompt", "weights": "not in the prompt"}
_ABOUT_THE_MODEL = frozenset(
    {"model", "weights", "adapter", "dialect", "versions", "price", "base_url", "capability", "plan"}
)
"""What a model's description says of which model it is, or of what cannot move a score."""


@dataclass(frozen=True, slots=True)
class Common:
    """The cases that two runs share: the same in both, to the letter.

    `changed` have one id in both and are not the same; `candidate` and `baseline` count the cases of each.
    """

    cases: tuple[PlannedCase, ...]
    changed: tuple[str, ...]
    candidate: int
    baseline: int

    @property
    def share(self) -> float:
        """Of the larger of the two runs."""
        return len(self.cases) / max(self.candidate, self.baseline)


def common_cases(candidate: Iterable[PlannedCase], baseline: Iterable[PlannedCase]) -> Common:
    """The cases in common, in the candidate's order."""
    ours, theirs = list(candidate), {case.id: case for case in baseline}
    same = tuple(case for case in ours if (other := theirs.get(case.id)) and other.fingerprint == case.fingerprint)
    changed = tuple(
        case.id for case in ours if (other := theirs.get(case.id)) and other.fingerprint != case.fingerprint
    )
    return Common(same, changed, len(ours), len(theirs))


def blocking(candidate: Run, baseline: Run) -> list[str]:
    """What makes two runs incomparable, each in words, however many cases they share."""
    ours, theirs = candidate.manifest, baseline.manifest
    pairs = [
        ("procedure", _PLACES[ours.plan.procedure], _PLACES[theirs.plan.procedure]),
        ("temperature", f"{ours.plan.temperature:g}", f"{theirs.plan.temperature:g}"),
        *_limits(ours, theirs),
        ("how calls were read", _reading(ours), _reading(theirs)),
        *_matching(ours, theirs),
        *_worlds(ours, theirs, "toolset"),
        *_worlds(ours, theirs, "lexicon"),
    ]
    return [_difference(what, one, other) for what, one, other in pairs if one != other]


def too_few(common: Common, least: float, candidate: Plan, baseline: Plan) -> str | None:
    """Why the cases in common are too few, in words; None if they are not."""
    if common.cases and common.share >= least:
        return None
    ours, theirs = _suites(candidate), _suites(baseline)
    suites = f" (candidate: {ours}; baseline: {theirs})" if ours != theirs else ""
    if not common.cases and not common.changed:
        return f"suites: the runs have no case in common{suites}"
    changed = (
        f", {counted(len(common.changed), 'case')} changed (such as {common.changed[0]})" if common.changed else ""
    )
    larger = max(common.candidate, common.baseline)
    return (
        f"cases: {len(common.cases)} of {larger} are in both{suites}{changed}; the policy wants "
        f"{least:.0%} of the larger run's"
    )


def worlds_differ(candidate: Manifest, baseline: Manifest) -> list[str]:
    """The worlds whose declared versions differ, in words: only a replay tells whether that moved anything."""
    return [_difference(*pair) for pair in _worlds(candidate, baseline, "version") if pair[1] != pair[2]]


def toolsets_differ(candidate: Manifest, baseline: Manifest) -> bool:
    """Whether a world that both runs have shows other tools."""
    return any(one != other for _, one, other in _worlds(candidate, baseline, "toolset"))


def warnings(candidate: Manifest, baseline: Manifest) -> list[str]:
    """What else differs and may move a score, in words."""
    ours, theirs = _description(candidate), _description(baseline)
    pairs = [
        ("epochs", str(candidate.plan.epochs), str(baseline.plan.epochs)),
        ("dialect", candidate.dialect.partition("@")[0], baseline.dialect.partition("@")[0]),
    ]
    for name in sorted((ours.keys() & theirs.keys()) - _ABOUT_THE_MODEL):
        pairs.append((_WORDS.get(name, name), str(ours[name]), str(theirs[name])))
    libraries = _libraries(candidate), _libraries(baseline)
    for name in sorted(libraries[0].keys() & libraries[1].keys()):
        pairs.append((name, libraries[0][name], libraries[1][name]))
    return [_difference(what, one, other) for what, one, other in pairs if one != other]


def digest(manifest: Manifest) -> str | None:
    """What identifies the model that wrote a run's conversations: the digests of weights and adapter.

    None where they are not known, as of an API. Of a replayed run it is that of the run.
    """
    described = _description(manifest)
    weights = described.get("weights")
    return None if weights is None else f"{weights}+{described.get('adapter') or 'none'}"


def digest_in_words(manifest: Manifest) -> str:
    """The digests, shortened; nothing where there are none."""
    described = _description(manifest)
    if described.get("adapter"):
        return f"adapter {described['adapter'][:12]} on weights {described.get('weights', '')[:12]}"
    return f"weights {described['weights'][:12]}, no adapter" if described.get("weights") else ""


_WORDS = {"renderer": "chat template or tokenizer", "dtype": "number format", "engine": "engine"}


def _description(manifest: Manifest) -> Mapping[str, Any]:
    """The model's own description; that of a replay describes whom it replays."""
    described = manifest.description
    while isinstance(described.get("description"), Mapping):
        described = described["description"]
    return described


def _limits(ours: Manifest, theirs: Manifest) -> Iterator[tuple[str, str, str]]:
    one, other = ours.plan.limits, theirs.plan.limits
    for name, words in (
        ("turns", "limit of turns"),
        ("calls", "limit of calls"),
        ("turn_tokens", "limit of a turn's tokens"),
        ("tokens", "limit of tokens"),
    ):
        yield words, str(getattr(one, name)), str(getattr(other, name))


def _reading(manifest: Manifest) -> str:
    if manifest.server is not None:
        return f"as {manifest.server} reads them"
    return "leniently, as a provider had parsed them" if manifest.lenient else "strictly"


def _matching(ours: Manifest, theirs: Manifest) -> Iterator[tuple[str, str, str]]:
    """Of imported benchmarks, which are named `bfcl:RULES:FOLDER` where they are judged by rules of choice."""
    for suite in ours.sources.keys() & theirs.sources.keys():
        one, other = (manifest.sources[suite].split(":") for manifest in (ours, theirs))
        if len(one) == len(other) == 3:
            yield f"matching of {suite}", one[1], other[1]


def _worlds(ours: Manifest, theirs: Manifest, what: str) -> Iterator[tuple[str, str, str]]:
    for name in sorted((ours.worlds.keys() & theirs.worlds.keys()) - {WORLDLESS.name}):
        yield f"{what} of {name}", str(ours.worlds[name][what]), str(theirs.worlds[name][what])


def _libraries(manifest: Manifest) -> Mapping[str, str]:
    """The libraries that a model ran with, and those that every run has."""
    used = _description(manifest).get("versions", {})
    every = {name: manifest.versions[name] for name in ("python", "jsonschema-rs") if name in manifest.versions}
    return {**every, **(used if isinstance(used, Mapping) else {})}


def _suites(plan: Plan) -> str:
    return ", ".join(f"{suite.name} v{suite.version}" for suite in plan.suites)


def _difference(what: str, candidate: str, baseline: str) -> str:
    return f"{what}: {candidate} in the candidate, {baseline} in the baseline"
