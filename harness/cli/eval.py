"""`samescore eval`: have a model go through suites, record every conversation, and say how it did."""

from __future__ import annotations

import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Option

from samescore.harness.cli.asked import ApiAsked, Asked, Backend, SequentialAsked
from samescore.harness.cli.choices import Language, MatchingName, ProcedureIn, ServerName, SplitName

if TYPE_CHECKING:
    from samescore.harness.as_served import AsServed
    from samescore.harness.cli.report import View
    from samescore.harness.cli.sequential import Identical
    from samescore.harness.environment import World
    from samescore.harness.errors import ExitCode, WorldError
    from samescore.harness.evaluate import Evaluation
    from samescore.harness.plan import CaseSuite
    from samescore.harness.policy import Policy
    from samescore.harness.rescore import Scored
    from samescore.harness.run import Run

DEFAULT_SUITE, DEFAULT_MODEL = "sop", "tiny"
CONCURRENCY, ON_A_GPU = 64, 1024
"""Conversations at a time where nobody says; and with vLLM, which writes so many turns at once."""


@dataclass(frozen=True, slots=True)
class Session:
    """A run and what it takes to carry it out; its baseline, where it is judged while it goes on."""

    run: Run
    suites: Sequence[CaseSuite]
    worlds: Mapping[str, World]
    policy: Policy
    baseline: Run | None = None


