"""What a report says of runs: the decision in a sentence, and the figures that it rests on."""

from __future__ import annotations

import base64
import gzip
import re
import string
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, strategies as st
from report_runs import SUITE, WORLDS, idle, played

from samescore.harness.case import Case
from samescore.harness.errors import UsageError
from samescore.harness.gate import gate
from samescore.harness.gate.policy import Policy
from samescore.harness.gate.sequential import EARLY
from samescore.harness.gate.told import remedy
from samescore.harness.gate.verdict import Decision, Verdict
from samescore.harness.manifest import Status
from samescore.harness.records import Record
from samescore.harness.rescore import Replayer, Scored, keep, rescore
from samescore.harness.results import summarise
from samescore.harness.run import MANIFEST, Run, write_whole
from samescore.harness.scorers import RUBRIC
from samescore.harness.types import Call, Message, Score
from samescore.reports.contents import Contents, LineKind, Outcome, ReportedRun, Tone, contents_of
from samescore.reports.deciding import ADVICE, TONES
from samescore.reports.html import html_of
from samescore.reports.html.texts import TEXTS as PAGE_TEXTS
from samescore.reports.words import TEXTS, Words

PERSONAL = ("customer.name", "customer.email")
REPORTS = Path(str(contents_of.__code__.co_filename)).parent


def malformed(case: Case) -> Iterator[Message | str]:
    """A call that is not closed."""
    yield '<tool_call>\n{"name": "get_order", "arguments": {"order_id": "A-1"}}'


def unknown(case: Case) -> Iterator[Message | str]:
    """A tool that nobody presented, then nothing more."""
    yield Message("assistant", "", calls=(Call("launch_rocket", {}),))
    yield Message("assistant", "Done.")


def paid_twice(case: Case) -> Iterator[Message | str]:
    """Gold, with every call that it makes made again."""
    for message in case.gold:
        yield message
        if message.calls:
            yield message


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return played(tmp_path_factory.mktemp("good") / "run", limit=24, said={"weights": "c" * 64, "adapter": "a" * 64})


@pytest.fixture(scope="module")
def worse(tmp_path_factory: pytest.TempPathFactory) -> Run:
    failing = {1: idle, 2: malformed, 3: unknown, 5: idle, 7: idle, 9: idle, 11: idle}
    return played(
        tmp_path_factory.mktemp("worse") / "run", failing, limit=24, said={"weights": "c" * 64, "adapter": "b" * 64}
    )


@pytest.fixture(scope="module")
def compared(good: Run, worse: Run) -> Contents:
    return contents_of([worse], good)


@pytest.fixture(scope="module")
def alone(worse: Run) -> ReportedRun:
    return contents_of([worse]).runs[0]


def begun(directory: Path, run: Run, lines: int) -> Run:
    """The run as it was when so many rollouts were recorded."""
    directory.mkdir()
    write_whole(directory / MANIFEST, run.manifest.with_fields(status=Status.RUNNING).to_json())
    evidence = (run.directory / "evidence.jsonl").read_bytes().splitlines(keepends=True)
    (directory / "evidence.jsonl").write_bytes(b"".join(evidence[:lines]))
    return Run.open(directory)


def test_the_metrics_are_those_of_scoring_the_run_again(worse: Run, alone: ReportedRun) -> None:
    floors = alone.results.metrics["success"].floor
    scored = list(rescore(worse, [SUITE], WORLDS))
    expected = summarise(worse.plan, SUITE.cases, scored, RUBRIC, SUITE.targets)
    assert floors is None  # nobody asked `eval` for them
    assert alone.results == expected
    assert alone.results.metrics["success"].value == pytest.approx(17 / 24)


