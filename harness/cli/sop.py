"""`samescore sop`: prove things about a procedure, look at its cases, lock them, and see what they cover."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

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


class SplitName(StrEnum):
    """The three splits."""

    TRAIN = "train"
    DEV = "dev"
    EVAL = "eval"


class Language(StrEnum):
    """The languages of texts."""

    EN = "en"
    VI = "vi"


Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME|PATH]...", help="Procedures such as refund; default: all.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


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
    for sop, world in _procedures(names):
        if check:
            _check(sop, world)
        else:
            changes = {"criterion": criterion and criterion.value, "variants": variants, "seed": seed}
            splits = [one.value for one in split or SplitName]
            _write(sop, world, splits, {name: value for name, value in changes.items() if value is not None})


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
    every: list[Case] = []
    for split in SplitName:
        header = locks.check_lock(sop.path, sop.phrases, world, split.value)
        path = locks.lock_path(sop.path, split.value)
        found = locks.read_lock(path, world)
        every += found
        print(f"{path}: fresh: {_counted(found, header.recipe)}")
    locks.prove_disjoint(every, sop.path)
    print(f"{sop.path}: no sentence and no id or name is in two splits")


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


def _conversation(case: Case, world: World) -> Iterator[str]:
    """A case as it goes when the gold turns are played."""
    from samescore.harness.strictjson import write
    from samescore.harness.user import ScriptedUser

    yield f"{case.id}  {case.cluster}"
    yield f"  shows      {case.labels['obligation']}"
    yield f"  user       {case.opening}"
    environment, user = world.open(case.facts), ScriptedUser(case)
    try:
        for turn in case.gold:
            yield from (f"  thinking   {line}" for line in (turn.thinking or "").splitlines())
            for call in turn.calls:
                yield f"  call       {call.name} {write(dict(call.arguments))}"
                yield f"  result     {environment.call(call).content}"
            if not turn.calls:
                yield f"  agent      {turn.content}"
                reply = user.hear(turn.content).reply
                if reply is not None:
                    yield f"  user       {reply}"
    finally:
        environment.close()