def evaluate_command(
    suites: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SUITE]...",
            help="sop, sop/refund, adversarial, bfcl, all, or the path of a suite file, its folder or a case file.",
            show_default="sop",
        ),
    ] = None,
    suite: Annotated[list[str] | None, Option(metavar="NAME", help="The same, as an option; may be repeated.")] = None,
    model: Annotated[
        str | None,
        Option(
            metavar="NAME",
            help="tiny, oracle, null/noop, replay/PATH, hf/PATH_OR_ID, vllm/PATH_OR_ID; any other provider/name is an "
            "API, as Inspect names it.",
            show_default="tiny",
        ),
    ] = None,
    adapter: Annotated[
        list[str] | None,
        Option(metavar="NAME", help="A LoRA adapter of the model, by name or path; may be repeated: a run for each."),
    ] = None,
    data: Annotated[
        Path | None, Option(metavar="DIR", help="Where the questions of a benchmark lie: of --suite bfcl.")
    ] = None,
    matching: Annotated[
        MatchingName | None, Option(help="By whose rules its calls are judged.", show_default="strict")
    ] = None,
    operator: Annotated[
        list[str] | None,
        Option(metavar="NAME", help="Of the adversarial suite this one alone; may be repeated.", show_default="all"),
    ] = None,
    split: Annotated[SplitName | None, Option(help="Whose cases; eval decides.", show_default="eval")] = None,
    locale: Annotated[list[Language] | None, Option(help="A language; may be repeated.", show_default="all")] = None,
    limit: Annotated[
        int | None, Option(metavar="N", min=1, help="Plan N cases only, spread over branches, or operators.")
    ] = None,
    epochs: Annotated[
        int | None, Option(metavar="N", min=1, help="How often each case is run.", show_default="1")
    ] = None,
    temperature: Annotated[
        float | None, Option(metavar="T", min=0.0, max=10.0, help="Of sampling.", show_default="0, greedy")
    ] = None,
    seed: Annotated[int | None, Option(metavar="N", help="Of sampling.", show_default="0")] = None,
    max_turns: Annotated[
        int | None, Option(metavar="N", min=1, help="Turns of a conversation.", show_default="12")
    ] = None,
    max_tokens: Annotated[int | None, Option(metavar="N", min=1, help="Tokens of a turn.", show_default="768")] = None,
    dialect: Annotated[
        str | None, Option(metavar="NAME", help="How the model writes calls.", show_default="found by probing")
    ] = None,
    procedure: Annotated[
        ProcedureIn | None,
        Option(help="Put the procedure into the system message or not.", show_default="prompt for APIs, else weights"),
    ] = None,
    model_base_url: Annotated[
        str | None, Option(metavar="URL", help="Where an API is.", show_default="the provider's own")
    ] = None,
    timeout: Annotated[
        int | None,
        Option(metavar="S", min=1, help="Seconds for a turn of an API, retries and all.", show_default="600"),
    ] = None,
    max_retries: Annotated[
        int | None, Option(metavar="N", min=0, help="Of a request to an API.", show_default="5")
    ] = None,
    max_connections: Annotated[
        int | None, Option(metavar="N", min=1, help="To an API at a time.", show_default="adapted to its rate limits")
    ] = None,
    price: Annotated[
        str | None, Option(metavar="IN,OUT", help="US dollars per million tokens that an API reads, and writes.")
    ] = None,
    device: Annotated[str, Option(metavar="NAME", help="cpu, cuda, cuda:1 or auto.")] = "auto",
    concurrency: Annotated[
        int | None,
        Option(metavar="N", min=1, help="Conversations at a time.", show_default=f"{CONCURRENCY}; vLLM {ON_A_GPU}"),
    ] = None,
    out: Annotated[
        Path | None,
        Option(
            metavar="DIR",
            help="The run's directory; of several adapters DIR/NAME each.",
            show_default="runs/TIME-SUITE-MODEL",
        ),
    ] = None,
    redact: Annotated[
        bool, Option("--redact", help="Mask personal data in all that is kept and shown; no score changes.")
    ] = False,
    as_served: Annotated[
        ServerName | None,
        Option("--as-served", help="Also the score that this server's lenient parser would have given."),
    ] = None,
    sequential: Annotated[
        Path | None,
        Option(
            metavar="RUN",
            help="Judge against this baseline while it goes on, and end when the verdict is certain: the directory of "
            "a run, or registry:BRANCH. Exit codes are those of the gate.",
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        Option(metavar="FILE", help="Of --sequential: a gate.toml.", show_default="success may not drop by 0.05"),
    ] = None,
    looks: Annotated[
        int | None,
        Option(metavar="N", min=2, max=20, help="Of --sequential: how often to judge.", show_default="4"),
    ] = None,
    same_model: Annotated[
        bool, Option("--same-model", help="Of --sequential: run and judge it even if the baseline is of this model.")
    ] = False,
    registry: Annotated[
        Path | None,
        Option(
            metavar="DIR",
            help="Of --sequential: where registry:BRANCH is looked up.",
            show_default="SAMESCORE_REGISTRY, or runs",
        ),
    ] = None,
    resume: Annotated[Path | None, Option(metavar="DIR", help="Carry on the run in this directory.")] = None,
    check: Annotated[bool, Option("--check", help="Judge the targets: exit 1 if missed, 3 if inconclusive.")] = False,
    as_json: Annotated[
        bool, Option("--json", help="Print one JSON object, a line per run; progress goes to stderr.")
    ] = False,
    show: Annotated[
        int | None, Option(metavar="N", min=0, help="Examples of failing branches to print.", show_default="all")
    ] = None,
) -> None:
    """Evaluate a model: run every planned case live, record it, score it, and show where it fails."""
    from samescore.harness.cli.adapters import print_heading, print_side_by_side
    from samescore.harness.cli.report import View, model_label
    from samescore.harness.cli.sequential import Identical
    from samescore.harness.errors import ExitCode

    named = [*(suites or ()), *(suite or ())]
    asked = Asked(
        suite=named,
        model=model,
        adapter=adapter,
        split=split,
        locale=locale,
        limit=limit,
        epochs=epochs,
        temperature=temperature,
        seed=seed,
        max_turns=max_turns,
        max_tokens=max_tokens,
        dialect=dialect,
        procedure=procedure,
        redact=redact or None,
        out=out,
        data=data,
        matching=matching,
        operator=operator,
    )
    backend = Backend(device, ApiAsked(model_base_url, timeout, max_retries, max_connections, price), as_served)
    against = SequentialAsked(sequential, policy, looks, same_model, registry)
    view = View(check, as_json, show)
    headed = resume is None and len(asked.adapter or ()) > 1 and not as_json
    runs: list[Run] = []
    codes: list[ExitCode] = []
    beginning = (
        _begun(asked, backend, check, against) if resume is None else _resumed(resume, asked, backend, check, against)
    )
    with closing(beginning) as begun:
        for session in begun:
            if isinstance(session, Identical):
                session.told(as_json)
                codes.append(session.verdict.exit)
                continue
            if headed:
                print_heading(model_label(session.run))
            codes.append(_finished(session, view, concurrency))
            runs.append(session.run)
            del session  # its model, before the next one is loaded
    if headed:
        print_side_by_side(runs)
    raise typer.Exit(int(ExitCode.worst(codes)))


def _finished(session: Session, view: View, concurrency: int | None) -> ExitCode:
    """Carry a run out and print what it says."""
    from samescore.harness.cli.passport import verify_passport
    from samescore.harness.cli.report import report
    from samescore.harness.cli.sequential import gated
    from samescore.harness.cli.template import note_shortfall
    from samescore.harness.errors import WorldError

    run = session.run
    _announce(session, view.as_json)
    note_shortfall(session.policy, run.plan, session.suites)
    verify_passport(run)
    usual = ON_A_GPU if run.manifest.model.startswith("vllm/") else CONCURRENCY
    evaluation, lenient = _carried_out(session, concurrency or usual, view.as_json)
    verdict = gated(run, session.baseline)
    try:
        return report(run, session.suites, session.worlds, evaluation.results, view, as_served=lenient, gated=verdict)
    except WorldError as error:  # under a null agent, whose scores stand beside the model's
        raise _unreported(run, error) from error