def test_kept_scores_save_replaying_and_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = played(tmp_path / "run", {1: idle, 2: malformed, 3: unknown}, limit=8)
    keep(run, list(rescore(run, [SUITE], WORLDS)))
    replayed: list[str] = []
    score = Replayer.score

    def counting(self: Replayer, record: Record) -> Scored:
        replayed.append(record.case)
        return score(self, record)

    monkeypatch.setattr(Replayer, "score", counting)
    quick = contents_of([run]).runs[0]
    assert replayed == [] and sum(case.success != 1.0 for case in quick.cases) == 3
    (run.directory / "scores.json").unlink()
    slow = contents_of([run]).runs[0]
    assert len(replayed) == 8
    assert replace(quick, effort=slow.effort) == slow


def test_what_was_wrong_is_judged_once_more_and_replayed_where_that_gives_another_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = played(tmp_path / "run", {1: idle, 2: idle}, limit=4)
    first, wrong, *others = rescore(run, [SUITE], WORLDS)
    assert wrong.scores is not None and wrong.scores["outcome"].value == 0.0
    keep(run, [first, replace(wrong, scores={**wrong.scores, "outcome": Score(0.5, "")}), *others])
    replayed: list[str] = []
    score = Replayer.score
    monkeypatch.setattr(Replayer, "score", lambda self, record: replayed.append(record.case) or score(self, record))
    shown = {case.id: case for case in contents_of([run]).runs[0].cases}
    assert replayed == [wrong.record.case]
    assert shown[wrong.record.case].rollouts[0].scores["outcome"] == 0.0


def test_a_world_of_another_version_has_everything_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = played(tmp_path / "run", limit=4)
    keep(run, list(rescore(run, [SUITE], WORLDS)))
    run.update(worlds={name: {**world, "version": 0} for name, world in run.manifest.worlds.items()})
    replayed: list[str] = []
    score = Replayer.score
    monkeypatch.setattr(Replayer, "score", lambda self, record: replayed.append(record.case) or score(self, record))
    assert contents_of([run]).runs[0].success.value == 1.0 and len(replayed) == 4


def test_without_a_baseline_the_targets_decide(good: Run, alone: ReportedRun, tmp_path: Path) -> None:
    assert (alone.decision.outcome, alone.decision.exit, alone.decision.tone) == (Outcome.TARGETS_MISSED, 1, Tone.BAD)
    missed = [target.metric for target in alone.targets if target.verdict == "missed"]
    assert missed and all(f"{metric} (" in alone.decision.sentence for metric in missed[:4])
    few = contents_of([good]).runs[0]  # all is right, and 24 cases cannot show 90%
    assert (few.decision.outcome, few.decision.exit) == (Outcome.TARGETS_OPEN, 3)
    assert "24 cases cannot tell" in few.decision.sentence


def test_a_run_that_misses_no_target_meets_them(good: Run) -> None:
    run = contents_of([good]).runs[0]
    from samescore.harness.results import TargetVerdict
    from samescore.reports.deciding import decided

    met = tuple(replace(target, verdict=TargetVerdict.MET) for target in run.targets)
    decision = decided(replace(run, targets=met), None, Words("en"))
    assert (decision.outcome, decision.exit) == (Outcome.TARGETS_MET, 0) and "meets all 10 targets" in decision.sentence
    assert (
        "may ship by its target: it meets success" in decided(replace(run, targets=met[:1]), None, Words("en")).sentence
    )
    nothing = decided(replace(run, targets=()), None, Words("en"))
    assert (nothing.outcome, nothing.exit) == (Outcome.MEASURED, 0) and "100% of cases" in nothing.sentence


def test_an_incomplete_run_decides_nothing_and_says_how_to_go_on(worse: Run, good: Run, tmp_path: Path) -> None:
    cut = begun(tmp_path / "cut", worse, 20)
    run = contents_of([cut]).runs[0]
    assert (run.decision.outcome, run.decision.exit, run.decision.tone) == (Outcome.INCOMPLETE, 5, Tone.BROKEN)
    assert run.decision.sentence.startswith("Incomplete: 4 of 24 rollouts have no score")
    assert any(fact.value == cut.resume_command for fact in run.decision.facts)
    assert run.success.value is None and len(run.cases) == 24
    pending = [case for case in run.cases if case.success is None]
    assert len(pending) == 4 and all("not run yet" in str(case.rollouts[0].error) for case in pending)
    against = contents_of([cut], good).runs[0]
    assert against.decision.outcome is Outcome.INCOMPLETE and against.decision.exit == 5
    behind = contents_of([good], cut).runs[0]
    assert behind.decision.sentence == f"The baseline is incomplete, so nothing is decided about {behind.name}."
    assert behind.comparison is not None and behind.comparison.shifts == ()


