"""`Registry`: a folder of runs. Adds them, finds them, and promotes one to baseline."""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from samescore.harness.errors import EvidenceDamaged, Incomparable, UsageError
from samescore.harness.files import new_folder
from samescore.harness.gate.comparable import common_cases, too_few
from samescore.harness.gate.policy import DEFAULT
from samescore.harness.gate.sequential import require_whole
from samescore.harness.registry.checkout import Checkout
from samescore.harness.registry.entry import Entry, Line, Promotion, State, prints_of, require_complete
from samescore.harness.registry.index import reading, writing
from samescore.harness.registry.rows import (
    delete_entry,
    entry_at,
    entry_by_prints,
    every_entry,
    insert_entry,
    insert_promotion,
    move_entry,
    promotions_of,
)
from samescore.harness.run import MANIFEST, Run

VARIABLE = "SAMESCORE_REGISTRY"
"""Environment variable that names the folder."""


def registry_folder(said: Path | None = None) -> Path:
    """The folder that was said; else the one that `SAMESCORE_REGISTRY` names, else `runs`, where `eval` writes."""
    return said or Path(os.environ.get(VARIABLE) or "runs")


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry of a folder, which need not exist before something is added.

    All methods raise:
        UsageError: there is no registry yet.
        EvidenceDamaged, ForeignEvidence: the index is none, or of a later format.
        EvidenceUnwritable: it cannot be written, or another process holds it for too long.
    """

    folder: Path

    def add(self, directory: Path, checkout: Checkout, tell: Callable[[str], None] = lambda line: None) -> Entry:
        """Enter a run, which is copied into the folder unless it lies there. `tell` is told where one was put back.

        One that is in already stays as it is. One that has vanished from the folder, was moved in it or was changed is
        put back: a copy is one by its digests, which are those that were recorded. What was changed is kept beside it.

        Raises:
            UsageError: there is no run; or another one was promoted under this path.
            InfrastructureError: the run is not complete.
            EvidenceDamaged, ForeignEvidence: see `Run.open`.
        """
        run = Run.open(directory)
        require_complete(run)
        prints, inside = prints_of(run), self._inside(directory)
        with writing(self.folder) as database:
            known = entry_by_prints(database, prints)
            there = known is not None and known.state(self.folder) is State.THERE
            if inside is not None and not there:
                self._make_way(database, inside, known)
                if known is not None:
                    return move_entry(database, known, inside)
                return insert_entry(database, inside, run, prints, checkout)
            if known is not None:
                if not there:
                    tell(self._put_back(known, directory))
                self.require(known)
                return known
            entry = insert_entry(database, self._new_path(directory), run, prints, checkout)
            _copy(directory, self.directory(entry))
            return entry

    def entries(
        self,
        *,
        suite: str | None = None,
        model: str | None = None,
        adapter: str | None = None,
        branch: str | None = None,
    ) -> tuple[Entry, ...]:
        """The runs in the order in which they were added: all, or those of a suite, model, adapter and branch."""
        with reading(self.folder) as database:
            return tuple(
                entry
                for entry in every_entry(database)
                if (suite is None or suite in entry.suites)
                and model in (None, entry.model)
                and adapter in (None, entry.adapter)
                and branch in (None, entry.branch)
            )

    def find(self, said: str) -> Entry:
        """A run by its number or its directory; also by that of another copy of it.

        Raises:
            UsageError: it is not in the registry.
        """
        directory, entries = Path(said), self.entries()
        inside = self._inside(directory)
        for entry in entries:
            if entry.path == inside or (said.isdigit() and not directory.exists() and entry.number == int(said)):
                return entry
        if (directory / MANIFEST).is_file():
            prints = prints_of(Run.open(directory))
            for entry in entries:
                if entry.prints == prints:
                    return entry
        raise UsageError(
            f"{said}: not a run of the registry {self.folder}. Add it: samescore runs add {shlex.quote(said)}. Or see "
            "which are: samescore runs list"
        )

    def promote(self, said: str, branch: str | None = None, *, anchor: bool = False) -> Promotion:
        """Make a run the baseline of a branch, its own unless said. The first one is the anchor; so is one by wish.

        The baseline that it is already is not promoted again.

        Raises:
            UsageError: it is not in the registry.
            Incomparable: it was ended early by the verdict of a look; or it shares too few of the anchor's cases.
            EvidenceDamaged: it changed since it was added, or vanished; or the anchor did.
        """
        entry = self.find(said)
        self.require(entry)
        require_whole(Run.open(self.directory(entry)), "be a baseline")
        line = Line(branch or entry.branch, entry.suites, entry.model)
        with writing(self.folder) as database:
            before = promotions_of(database, line)
            if before and before[-1].entry.number == entry.number and (before[-1].anchor or not anchor):
                return before[-1]
            if before and not anchor:
                self._require_like(entry, _anchor(before).entry)
            insert_promotion(database, entry, line.branch, anchor=anchor or not before)
            return promotions_of(database, line)[-1]

    def promotions(self, line: Line | None = None) -> tuple[Promotion, ...]:
        """All promotions in their order, or those of one line."""
        with reading(self.folder) as database:
            return promotions_of(database, line)

    def lines(
        self, *, suites: Iterable[str] = (), model: str | None = None, branch: str | None = None
    ) -> tuple[Line, ...]:
        """What there are baselines for: all, or for exactly these suites, a model, a branch."""
        wanted = tuple(sorted(suites))
        return tuple(
            line
            for line in dict.fromkeys(promotion.line for promotion in self.promotions())
            if wanted in ((), line.suites) and model in (None, line.model) and branch in (None, line.branch)
        )

    def line(self, *, suites: Iterable[str] = (), model: str | None = None, branch: str | None = None) -> Line:
        """The one line for these suites, model and branch.

        Raises:
            UsageError: there is none, as nothing was promoted, or there are several.
        """
        suites = tuple(suites)
        found = self.lines(suites=suites, model=model, branch=branch)
        if len(found) == 1:
            return found[0]
        parts = [", ".join(sorted(suites)), f"with {model}" if model else "", f"on {branch}" if branch else ""]
        run = " ".join(filter(None, ["run", "of" if parts[0] else "", *parts]))
        if found:
            raise UsageError(
                f"{self.folder}: there are baselines of {'; '.join(map(str, found))}. Say which is meant: --branch, "
                "--suite, --model."
            )
        others = "; ".join(map(str, self.lines()))
        there = f" There are baselines of {others}." if others else ""
        raise UsageError(
            f"{self.folder}: no {run} was ever promoted.{there} Promote one that is good enough to be compared "
            f"with: samescore runs promote RUN{f' --branch {shlex.quote(branch)}' if branch else ''}"
        )

    def baseline(self, line: Line) -> Promotion:
        """The newest baseline of a line, as it was when it was added.

        Raises:
            UsageError: none was ever promoted.
            EvidenceDamaged: it changed since, or vanished.
        """
        return self._intact(self._of(line)[-1])

    def anchor(self, line: Line) -> Promotion:
        """What baselines of a line are watched against: the first one, or the last that was made the anchor by wish.

        Raises:
            UsageError: none was ever promoted.
            EvidenceDamaged: it changed since, or vanished.
        """
        return self._intact(_anchor(self._of(line)))

    def directory(self, entry: Entry) -> Path:
        """Where a run of the registry is."""
        return self.folder / entry.path

    def require(self, entry: Entry) -> None:
        """Make sure that a run is the one that was added.

        Raises:
            EvidenceDamaged: it is not.
        """
        state, run = entry.state(self.folder), f"{self.directory(entry)}: run {entry.number} of the registry"
        advice = f"Restore it from a copy: samescore runs add COPY{self._option}"
        if state is State.VANISHED:
            raise EvidenceDamaged(f"{run} has vanished. {advice}")
        if state is State.CHANGED:
            raise EvidenceDamaged(
                f"{run} is not as it was when it was added: its plan, its model or its evidence changed. {advice}"
            )

    def _put_back(self, entry: Entry, copy: Path) -> str:
        """Put a copy of a run where it vanished or was changed, and what is there beside it; what was done, in words.

        Whatever is there now may be all that is left of something else: it is not for this command to delete.
        """
        place = self.directory(entry)
        if entry.state(self.folder) is State.VANISHED:
            _copy(copy, place)
            return f"{place}: put back from {copy}"
        aside = self.folder / self._new_path(place.with_name(f"{place.name}.damaged"))
        stage = place.with_name(f".{place.name}.{os.getpid()}")
        _copy(copy, stage)
        place.rename(aside)
        stage.rename(place)
        return f"{place}: put back from {copy}; what was there is now {aside}, which may be deleted"

    def _require_like(self, entry: Entry, anchor: Entry) -> None:
        """Make sure that a run has enough of the anchor's cases to be watched against it.

        Raises:
            Incomparable: it has not.
            EvidenceDamaged: the anchor changed since it was added, or vanished.
        """
        self.require(anchor)
        run, first = Run.open(self.directory(entry)), Run.open(self.directory(anchor))
        few = too_few(common_cases(run.plan.cases, first.plan.cases), DEFAULT.common, run.plan, first.plan)
        if few is None:
            return
        part = f" It was evaluated with --limit {run.plan.limit}: evaluate all cases." if run.plan.limit else ""
        raise Incomparable(
            f"{run.directory}: not promoted: it could not be compared with the anchor {first.directory} ({few}).{part} "
            "If the cases are meant to be others from now on, make this run the anchor: samescore runs promote "
            f"{entry.number} --anchor{self._option}"
        )

    @property
    def _option(self) -> str:
        """How a command is told of this registry."""
        return f" --registry {shlex.quote(str(self.folder))}"

    def _of(self, line: Line) -> tuple[Promotion, ...]:
        """The promotions of a line that has some."""
        return self.promotions(self.line(suites=line.suites, model=line.model, branch=line.branch))

    def _intact(self, promotion: Promotion) -> Promotion:
        self.require(promotion.entry)
        return promotion

    def _inside(self, directory: Path) -> str | None:
        """A directory as the index names it; None where it is not in the folder."""
        folder, here = self.folder.resolve(), directory.resolve()
        if here == folder:
            raise UsageError(f"{directory}: a run cannot be the registry that it is in. Choose another --registry.")
        return here.relative_to(folder).as_posix() if here.is_relative_to(folder) else None

    def _new_path(self, directory: Path) -> str:
        name, number = directory.resolve().name, 1
        while (self.folder / (path := name if number == 1 else f"{name}-{number}")).exists():
            number += 1
        return path

    def _make_way(self, database: sqlite3.Connection, path: str, known: Entry | None) -> None:
        """Remove from the index what was at a path where another run is by now.

        Raises:
            UsageError: it is a baseline, or was one.
        """
        former = entry_at(database, path)
        if former is None or former == known:
            return
        if any(promotion.entry == former for promotion in promotions_of(database)):
            raise UsageError(
                f"{self.directory(former)}: the run that was here was promoted to baseline, and what is here now is "
                "another, or was changed. Restore it from a copy (samescore runs add COPY), and add what is here now "
                "from another place."
            )
        delete_entry(database, former)


def _anchor(promotions: Sequence[Promotion]) -> Promotion:
    return [promotion for promotion in promotions if promotion.anchor][-1]


def _copy(directory: Path, target: Path) -> None:
    with new_folder(target) as stage:
        shutil.copytree(directory, stage, dirs_exist_ok=True)