def _begun(asked: Asked, backend: Backend, check: bool, against: SequentialAsked) -> Generator[Session | Identical]:
    """A new run, or one for each adapter. What can be wrong with the command is found before a directory is made."""
    from samescore.harness.cli.adapters import directories, require_adapters
    from samescore.harness.cli.as_served import require_text
    from samescore.harness.cli.beforehand import require_local
    from samescore.harness.cli.loading import load_suites, require_procedure, with_data, with_operators, worlds_of
    from samescore.harness.cli.report import require_targets
    from samescore.harness.cli.sequential import compared_with, require_sequential
    from samescore.harness.manifest import manifest_of
    from samescore.harness.plan import Plan
    from samescore.harness.policies import is_api
    from samescore.harness.rollout import DEFAULT_LIMITS, Limits
    from samescore.harness.run import Run, new_directory
    from samescore.harness.served import served

    names, model = with_data(asked.suite or [DEFAULT_SUITE], asked.data, asked.matching), asked.model or DEFAULT_MODEL
    require_sequential(against, check, backend.as_served)
    require_text(model, backend.as_served)
    adapters = list(asked.adapter or ())
    require_adapters(model, adapters)
    places = directories(asked.out, adapters)
    require_local(model, asked.dialect, backend.device)
    procedure = asked.procedure or (ProcedureIn.PROMPT if is_api(model) else ProcedureIn.WEIGHTS)
    suites = load_suites(names, asked.split or SplitName.EVAL, asked.locale, procedure.value)
    if asked.procedure is not None:
        require_procedure(suites, asked.procedure.value)
    suites = with_operators(suites, asked.operator or ())
    if check:
        require_targets(suites)
    worlds = worlds_of(suites)
    limits = Limits(
        turns=asked.max_turns or DEFAULT_LIMITS.turns, turn_tokens=asked.max_tokens or DEFAULT_LIMITS.turn_tokens
    )
    plan = Plan.make(
        suites,
        epochs=asked.epochs or 1,
        seed=asked.seed or 0,
        temperature=asked.temperature or 0.0,
        limits=limits,
        limit=asked.limit,
    )
    comparison = None if against.baseline is None else compared_with(against, model, plan, suites)
    said: list[str | None] = [*adapters] or [None]
    with closing(_policies(model, said, asked.dialect, backend, {}, worlds)) as policies:
        for adapter, out in zip(said, places, strict=True):
            policy = next(policies)
            if backend.as_served is not None:
                served(policy.dialect.name, backend.as_served)
            if comparison is not None:
                candidate = Run(Path(), manifest_of(plan, policy, worlds, suites, adapter))
                if (identical := comparison.with_candidate(candidate)) is not None:
                    yield identical
                    continue
            label = model if adapter is None else f"{model}+{Path(adapter).name}"
            directory = out or new_directory([suite.name for suite in suites], label)
            run = Run.create(
                directory,
                plan,
                policy,
                worlds,
                suites=suites,
                adapter=adapter,
                redact=bool(asked.redact),
                as_served=backend.as_served,
                sequential=None if comparison is None else comparison.planned(directory, plan),
            )
            yield Session(run, suites, worlds, policy, None if comparison is None else comparison.baseline)
            del policy  # before the next one is loaded


def _resumed(
    directory: Path, asked: Asked, backend: Backend, check: bool, against: SequentialAsked
) -> Generator[Session]:
    """A run that is on disk. It says itself what is to be run; only where its suites are may be said again.

    A model of which nothing is left to ask is not loaded.

    Raises:
        UsageError: the command says something else that the run has recorded.
    """
    from samescore.harness.as_served import outstanding
    from samescore.harness.cli.loading import suites_of, worlds_of
    from samescore.harness.cli.report import require_targets
    from samescore.harness.cli.sequential import baseline_again
    from samescore.harness.errors import UsageError
    from samescore.harness.policies import LOCAL
    from samescore.harness.policies.answered import AnsweredPolicy
    from samescore.harness.policies.redialected import Redialected
    from samescore.harness.run import Run
    from samescore.harness.served import served

    given = [field.name for field in fields(asked) if getattr(asked, field.name) not in (None, [])]
    fixed = [name for name in given if name != "suite"]
    if fixed:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in fixed)
        raise UsageError(f"--resume carries a run on as it was planned. Leave out {options}.")
    run = Run.open(directory)
    baseline = baseline_again(run, against, check, backend.as_served)
    suites = suites_of(run, list(asked.suite or []))
    if check:
        require_targets(suites)
    if backend.as_served is not None and run.manifest.as_served is None:
        served(run.manifest.dialect, backend.as_served)
        run.update(as_served=backend.as_served.value)
    manifest = run.manifest
    strict = manifest.dialect.partition("@")[0]
    worlds = worlds_of(suites)
    if not (run.pending() or outstanding(run, suites, worlds)):
        yield Session(run, suites, worlds, AnsweredPolicy(run), baseline)
        return
    dialect = strict if manifest.model.startswith(LOCAL) else None
    (policy,) = _policies(manifest.model, [manifest.adapter], dialect, backend, manifest.description, worlds)
    if policy.dialect.name == strict != manifest.dialect:  # what was had again as served, carried on by itself
        policy = Redialected(policy, run.dialect)
    yield Session(run, suites, worlds, policy, baseline)