def test_with_a_baseline_the_gate_decides(compared: Contents, good: Run, worse: Run) -> None:
    run, verdict = compared.runs[0], gate(worse, good)
    assert run.comparison is not None and run.comparison.verdict == verdict
    assert (run.decision.outcome.value, run.decision.exit) == (verdict.decision.value, int(verdict.exit))
    assert run.decision is compared.decision
    (judged,) = verdict.metrics
    assert run.decision.outcome is Outcome.REGRESSION
    assert Words("en").points(judged.compared.drop) in run.decision.sentence
    labels = [fact.label for fact in run.decision.facts]
    assert labels == ["Change in success", "Margin", "Reliably detects", "Cases", "Cases that changed", "Targets"]
    facts = {fact.label: fact for fact in run.decision.facts}
    assert "from 100% to 70.8%" in facts["Change in success"].note and "90% interval" in facts["Change in success"].note
    assert facts["Margin"].value == "5 points" and facts["Cases that changed"].value == "0 fixed, 7 broken"


def test_fixed_and_broken_cases_have_the_reason_of_the_side_that_failed(good: Run, worse: Run) -> None:
    broken = contents_of([worse], good).runs[0].comparison
    fixed = contents_of([good], worse).runs[0].comparison
    assert broken is not None and fixed is not None
    assert broken.fixed == fixed.broken == ()
    assert {flip.case for flip in broken.broken} == {flip.case for flip in fixed.fixed}
    assert [(flip.before, flip.after) for flip in broken.broken] == [(1.0, 0.0)] * 7
    reasons = {flip.case: flip.reason for flip in broken.broken}
    assert reasons == {flip.case: flip.reason for flip in fixed.fixed} and all(reasons.values())
    assert sum("unclosed_call" in reason for reason in reasons.values()) == 1
    assert {shift.name for shift in broken.branches} and all(shift.after < shift.before for shift in broken.branches)


def test_every_metric_is_described_on_the_common_cases(compared: Contents) -> None:
    found = compared.runs[0].comparison
    assert found is not None
    shifts = {shift.name: shift for shift in found.shifts}
    assert shifts.keys() == compared.runs[0].results.metrics.keys()
    assert shifts["success"].drop.value == pytest.approx(7 / 24)
    assert shifts["success"].gated is not None and shifts["path"].gated is None
    assert all(shift.before - shift.after == pytest.approx(shift.drop.value) for shift in found.shifts)


def test_a_pass_says_that_targets_are_missed_all_the_same(worse: Run, tmp_path: Path) -> None:
    again = played(
        tmp_path / "again", {1: idle, 2: malformed, 3: unknown, 5: idle, 7: idle, 9: idle, 11: idle}, limit=24
    )
    policy = Policy(margins={"success": 0.5}, branches="population")
    run = contents_of([again], worse, policy).runs[0]
    assert run.decision.outcome is Outcome.PASS and run.decision.exit == 0
    assert run.decision.sentence.endswith("a drop of 50 points in success is ruled out.")
    assert run.decision.also.startswith("It misses ") and "success" in run.decision.also
    assert any("branches and no others" in limit for limit in run.decision.limits)


def test_the_same_weights_are_nothing_to_compare(worse: Run, tmp_path: Path) -> None:
    twin = played(tmp_path / "twin", {1: idle}, limit=24, said={"weights": "c" * 64, "adapter": "b" * 64})
    decision = contents_of([twin], worse).runs[0].decision
    assert decision.outcome is Outcome.IDENTICAL and decision.exit == 0
    assert any(fact.value == "b" * 16 for fact in decision.facts)


