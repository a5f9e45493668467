"""Generated cases: each shows its obligation, plays to its expected end, and shares nothing with another split."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from parcel_world import SOP, WORLD

from samescore.harness.case import Case, Split
from samescore.harness.fingerprint import fingerprint
from samescore.harness.policies.script import oracle
from samescore.harness.rollout import rollout
from samescore.harness.scorers import RUBRIC
from samescore.harness.strictjson import canonical
from samescore.suites.sop.cases import Recipe, generate
from samescore.suites.sop.coverage import coverage
from samescore.suites.sop.expression import evaluate
from samescore.suites.sop.loader import load
from samescore.suites.sop.obligations import met, obligations
from samescore.suites.sop.splits import near_duplicates, overlaps, split_of
from samescore.suites.sop.trace import trace

PROCEDURE = load(SOP, WORLD.toolset, WORLD.lexicon)
OBLIGED = obligations(PROCEDURE, "mcdc")


def generated(split: Split, variants: int = 1, seed: int = 0) -> tuple[Case, ...]:
    return generate(PROCEDURE, WORLD, Recipe("mcdc", split, variants, seed), OBLIGED)


EVAL, DEV, TRAIN = generated("eval"), generated("dev"), generated("train", 6)
EVERY = (*EVAL, *DEV, *TRAIN)


def test_there_is_a_case_for_every_feasible_obligation_language_and_variant() -> None:
    feasible = [one.obligation.id for one in OBLIGED if one.witness is not None]
    for cases, variants in ((EVAL, 1), (TRAIN, 6)):
        shown = Counter((case.labels["obligation"], case.locale) for case in cases)
        assert shown == {(obligation, locale): variants for obligation in feasible for locale in ("en", "vi")}


def test_ids_are_readable_and_unique() -> None:
    assert EVAL[0].id == "shop/parcel/eval/en/001"
    assert len({case.id for case in EVERY}) == len(EVERY)


def test_every_case_traces_to_its_cluster_and_meets_its_obligation_within_the_rules() -> None:
    by_id = {one.obligation.id: one.obligation for one in OBLIGED}
    for case in EVERY:
        followed = trace(PROCEDURE, case.facts)
        assert followed.branch == case.cluster == case.labels["branch"]
        assert followed.path == case.labels["path"]
        assert met(PROCEDURE, by_id[case.labels["obligation"]], case.facts, followed)
        assert all(evaluate(rule, case.facts) for rule in PROCEDURE.rules)


def test_every_fact_stays_in_its_domain() -> None:
    for case in TRAIN:
        assert 0 <= case.facts["parcel.days_late"] <= 60
        assert 1 <= case.facts["parcel.value"] <= 900
        assert "2026-03-01" <= case.facts["today"] <= "2026-10-31"
        assert "2026-01-01" <= case.facts["parcel.insured_until"] <= "2027-12-31"


def test_gold_played_through_the_world_gives_the_expected_end_and_full_marks() -> None:
    for case in (*EVAL, *DEV):
        trajectory = asyncio.run(rollout(case, oracle(), WORLD))
        assert trajectory.changes == case.expectation.changes
        assert trajectory.effects == case.expectation.effects
        scores = RUBRIC.score(case, trajectory)
        assert {name: score.reason for name, score in scores.items() if score.value != 1.0} == {}, case.id


def test_the_cases_cover_the_criterion_they_were_generated_for() -> None:
    seen = coverage(PROCEDURE, [case.facts for case in EVAL if case.locale == "vi"], "mcdc")
    assert seen.uncovered == ()


def test_two_generations_are_byte_identical_and_another_seed_is_not() -> None:
    def text(cases: tuple[Case, ...]) -> list[str]:
        return [canonical(case.to_json()) for case in cases]

    assert text(generated("eval")) == text(EVAL)
    assert text(generated("eval", seed=1)) != text(EVAL)


def test_a_case_reads_the_same_after_a_round_through_json() -> None:
    for case in EVAL:
        again = Case.from_json(case.to_json(), WORLD.toolset, WORLD.lexicon)
        assert again.fingerprint() == case.fingerprint()


def test_the_splits_share_no_sentence_and_no_incidental_value() -> None:
    assert overlaps(EVERY) == ()
    ids = {split: {case.facts["parcel.id"] for case in EVERY if case.split == split} for split in ("train", "eval")}
    assert not ids["train"] & ids["eval"]
    assert all(split_of("id", value) == "train" for value in ids["train"])


def test_a_planted_overlap_is_found_and_names_a_case_of_each_split() -> None:
    sentence = "The cat sat on the parcel."
    train, evaluated = TRAIN[0], EVAL[0]
    planted = (replace(train, opening=sentence), replace(evaluated, opening=f"Hello. {sentence.upper()}"))
    (found,) = overlaps(planted)
    assert (found.kind, found.text, found.cases) == ("sentence", "the cat sat on the parcel", (train.id, evaluated.id))
    stolen = replace(evaluated, facts={**evaluated.facts, "parcel.id": train.facts["parcel.id"]})
    assert train.facts["parcel.id"] in {one.text for one in overlaps((train, stolen)) if one.kind == "value"}
    assert overlaps((replace(train, opening="Hello there!"), replace(evaluated, opening="Hello there!"))) == ()


def test_no_case_occurs_twice_and_openings_that_differ_only_in_values_are_counted() -> None:
    assert len({fingerprint([case.facts, case.opening]) for case in EVERY}) == len(EVERY)
    twin = replace(EVAL[0], id="twin", opening=EVAL[0].opening.replace(EVAL[0].facts["parcel.id"], "P-00000"))
    assert near_duplicates((EVAL[0], twin)).share == 1.0
    assert near_duplicates((EVAL[0], replace(twin, locale="vi"))).share == 0.0


def test_facts_that_an_obligation_leaves_free_differ_between_its_cases() -> None:
    paid = [case for case in TRAIN if case.cluster == "known_parcel/payable>paid"]
    assert {case.facts["given.parcel_id"] for case in paid} == {True, False}
    assert {case.facts["parcel.contents"] for case in paid} == {"goods", "documents"}
    assert len({case.facts["parcel.value"] for case in paid}) > 20
    assert len({case.facts["today"] for case in paid}) > 20
    values = [case.facts["parcel.value"] for case in paid]
    assert (
        sum(value > 275 for value in values) > len(values) / 4
        and sum(value < 250 for value in values) > len(values) / 5
    )


def test_cases_at_an_edge_of_two_dates_still_differ_in_their_dates() -> None:
    edge = [
        case for case in TRAIN if case.labels["obligation"].endswith("too_early:parcel.insured_until>=today:at today")
    ]
    assert edge and all(case.facts["today"] == case.facts["parcel.insured_until"] for case in edge)
    assert len({case.facts["today"] for case in edge}) > len(edge) / 2


def test_the_user_tells_what_is_known_and_has_told_what_is_given() -> None:
    for case in EVERY:
        given, known = case.facts["given.parcel_id"], case.facts["known.parcel_id"]
        assert (case.facts["parcel.id"] in case.opening) == given
        assert (case.user.slots["parcel_id"] is None) == (not given and not known)
        assert case.user.slots["contents"]


@pytest.mark.parametrize("locale", ["en", "vi"])
def test_the_system_message_has_the_frozen_day_and_the_language(locale: str) -> None:
    case = next(case for case in EVAL if case.locale == locale)
    assert case.system == WORLD.system[case.locale].replace("{today}", case.facts["today"])
    assert "{" not in case.system