def _policies(
    model: str,
    adapters: Sequence[str | None],
    dialect: str | None,
    backend: Backend,
    recorded: Mapping[str, Any],
    worlds: Mapping[str, World],
) -> Generator[Policy]:
    """A policy for each adapter; `recorded` is what a run that is carried on says of its model."""
    from samescore.harness.cli.progress import loading
    from samescore.harness.policies import is_api, load_policies

    api = backend.api.options(recorded if is_api(model) else {})
    with closing(
        load_policies(model, adapters, dialect=dialect, device=backend.device, api=api, worlds=worlds)
    ) as policies:
        while True:
            with loading(model):
                policy = next(policies, None)
            if policy is None:
                return
            yield policy
            del policy  # before the next one is loaded


def _unreported(run: Run, error: WorldError) -> WorldError:
    """A crash of the world after the last conversation, with what became of the run."""
    from samescore.harness.errors import WorldError

    return WorldError(
        f"{error} The run in {run.directory} is incomplete. Once the code is corrected, this tries the conversations "
        f"again that ended in an error, and prints the scores: {run.resume_command}"
    )


def _announce(session: Session, as_json: bool) -> None:
    """What is about to happen, in one line."""
    from samescore.harness.cli.loading import cases_of
    from samescore.harness.cli.report import model_label
    from samescore.harness.counted import counted
    from samescore.harness.perturbed import without_controls

    run, plan = session.run, session.run.plan
    planned = {case.id for case in plan.cases}
    measured = len(without_controls(case for case in cases_of(session.suites) if case.id in planned))
    beside = f" and {counted(len(planned) - measured, 'control')}" if measured < len(planned) else ""
    branches = len({(case.suite, case.cluster) for case in plan.cases})
    noun = "branch" if branches == 1 else "branches"
    epochs = f" x {plan.epochs} epochs" if plan.epochs > 1 else ""
    languages = ", ".join(sorted({case.locale for case in plan.cases}))
    recorded = len(run.due) - len(run.pending())
    before = f" · {recorded} of {len(plan)} recorded before" if recorded else ""
    names = ", ".join(suite.name for suite in plan.suites)
    told = " · procedure in the prompt" if plan.procedure == "prompt" else ""
    line = (
        f"{names}: {counted(measured, 'case')}{beside}{epochs} on {branches} {noun} ({languages}) · {model_label(run)}"
        f"{told} · {run.directory}{' · redacted' if run.manifest.redacted else ''}{before}"
    )
    print(line, file=sys.stderr if as_json else sys.stdout, flush=True)


def _carried_out(session: Session, concurrency: int, as_json: bool) -> tuple[Evaluation, AsServed | None]:
    """The run, and what was asked for as served."""
    import asyncio

    from samescore.harness.cli.as_served import had_again

    run, suites, worlds, policy = session.run, session.suites, session.worlds, session.policy

    def evaluated(run: Run, policy: Policy) -> Evaluation:
        return _evaluated(Session(run, suites, worlds, policy, session.baseline), concurrency)

    try:
        evaluation = evaluated(run, policy)
        return evaluation, had_again(run, suites, worlds, policy, evaluation.results, evaluated, as_json)
    finally:
        asyncio.run(policy.aclose())


def _evaluated(session: Session, concurrency: int) -> Evaluation:
    from samescore.harness.cli.progress import progress
    from samescore.harness.cli.sequential import tell_look
    from samescore.harness.evaluate import evaluate_sync

    run, due, pending = session.run, len(session.run.due), len(session.run.pending())
    with progress(due, due - pending) as bar:

        def finished(scored: Scored) -> None:
            bar.advance(None if scored.scores is None else scored.scores["success"].value == 1.0)

        return evaluate_sync(
            session.suites,
            session.policy,
            session.worlds,
            run.plan,
            run,
            concurrency=concurrency,
            on_result=finished,
            on_look=tell_look,
            baseline=session.baseline,
        )