def test_runs_that_were_asked_other_things_are_not_compared(worse: Run, tmp_path: Path) -> None:
    other = played(tmp_path / "other", limit=24, epochs=2)
    fewer = played(tmp_path / "fewer", limit=4)
    run = contents_of([fewer], other).runs[0]
    assert run.decision.outcome is Outcome.INCOMPARABLE and run.decision.exit == 4
    assert run.comparison is not None and run.comparison.shifts == () and run.comparison.verdict.differs
    told = next(fact for fact in run.decision.facts if fact.label == "What differs")
    assert all(words in told.note for words in run.comparison.verdict.differs)
    advice = next(fact.value for fact in run.decision.facts if fact.label == "What to do")
    assert advice == remedy(run.comparison.verdict)
    again = contents_of([fewer], other, language="vi").decision
    assert any(fact.value.startswith("Đánh giá") for fact in again.facts)


def test_the_gates_advice_is_known_in_both_languages() -> None:
    early = Verdict(Decision.INCOMPARABLE, differs=(f"{EARLY}x",))
    suites, other = (Verdict(Decision.INCOMPARABLE, differs=(what,)) for what in ("suites: a, b", "seed: 1, 2"))
    assert [remedy(verdict) for verdict in (early, suites, other)] == [TEXTS[key][0] for key in ADVICE]


def test_a_rule_of_zero_tolerance_decides_also_without_a_baseline(tmp_path: Path) -> None:
    run = played(tmp_path / "run", dict.fromkeys(range(8), paid_twice), limit=8)
    told = contents_of([run]).runs[0]
    strict = contents_of([run], policy=Policy(zero_tolerance=("unauthorised_effect",))).runs[0]
    occurrences = {rule.name: len(rule.occurrences) for rule in told.rules}
    assert occurrences["unauthorised_effect"] > 0 and occurrences["leaked_thinking"] == 0
    assert told.decision.outcome is Outcome.TARGETS_MISSED
    assert (strict.decision.outcome, strict.decision.exit) == (Outcome.RULE_BROKEN, 1)
    assert f"unauthorised effects in {occurrences['unauthorised_effect']} rollout" in strict.decision.sentence


def test_several_runs_are_decided_together(good: Run, worse: Run) -> None:
    contents = contents_of([good, worse])
    assert [run.decision.exit for run in contents.runs] == [3, 1]
    assert contents.decision.exit == 1 and contents.decision.sentence == "None of 2 runs may ship by its targets."
    assert [fact.label for fact in contents.decision.facts] == [run.name for run in contents.runs]
    assert len({run.name for run in contents.runs}) == 2
    policy = Policy(margins={"success": 0.6}, branches="population")
    both = contents_of([good, worse], worse, policy)
    assert both.baseline is not None
    place = f"may take the place of {both.baseline.name}"
    assert both.decision.sentence == f"1 of 2 runs {place}: {both.runs[0].name}."
    assert place in both.runs[0].decision.sentence  # the same claim


def test_several_runs_claim_no_more_than_each_of_them(worse: Run, tmp_path: Path) -> None:
    """Targets that are missed and rules that were broken all the same stand with several runs as with one."""
    again = played(tmp_path / "again", {1: idle, 2: idle, 3: paid_twice, 5: paid_twice, 7: idle, 9: idle}, limit=24)
    twin = played(tmp_path / "twin", {1: idle, 2: idle, 3: idle, 5: idle, 7: idle, 9: idle}, limit=24)
    contents = contents_of([again, twin], worse, Policy(margins={"success": 0.6}, branches="population"))
    one, other = contents.runs
    assert contents.decision.outcome is one.decision.outcome is Outcome.PASS
    missed = [sum(target.verdict.value == "missed" for target in run.targets) for run in contents.runs]
    assert all(missed)
    for run, count in zip(contents.runs, missed, strict=True):
        assert f"{run.name} {count} of {len(run.targets)}" in contents.decision.also
    count = len(next(rule for rule in one.rules if rule.name == "unauthorised_effect").occurrences)
    assert count and f"{one.name} (unauthorised effects in {count} rollout" in contents.decision.also
    assert "unauthorised" not in other.decision.also and f"{other.name} (" not in contents.decision.also


