"""`samescore sop`: prove things about a procedure, look at its cases, lock them, and see what they cover."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samescore.harness.cli.choices import Language, SplitName
from samescore.harness.errors import ExitCode, SopError

if TYPE_CHECKING:
    from samescore.harness.case import Case
    from samescore.harness.environment import World

app = typer.Typer(no_args_is_help=True, help="Prove, try and lock standard operating procedures.")

VARIANTS = {"train": 24, "dev": 1, "eval": 1}
"""Cases per obligation and language of a lock file that is written for the first time."""


class Criterion(StrEnum):
    """What a suite of cases must show; each includes the ones before it."""

    BRANCH = "branch"
    BOUNDARY = "boundary"
    MCDC = "mcdc"


Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME|PATH]...", help="Procedures such as refund; default: all.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("lint")
def lint(names: Names = None, as_json: Json = False) -> None:
    """Prove that no condition overlaps, no case falls through, and every step and branch can be reached."""
    phrases = import_module("samescore.suites.sop.phrases")
    found: list[tuple[Any, Any]] = []
    for sop, _ in _procedures(names):
        phrases.load_phrases(sop)
        found += [(sop, finding) for finding in import_module("samescore.suites.sop.lint").lint(sop)]
    if as_json:
        print(json.dumps([{"file": str(sop.path), **asdict(finding)} for sop, finding in found], ensure_ascii=False))
    else:
        for sop, finding in found:
            print(_finding(sop, finding))
        errors = sum(finding.severity == "error" for _, finding in found)
        print(f"{errors} errors, {len(found) - errors} warnings")
    if any(finding.severity == "error" for _, finding in found):
        raise typer.Exit(int(ExitCode.USAGE))


@app.command("cases")
def cases(
    names: Names = None,
    criterion: Annotated[Criterion, typer.Option(help="What the cases must show.")] = Criterion.MCDC,
    split: Annotated[SplitName, typer.Option(help="Whose phrases and ids.")] = SplitName.EVAL,
    locale: Annotated[list[Language] | None, typer.Option(help="A language; may be repeated.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many cases of each procedure.")] = None,
    as_json: Json = False,
) -> None:
    """Generate cases and show them as conversations."""
    generator = import_module("samescore.suites.sop.cases")
    for sop, world in _procedures(names):
        recipe = generator.Recipe(criterion.value, split.value)
        if locale:
            recipe = generator.Recipe(criterion.value, split.value, locales=tuple(one.value for one in locale))
        for case in generator.generate(sop, world, recipe)[:limit]:
            if as_json:
                print(json.dumps(case.to_json(), ensure_ascii=False))
            else:
                print("\n".join(_conversation(case, world)), end="\n\n")


@app.command("lock")
def lock(
    names: Names = None,
    check: Annotated[bool, typer.Option("--check", help="Only prove that the lock files are fresh.")] = False,
    split: Annotated[list[SplitName] | None, typer.Option(help="A split; may be repeated. Default: all.")] = None,
    criterion: Annotated[Criterion | None, typer.Option(help="Default: that of the lock file, else mcdc.")] = None,
    variants: Annotated[
        int | None, typer.Option(min=1, help="Cases per obligation and language. Default: that of the lock file.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Default: that of the lock file, else 0.")] = None,
) -> None:
    """Generate the cases of every split and write them beside the procedure; or check what lies there."""
    folders = {}
    for sop, world in _procedures(names):
        folders[sop.path.parent] = world
        if check:
            _check(sop, world)
        else:
            _prove(sop)
            changes = {"criterion": criterion and criterion.value, "variants": variants, "seed": seed}
            splits = [one.value for one in split or SplitName]
            _write(sop, world, splits, {name: value for name, value in changes.items() if value is not None})
    for folder, world in folders.items():
        import_module("samescore.suites.sop.lock").prove_folder(folder, world)
        print(f"{folder}: no sentence of a user, no id and no name is in two splits")


@app.command("coverage")
def coverage(
    names: Names = None,
    criterion: Annotated[Criterion, typer.Option(help="What the cases should show.")] = Criterion.MCDC,
    split: Annotated[SplitName, typer.Option(help="Whose locked cases.")] = SplitName.EVAL,
    as_json: Json = False,
) -> None:
    """Show which branches and obligations the locked cases cover, and which are proven to be infeasible."""
    locks, covers = import_module("samescore.suites.sop.lock"), import_module("samescore.suites.sop.coverage")
    reports = {}
    for sop, world in _procedures(names):
        locks.check_lock(sop.path, sop.phrases, world, split.value)
        cases = locks.read_lock(locks.lock_path(sop.path, split.value), world)
        seen = covers.coverage(sop, [case.facts for case in cases], criterion.value)
        reports[f"{sop.world}/{sop.name}"] = {"split": split.value, "cases": len(cases), **seen.to_json()}
        if not as_json:
            _print_coverage(f"{sop.world}/{sop.name}: {len(cases)} {split.value} cases, {criterion.value}", seen)
    if as_json:
        print(json.dumps(reports, ensure_ascii=False))


def _prove(sop: Any) -> None:
    """Refuse to lock a procedure that lint finds errors in."""
    findings = import_module("samescore.suites.sop.lint").lint(sop)
    if errors := [finding for finding in findings if finding.severity == "error"]:
        raise SopError("\n".join(_finding(sop, finding) for finding in errors))


def _write(sop: Any, world: World, splits: Sequence[str], changes: dict[str, Any]) -> None:
    generator, locks = import_module("samescore.suites.sop.cases"), import_module("samescore.suites.sop.lock")
    obligations = import_module("samescore.suites.sop.obligations").obligations
    solved: dict[str, Any] = {}
    written: dict[str, tuple[Any, tuple[Case, ...]]] = {}
    kept: list[Case] = []
    for split in SplitName:
        path = locks.lock_path(sop.path, split.value)
        if split.value not in splits:
            kept += locks.read_lock(path, world) if path.exists() else ()
            continue
        recipe = locks.recipe_of(path) or generator.Recipe("mcdc", split.value, VARIANTS[split])
        recipe = replace(recipe, **changes)
        if recipe.criterion not in solved:
            solved[recipe.criterion] = obligations(sop, recipe.criterion)
        written[split.value] = recipe, generator.generate(sop, world, recipe, solved[recipe.criterion])
    locks.prove_disjoint([*kept, *(case for _, cases in written.values() for case in cases)], sop.path)
    for recipe, made in written.values():
        path = locks.write_lock(sop, world, recipe, made)
        print(f"{path}: {_counted(made, recipe)}")


def _check(sop: Any, world: World) -> None:
    locks = import_module("samescore.suites.sop.lock")
    for split in SplitName:
        header = locks.check_lock(sop.path, sop.phrases, world, split.value)
        path = locks.lock_path(sop.path, split.value)
        print(f"{path}: fresh: {_counted(locks.read_lock(path, world), header.recipe)}")


def _counted(cases: Sequence[Case], recipe: Any) -> str:
    alike = import_module("samescore.suites.sop.splits").near_duplicates(cases)
    return f"{len(cases)} cases, {recipe.criterion}, {alike.share:.1%} open like another one"


def _procedures(names: Sequence[str] | None) -> Iterator[tuple[Any, World]]:
    """The procedures of these names, read and checked; all known ones where none is given."""
    catalog, loader = import_module("samescore.suites.catalog"), import_module("samescore.suites.sop.loader")
    files = [catalog.find_sop(name) for name in names] if names else catalog.sops()
    for file in files:
        world = catalog.load_world(file.world)
        yield loader.load(file.path, world.toolset, world.lexicon), world


def _finding(sop: Any, finding: Any) -> str:
    """A finding as compilers write them, with the line it stands in and the facts that show it."""
    lines = [f"{sop.path}:{finding.line}: {finding.severity}: {finding.message} [{finding.rule}]"]
    lines += [f"    {finding.text}"] if finding.text else []
    if finding.witness:
        lines.append(f"    shown by {', '.join(f'{name} = {value}' for name, value in finding.witness.items())}")
    return "\n".join(lines)


def _print_coverage(title: str, seen: Any) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console()
    kinds = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("obligations", "covered", "uncovered", "infeasible"):
        kinds.add_column(heading, justify="left" if heading == "obligations" else "right")
    for kind, tally in {**seen.kinds, "all": seen.total}.items():
        style = "bold" if kind == "all" else "red" if tally.uncovered else ""
        kinds.add_row(kind, str(tally.covered), str(tally.uncovered), str(tally.infeasible), style=style)
    console.print(kinds)
    infeasible = {obligation.id.partition(":")[2] for obligation in seen.infeasible if obligation.kind == "branch"}
    branches = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    branches.add_column("branch", overflow="fold")
    branches.add_column("cases", justify="right")
    for branch, count in seen.branches.items():
        style = "dim" if branch in infeasible else "" if count else "red"
        branches.add_row(branch, "infeasible" if branch in infeasible else str(count), style=style)
    console.print(branches)
    for word, rest in (("uncovered", seen.uncovered), ("infeasible", seen.infeasible)):
        for obligation in rest:
            console.print(f"{word}  line {obligation.line}  {obligation.description}", markup=False, highlight=False)


def _conversation(case: Case, world: World) -> Iterator[str]:
    """A case as it goes when the gold turns are played."""
    import asyncio

    from samescore.harness.policies.script import oracle
    from samescore.harness.rollout import rollout
    from samescore.harness.strictjson import write

    yield f"{case.id}  {case.cluster}"
    yield f"  shows      {case.labels['obligation']}"
    yield f"  user       {case.opening}"
    for step in asyncio.run(rollout(case, oracle(), world)).steps:
        yield from (f"  thinking   {line}" for line in (step.turn.thinking or "").splitlines())
        for seen in step.observations:
            yield f"  call       {seen.call.name} {write(dict(seen.call.arguments))}"
            yield f"  result     {seen.content}"
        if step.turn.content:
            yield f"  agent      {step.turn.content}"
        if step.reply is not None:
            yield f"  user       {step.reply}"
