"""`samescore sop`: prove things about a procedure, look at its cases, lock them, and see what they cover."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samescore.harness.cli.choices import Language, SplitName
from samescore.harness.cli.procedures import Criterion, Json, Names, procedures
from samescore.harness.cli.sop_coverage import coverage_command
from samescore.harness.cli.sop_graph import graph_command
from samescore.harness.cli.sop_lint import lint_command
from samescore.harness.cli.sop_prose import prose_command
from samescore.harness.cli.sop_schema import schema_command
from samescore.harness.counted import counted
from samescore.harness.errors import SopError, UsageError

if TYPE_CHECKING:
    from samescore.harness.case import Case
    from samescore.harness.environment import World

app = typer.Typer(no_args_is_help=True, help="Prove, try and lock standard operating procedures.")
app.command("lint")(lint_command)
app.command("coverage")(coverage_command)
app.command("graph")(graph_command)
app.command("prose")(prose_command)
app.command("schema")(schema_command)

VARIANTS = {"train": 24, "dev": 1, "eval": 1}
"""Cases per obligation and language of a lock file that is written for the first time."""


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
    for sop, world in procedures(names):
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
    built_in: Annotated[
        bool, typer.Option("--built-in", help="Lock every procedure of the installed worlds, where they are installed.")
    ] = False,
) -> None:
    """Generate the cases of every split and write them beside the procedure; or check what lies there."""
    if not names and not (check or built_in):
        raise UsageError(
            "which procedures? Name them, or the folder of a suite: samescore sop lock DIR. Those of the installed "
            "worlds are written, where they are installed, only if you name them or say --built-in."
        )
    if names and built_in:
        raise UsageError("--built-in means every procedure of the installed worlds. Leave it out, or the names.")
    folders = {}
    # All are read before the first is written: a mistake in one leaves the lock files of all as they were.
    for sop, world in list(procedures(names)):
        folders[sop.path.parent] = world
        if check:
            _check(sop, world)
        else:
            _prove(sop, world)
            changes = {"criterion": criterion and criterion.value, "variants": variants, "seed": seed}
            splits = [one.value for one in split or SplitName]
            _write(sop, world, splits, {name: value for name, value in changes.items() if value is not None})
    for folder, world in folders.items():
        import_module("samescore.suites.sop.lock").prove_folder(folder, world)
        print(f"{folder}: no sentence of a user, no id and no name is in two splits")


def _prove(sop: Any, world: World) -> None:
    """Refuse to lock a procedure that lint finds errors in."""
    mistake = import_module("samescore.suites.sop.finding").mistake
    findings = import_module("samescore.suites.sop.lint").lint(sop, world.code)
    if errors := [mistake(sop, finding) for finding in findings if finding.severity == "error"]:
        raise SopError("\n".join(map(str, errors)), errors)


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
    return f"{counted(len(cases), 'case')}, {recipe.criterion}, {alike.share:.1%} open like another one"


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