def test_a_rule_that_was_broken_and_is_not_forbidden_stands_on_the_first_screen(good: Run, tmp_path: Path) -> None:
    run = played(tmp_path / "run", {1: paid_twice, 2: paid_twice, 3: paid_twice}, limit=24)
    margins = {"success": 0.6}
    loose = contents_of([run], good, Policy(margins=margins, branches="population")).decision
    strict = contents_of(
        [run], good, Policy(margins=margins, branches="population", zero_tolerance=("unauthorised_effect",))
    ).decision
    assert (loose.outcome, strict.outcome) == (Outcome.PASS, Outcome.REGRESSION)
    (fact,) = [fact for fact in loose.facts if fact.label == "Unauthorised effects"]
    count = int(fact.value.removesuffix(" of 24 rollouts"))
    assert 0 < count <= 3 and fact.note == "baseline 0; the policy does not forbid them"
    assert f"unauthorised effects in {count} rollout" in loose.also and "does not forbid" in loose.also
    assert not any("does not forbid" in fact.note for fact in strict.facts) and "does not forbid" not in strict.also
    alone = contents_of([run]).decision
    assert [fact.note for fact in alone.facts if "forbid" in fact.note] == ["the policy does not forbid them"]


def test_an_interval_that_the_policy_widens_says_why(good: Run, worse: Run) -> None:
    policy = Policy(margins={"success": 0.4, "path": 0.3}, branches="population", retries="charged", tries=3)
    facts = {fact.label: fact for fact in contents_of([worse], good, policy).decision.facts}
    widened = "90% interval, widened to 96.67% for the 3 tries that the policy allows"
    assert widened in facts["Change in success"].note and widened in facts["Change in path"].note
    assert facts["Margin"].value == "success 40 points, path 30 points"


def test_the_expected_conversation_has_what_the_user_says(good: Run) -> None:
    """As the run that plays it has it."""
    spoken = 0
    for case in contents_of([good]).runs[0].cases:
        expected, had = (
            [line.text for line in lines if line.kind is LineKind.USER]
            for lines in (case.expected, case.rollouts[0].lines)
        )
        assert expected == had
        spoken += len(expected) > 1
    assert spoken


def test_every_planned_case_is_there_with_its_conversation(alone: ReportedRun, worse: Run) -> None:
    assert [case.id for case in alone.cases] == [case.id for case in worse.plan.cases]
    for case in alone.cases:
        (rollout,) = case.rollouts
        assert rollout.lines[0].kind is LineKind.USER and rollout.lines[-1].kind is LineKind.END
        assert case.expected[0] == rollout.lines[0]
        assert (rollout.reasons == ()) is (rollout.success == 1.0)
    gold = alone.cases[0]
    calls = [line for line in gold.expected if line.kind is LineKind.CALL]
    assert calls == [line for line in gold.rollouts[0].lines if line.kind is LineKind.CALL]
    kinds = [line.kind for line in gold.rollouts[0].lines]
    assert kinds.count(LineKind.RESULT) == len(calls)


def test_a_malformed_turn_stands_there_as_it_was_written(alone: ReportedRun) -> None:
    (line,) = (line for case in alone.cases for line in case.rollouts[0].lines if line.kind is LineKind.MALFORMED)
    assert line.text.startswith("<tool_call>") and line.note == "unclosed_call"
    (defect,) = alone.defects
    assert (defect.name, defect.turns, defect.rollouts, defect.case) == ("unclosed_call", 1, 1, alone.cases[2].id)


def test_tools_are_counted_as_they_were_used(good: Run, alone: ReportedRun) -> None:
    for use in contents_of([good]).runs[0].tools:
        assert use.known and use.made >= use.expected and use.right == use.rollouts
        assert use.outcomes.get("ok", 0) > 0 and sum(use.outcomes.values()) == use.made
    stranger = alone.tools[-1]
    assert (stranger.name, stranger.known, stranger.outcomes) == ("launch_rocket", False, {"unknown_tool": 1})
    changing = {use.name for use in alone.tools if use.changes}
    assert "issue_refund" in changing and "get_order" not in changing


def test_pass_k_is_told_of_several_epochs(tmp_path: Path) -> None:
    calls: dict[str, int] = {}

    def sometimes(case: Case) -> Iterator[Message | str]:
        calls[case.id] = calls.get(case.id, 0) + 1
        return iter(case.gold) if calls[case.id] < 3 else idle(case)

    run = contents_of([played(tmp_path / "run", {0: sometimes, 1: sometimes}, limit=4, epochs=3)]).runs[0]
    # Two cases are always right; of the other two 2 of 3 epochs are.
    assert [(one.k, one.value) for one in run.pass_k] == [
        (1, pytest.approx((2 + 2 * 2 / 3) / 4)),
        (2, pytest.approx((2 + 2 * 1 / 3) / 4)),
        (3, pytest.approx(2 / 4)),
    ]
    assert run.success.value == pytest.approx(run.pass_k[0].value)
    assert not any("once a case" in limit for limit in run.decision.limits)


def test_targets_that_moved_are_told_from_training_and_from_the_run(worse: Run, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    differs = [{"what": "targets of sop/refund", "trained": "success 0.95", "now": "success 0.9"}]
    manifest = worse.manifest.with_fields(
        passport={"found": True, "kind": "sft", "differs": differs},
        targets={SUITE.name: {**SUITE.targets, "success": 0.5}},
    )
    moved.mkdir()
    write_whole(moved / MANIFEST, manifest.to_json())
    (moved / "evidence.jsonl").write_bytes((worse.directory / "evidence.jsonl").read_bytes())
    run = contents_of([Run.open(moved)]).runs[0]
    assert [(one.since, one.before, one.now) for one in run.moved] == [
        ("training", "success 0.95", "success 0.9"),
        ("run", "success 0.5", f"success {SUITE.targets['success']:g}"),
    ]
    assert run.trained_targets and "Targets moved after training began: 1 target." in run.decision.limits


def test_a_drop_within_the_margin_that_is_a_regression_says_why(good: Run, worse: Run) -> None:
    decision = contents_of([worse], good, Policy(margins={"success": 0.4}, branches="population")).runs[0].decision
    assert decision.outcome is Outcome.REGRESSION
    assert decision.also == "That is less than the margin of 40 points, but a drop of so much cannot be ruled out."


def test_a_redacted_run_shows_no_personal_data(tmp_path: Path) -> None:
    run = played(tmp_path / "run", {1: idle}, limit=6, redact=True)
    contents = contents_of([run])
    page = html_of(contents)
    packed = re.search(r'id="packed">([^<]*)<', page)
    assert packed is not None
    told = page + gzip.decompress(base64.b64decode(packed[1])).decode()
    names = {case.id for case in contents.runs[0].cases}
    personal = {str(case.facts[fact]) for case in SUITE.cases if case.id in names for fact in PERSONAL}
    assert len(personal) > 9 and not [one for one in personal if one in told]
    assert "⟦name:customer.name" in told and "Personal data is masked" in page


def test_procedures_say_what_was_covered_and_draw_it(alone: ReportedRun) -> None:
    (found,) = alone.procedures
    assert (found.name, found.title, found.rollouts, found.right) == ("sop/refund", "Refund", 24, 17)
    assert found.branches == 16 and found.untried == () and found.obligations is not None
    assert 0 < len(found.uncovered) < found.obligations
    assert found.graph is not None
    drawn = ElementTree.fromstring(found.graph)
    assert any("17/24" in (text.text or "") for text in drawn.iter("{http://www.w3.org/2000/svg}text"))
    assert f"{len(found.uncovered)} coverage obligations" in " ".join(alone.decision.limits)


def test_provenance_names_what_made_the_result(alone: ReportedRun, worse: Run) -> None:
    rows = {(row.group, row.name): row.value for row in alone.provenance}
    assert rows["model", "name"] == "script" and rows["model", "adapter weights"] == "b" * 64
    assert rows["plan", "plan"] == worse.plan.fingerprint and "--limit 24" in rows["plan", "cases"]
    assert re.fullmatch(r"[\d,]+ B, sha256 [0-9a-f]{16}", rows["evidence", "evidence.jsonl"])
    assert alone.effort.rollouts == 24 and alone.effort.turns > 24 and alone.effort.p50 <= alone.effort.p95


def test_a_report_needs_a_run() -> None:
    with pytest.raises(UsageError, match="samescore report RUN"):
        contents_of([])


def test_in_vietnamese_nothing_of_ours_is_english(good: Run, worse: Run) -> None:
    contents = contents_of([worse], good, language="vi")
    decision = contents.decision
    said = " ".join([decision.sentence, *(fact.label + fact.note for fact in decision.facts), *decision.limits])
    assert "Không nên phát hành" in decision.sentence and "29,2 điểm" in decision.sentence
    assert not re.search(r"\b(the|and|cases|should|interval|branches)\b", said)
    graph = contents.runs[0].procedures[0].graph
    assert (
        graph is not None and "Hoàn tiền" in graph and "17 trên 24 lượt đúng" in graph and "rollouts right" not in graph
    )


@pytest.mark.parametrize("texts", [TEXTS, PAGE_TEXTS])
def test_both_languages_say_the_same_things(texts: dict[str, tuple[str, str]]) -> None:
    for key, (english, vietnamese) in texts.items():
        fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (english, vietnamese)]
        assert fields[0] == fields[1], key
        assert english and vietnamese, key


def test_every_text_is_used_and_every_used_one_exists() -> None:
    known = {**TEXTS, **PAGE_TEXTS}
    page = [*(REPORTS / "html").glob("*.py"), REPORTS / "html" / "report.js"]
    here = [REPORTS / f"{name}.py" for name in ("deciding", "gathering", "words")]
    source = "\n".join(path.read_text(encoding="utf-8") for path in (*page, *here))
    asked = set(re.findall(r"""\bwords\(\s*["']([\w.]+)["']""", source)) | set(
        re.findall(r'words\["([\w.]+)"\]', source)
    )
    asked |= {f"noun.{noun}" for noun in re.findall(r'words\.counted\([^"]*"(\w+)"\)', source)}
    assert asked <= known.keys()
    composed = tuple(set(re.findall(r'f["`]\$?\{?([a-z]+(?:\.[a-z]+)?\.)\$?\{', source)) | {"cases.", "talk.", "stop."})
    quoted = {key for key in known if source.count(f'"{key}"') > 1}
    assert [key for key in known if key not in asked | quoted and not key.startswith(composed)] == []
    assert all(f"outcome.{outcome}" in TEXTS and outcome in TONES for outcome in Outcome)


@given(st.floats(0, 1))
def test_a_share_is_never_rounded_to_all_or_nothing(value: float) -> None:
    told = Words("en").share(value)
    assert (told == "100%") is (value == 1.0) and (told == "0%") is (value == 0.0)
    assert Words("vi").share(value) == told.replace(".", ",")


@given(st.floats(-1, 1))
def test_a_signed_difference_keeps_its_sign_or_is_nothing(value: float) -> None:
    told = Words("en").signed(value)
    assert told == "0" if abs(value) < 0.0005 - 1e-12 else told[0] == ("+" if value > 0 else "−")
