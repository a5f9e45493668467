"""Targets first: looks at `dev` while training, which disturb nothing, keep the best weights, and stop in time."""

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl", reason="training needs samescore[train]")

import numpy as np
import torch
from gold_writer import GoldWriter
from peft import get_peft_model_state_dict
from safetensors.torch import load_file
from small_training import SUITE, configured, log
from transformers import TrainerCallback

from samescore.harness.blocking import blocking
from samescore.harness.errors import ExitCode, TrainingFailed, UsageError
from samescore.harness.fingerprint import fingerprint
from samescore.harness.manifest import Status
from samescore.harness.passport import read as read_passport
from samescore.harness.plan import Plan
from samescore.harness.policies.model_files import weights_digest
from samescore.harness.run import Run
from samescore.trainers import sft
from samescore.trainers.backends.transformers import EngineWriter
from samescore.trainers.config import SftConfig
from samescore.trainers.dev import ADAPTER, Looks
from samescore.trainers.dev_callback import figures, line
from samescore.trainers.dev_targets import TARGETS, say_moved, stated
from samescore.trainers.dev_weights import as_saved, undisturbed
from samescore.trainers.material import load_material
from samescore.trainers.training import WEIGHTS, Options, Training, carry_out, load_model, prepare

CASES = 6
SMALL = f"""
base = "tiny"
adapter = "support-sft"
out = "adapter"
epochs = 1
batch_size = 1
gold = false
files = ["talk.jsonl"]

[data]
suite = "{SUITE}"
limit = 1

[dev]
every = 1
limit = {CASES}

[checkpoint]
every = 1
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Training[SftConfig]:
    return prepare("sft", configured(tmp_path_factory.mktemp("dev"), SMALL), SftConfig, Options())


@pytest.fixture(scope="module")
def model(prepared: Training[SftConfig]) -> Any:
    return load_model(prepared)


@pytest.fixture(scope="module")
def writer(prepared: Training[SftConfig]) -> GoldWriter:
    material = load_material(prepared.config.data, "dev")
    planned = {case.id for case in Plan.make([material.suite], limit=CASES).cases}
    return GoldWriter([case for case in material.cases if case.id in planned], material.worlds, prepared.renderer)


@pytest.fixture
def looking(
    prepared: Training[SftConfig], model: Any, writer: GoldWriter, tmp_path: Path
) -> Iterator[Callable[..., Looks]]:
    """Looks of a training run of its own, with the targets and the options of `dev` that are given."""
    before = {name: value.clone() for name, value in adapter_of(model).items()}
    writer.right, writer.crashes, writer.began = (), False, 0

    def looks(targets: dict[str, float] | None = None, **dev: Any) -> Looks:
        asked = prepared.config.dev.model_copy(update={"limit": CASES, **dev})
        config = prepared.config.model_copy(update={"out": tmp_path / "adapter", "dev": asked})
        suite = replace(prepared.material.suite, targets=targets or {"success": 0.99})  # type: ignore[type-var]
        return Looks(replace(prepared, config=config, material=replace(prepared.material, suite=suite)), model, writer)

    yield looks
    for name, value in adapter_of(model).items():
        value.copy_(before[name])


def adapter_of(model: Any) -> dict[str, torch.Tensor]:
    values = get_peft_model_state_dict(model, save_embedding_layers=False)
    return {name: value.detach() for name, value in values.items()}


def train_on(model: Any, amount: float = 0.001) -> None:
    """Other weights."""
    for value in adapter_of(model).values():
        value += amount


def right(looks: Looks, count: int) -> None:
    """From now on the model has so many cases right."""
    looks.writer.right = [case.id for case in looks.plan.cases[:count]]  # type: ignore[attr-defined]


def kept(looks: Looks) -> list[str]:
    """The runs beside which weights lie."""
    return sorted(path.parent.parent.name for path in looks.folder.rglob(WEIGHTS))


def test_the_best_weights_are_kept_and_of_equals_the_earlier(looking: Callable[..., Looks], model: Any) -> None:
    looks = looking()
    weights = {}
    for step, count in ((2, 1), (4, 3), (6, 3), (8, 2)):
        right(looks, count)
        train_on(model)
        weights[step] = {name: value.bfloat16() for name, value in adapter_of(model).items()}
        assert looks.look(step).success == count / CASES
        assert len(kept(looks)) == 1, "the others are gone"
    assert looks.best is not None and looks.best.step == 4 and kept(looks) == ["step-000004"]
    looks.put_best()
    for name, value in adapter_of(model).items():
        assert torch.equal(value, weights[4][name].float()), "the best, not the last"
    assert {result.step for result in looks.results()} == {4}
    success = next(result for result in looks.results() if result.metric == "success")
    assert (success.value, success.n) == (3 / CASES, CASES) and success.low < 0.5 < success.high
    told = looks.to_json()
    assert [look["step"] for look in told["looks"]] == [2, 4, 6, 8] and told["stopped"] is None
    looks.tidy()
    assert kept(looks) == [] and (looks.folder / "step-000004" / "evidence.jsonl").exists()


def test_training_stops_when_the_lower_bound_reaches_every_target(looking: Callable[..., Looks]) -> None:
    looks = looking(targets={"success": 0.5, "execution": 0.3})
    right(looks, CASES - 2)
    assert not looks.look(2).met and looks.reason_to_stop() is None, "the mean is over it, the lower bound is not"
    right(looks, CASES)
    look = looks.look(4)
    assert look.metrics["success"].low >= 0.5 and look.met
    assert looks.reason_to_stop() == "every target is met on dev"


def test_one_target_missed_is_none_met(looking: Callable[..., Looks]) -> None:
    looks = looking(targets={"success": 0.99, "execution": 0.1})
    right(looks, CASES)
    assert not looks.look(2).met and looks.reason_to_stop() is None


def test_training_goes_on_past_its_targets_where_that_is_asked_for(looking: Callable[..., Looks]) -> None:
    looks = looking(targets={"success": 0.1}, stop=False)
    right(looks, CASES)
    assert looks.look(2).met and looks.reason_to_stop() is None


def test_without_targets_nothing_is_met(looking: Callable[..., Looks]) -> None:
    looks = looking()
    looks.targets = {}
    right(looks, CASES)
    assert not looks.look(2).met


def test_patience_counts_looks_without_a_better_success(looking: Callable[..., Looks]) -> None:
    looks = looking(patience=2)
    told = []
    for step, count in enumerate((1, 1, 2, 0, 2)):
        right(looks, count)
        looks.look(step)
        told.append((looks.stale, looks.reason_to_stop()))
    assert [stale for stale, _ in told] == [0, 1, 0, 1, 2]
    assert [reason for _, reason in told] == [None] * 4 + ["no better success on dev in 2 looks"]


def test_a_look_on_disk_is_not_repeated_and_the_best_is_known_again(looking: Callable[..., Looks], model: Any) -> None:
    first = looking(patience=3)
    for step, count in ((2, 3), (4, 1), (6, 2)):
        right(first, count)
        train_on(model)
        first.look(step)
    again = looking(patience=3)
    again.resume(4)
    assert [(look.step, look.success) for look in again.looks] == [(2, 3 / CASES), (4, 1 / CASES)]
    assert again.best is not None and again.best.step == 2 and again.stale == 1
    began = first.writer.began  # type: ignore[attr-defined]
    look = again.look(6)
    assert (look.success, look.run.name) == (2 / CASES, "step-000006") and again.stale == 2
    assert again.writer.began == began, "nothing was asked of the model"  # type: ignore[attr-defined]
    assert kept(again) == ["step-000002"]


def test_other_weights_at_the_same_step_are_looked_at_anew(looking: Callable[..., Looks], model: Any) -> None:
    first = looking()
    right(first, 2)
    first.look(2)
    again = looking()
    again.resume(0)
    assert again.looks == [] and again.best is not None, "a look ahead of the checkpoint may still be the best"
    train_on(model)
    right(again, 3)
    look = again.look(2)
    assert look.run.name == "step-000002-2" and kept(again) == ["step-000002-2"]


def test_a_look_that_was_interrupted_is_carried_on(looking: Callable[..., Looks]) -> None:
    looks = looking()
    right(looks, CASES)
    looks.look(2)
    evidence = looks.folder / "step-000002" / "evidence.jsonl"
    lines = evidence.read_bytes().splitlines(keepends=True)
    evidence.write_bytes(b"".join(lines[:2]))
    Run.open(evidence.parent).update(status=Status.RUNNING, finished=None)
    again = looking()
    again.resume(2)
    assert again.looks == []
    assert again.look(2).success == 1.0
    assert evidence.read_bytes().startswith(b"".join(lines[:2])), "what was recorded stays"
    assert len(evidence.read_bytes().splitlines()) == len(lines)


def test_a_crash_of_the_model_stops_the_training_and_says_what_is_saved(looking: Callable[..., Looks]) -> None:
    looks = looking()
    right(looks, 2)
    looks.look(2)
    looks.writer.crashes = True  # type: ignore[attr-defined]
    with pytest.raises(TrainingFailed) as caught:
        looks.look(4)
    message = str(caught.value)
    assert caught.value.exit_code is ExitCode.INCOMPLETE
    assert message.startswith("the look at dev after step 4 failed: the model crashed 5 times in a row")
    assert f"The weights of that step are in {looks.folder / 'step-000004' / ADAPTER}." in message
    assert f"The best until then (step 2) are in {looks.folder / 'step-000002' / ADAPTER}." in message
    assert kept(looks) == ["step-000002", "step-000004"]
    looks.writer.crashes = False  # type: ignore[attr-defined]
    again = looking()
    again.resume(2)
    right(again, 1)
    assert again.look(4).success == 1 / CASES, "what failed is had again"


def test_looks_of_other_cases_are_not_gone_on_with(looking: Callable[..., Looks]) -> None:
    looking().look(2)
    with pytest.raises(UsageError, match=r"step-000002: dev was looked at with other cases.*3 cases only there"):
        looking(limit=CASES - 3).resume(2)


def test_what_a_look_says_is_logged_and_told(looking: Callable[..., Looks]) -> None:
    looks = looking(targets={"success": 0.99, "format": 0.1})
    right(looks, 3)
    look = looks.look(2)
    logged = figures(look)
    success = look.metrics["success"]
    assert logged["dev/success"] == 0.5
    assert (logged["dev/success_low"], logged["dev/success_high"]) == (success.low, success.high)
    assert logged["dev/seconds"] > 0 and logged.keys() >= {f"dev/{name}" for name in look.metrics}
    assert line(look, True, None) == (
        f"dev after step 2: success 0.500 [{success.low:.3f}–{success.high:.3f}] on 6 cases · 1 of 2 targets met · "
        f"best so far · {look.run}"
    )


def test_a_look_leaves_random_numbers_modes_and_weights_as_they_were(
    looking: Callable[..., Looks], model: Any, prepared: Training[SftConfig]
) -> None:
    looks = looking(limit=1)
    looks.writer = EngineWriter(model, prepared.renderer)
    model.train()
    halfway = model.get_base_model().model.layers[1]
    halfway.eval()
    attention = model.config._attn_implementation
    before = {name: value.clone() for name, value in model.state_dict().items()}
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    looks.look(2)
    assert states[0] == random.getstate() and states[1] == np.random.get_state()[1].tolist()
    assert torch.equal(states[2], torch.get_rng_state())
    assert model.training and not halfway.training and model.get_base_model().model.layers[0].training
    assert model.config._attn_implementation == attention != "samescore"
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(value.grad is None for value in model.parameters()) and looks.writer._engine is None
    halfway.train()


def test_random_numbers_that_others_draw_are_not_missed() -> None:
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    expected = random.random(), np.random.random(), torch.rand(1)
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    with pytest.raises(KeyError), undisturbed():
        random.random(), np.random.random(), torch.rand(1)
        raise KeyError
    assert (random.random(), np.random.random(), torch.rand(1)) == expected


def test_what_is_looked_at_is_what_is_saved(model: Any, looking: Callable[..., Looks]) -> None:
    looks = looking()
    train_on(model, 1e-4)  # bfloat16 cannot hold the sums
    own = {name: value.clone() for name, value in adapter_of(model).items()}
    saved = looks._kept() / WEIGHTS
    with as_saved(model, saved):
        for name, value in load_file(saved).items():
            assert torch.equal(adapter_of(model)[name], value.float()) and not torch.equal(value.float(), own[name])
    assert all(torch.equal(value, own[name]) for name, value in adapter_of(model).items())


@pytest.fixture
def written(model: Any, prepared: Training[SftConfig]) -> Callable[[EngineWriter], tuple[int, ...]]:
    """The beginning of the first turn of a case."""
    case = prepared.material.cases[0]
    prompt = prepared.renderer.start(case.messages, case.toolset)

    def write(writer: EngineWriter) -> tuple[int, ...]:
        writer.begin()
        try:
            return blocking(writer.session(prompt[:-8]).generate(prompt, 24))
        finally:
            writer.end()

    return write


def test_a_writer_forgets_what_was_read_with_other_weights(
    model: Any, prepared: Training[SftConfig], written: Callable[[EngineWriter], tuple[int, ...]]
) -> None:
    writer = EngineWriter(model, prepared.renderer)
    first = written(writer)
    before = {name: value.clone() for name, value in adapter_of(model).items()}
    for value in adapter_of(model).values():
        value.zero_()
    bare = written(writer)
    assert bare == written(EngineWriter(model, prepared.renderer)) != first
    for name, value in adapter_of(model).items():
        value.copy_(before[name])
    assert written(writer) == first


def test_a_writer_drops_nothing_out(
    model: Any, prepared: Training[SftConfig], written: Callable[[EngineWriter], tuple[int, ...]]
) -> None:
    expected = written(EngineWriter(model, prepared.renderer))
    dropping = [module.lora_dropout for module in model.modules() if hasattr(module, "lora_dropout")]
    for one in dropping:
        one["default"] = torch.nn.Dropout(0.9)
    model.train()
    try:
        assert written(EngineWriter(model, prepared.renderer)) == expected
    finally:
        for one in dropping:
            one["default"] = torch.nn.Identity()


def test_a_writer_stops_where_evaluation_does(model: Any, prepared: Training[SftConfig]) -> None:
    generation = model.get_base_model().generation_config
    before = generation.eos_token_id
    generation.eos_token_id = [before, 77]
    try:
        assert EngineWriter(model, prepared.renderer)._stops == {*prepared.renderer.ends, before, 77}
    finally:
        generation.eos_token_id = before


def test_targets_are_on_disk_before_the_first_step_and_may_not_move(
    tmp_path: Path, prepared: Training[SftConfig]
) -> None:
    suite = replace(prepared.material.suite, targets={"success": 0.8, "path": 0.5})  # type: ignore[type-var]
    first = stated(tmp_path, suite)
    data = json.loads((tmp_path / TARGETS).read_text(encoding="utf-8"))
    assert data["targets"] == {"success": 0.8, "path": 0.5} and data["fingerprint"] == fingerprint(dict(suite.targets))
    assert data["fingerprint"] == suite.targets_fingerprint
    moved = replace(suite, targets={"success": 0.7, "format": 0.9})
    assert stated(tmp_path, moved) == first, "what stood at the start"
    first.require(suite)
    with pytest.raises(UsageError, match=r"format was none, is 0\.9; .*path was 0\.5, is none; .*0\.8, is 0\.7"):
        first.require(moved)


def test_targets_that_were_changed_on_disk_are_refused(tmp_path: Path, prepared: Training[SftConfig]) -> None:
    stated(tmp_path, prepared.material.suite)
    path = tmp_path / TARGETS
    path.write_text(path.read_text(encoding="utf-8").replace("0.9", "0.1"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"targets\.json: the targets that training started from were changed"):
        stated(tmp_path, prepared.material.suite)
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(UsageError, match=r"targets\.json: the targets"):
        stated(tmp_path, prepared.material.suite)


def test_targets_that_moved_meanwhile_are_said(
    tmp_path: Path, prepared: Training[SftConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    data = prepared.config.data
    assert say_moved(stated(tmp_path / "same", prepared.material.suite), data) == {}
    lower = replace(prepared.material.suite, targets={**prepared.material.suite.targets, "success": 0.5})  # type: ignore[type-var]
    told = say_moved(stated(tmp_path / "lower", lower), data)
    assert told == {"moved_targets": ["courier: success was 0.5, is 0.85"]}
    assert "note: a target moved since this training began: courier: success was 0.5" in capsys.readouterr().err
    gone = say_moved(stated(tmp_path / "same", prepared.material.suite), data.model_copy(update={"suite": "sop/gone"}))
    assert "cannot be loaded any more" in gone["moved_targets"][0], "the adapter is not given up for it"


class Schedule(GoldWriter):
    """Has so many cases right in one look after the other."""

    def __init__(self, known: GoldWriter, cases: Sequence[str], counts: Sequence[int]) -> None:
        self.known, self.silence, self.crashes = known.known, known.silence, False
        self.cases, self.counts, self.began = cases, counts, 0

    def begin(self) -> None:
        self.right = self.cases[: self.counts[self.began]]
        super().begin()


def trained(folder: Path, writer: GoldWriter, targets: Mapping[str, float], options: Options, *callbacks: Any) -> Path:
    """As `sft.train`, with other targets and with a writer for `dev`."""
    training = prepare("sft", folder / "sft.toml", SftConfig, options)
    suite = replace(training.material.suite, targets=targets)  # type: ignore[type-var]
    training = replace(training, material=replace(training.material, suite=suite))
    data = sft.data_of(training)
    trainer = sft.trainer_of(training, data.samples)
    return carry_out(training, trainer, data.to_json(), callbacks=callbacks, writer=writer)


@pytest.fixture
def cases(prepared: Training[SftConfig]) -> list[str]:
    material = load_material(prepared.config.data, "dev")
    return [case.id for case in Plan.make([material.suite], limit=CASES).cases]


def test_a_training_that_reached_its_targets_ends_well(
    tmp_path: Path, writer: GoldWriter, cases: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    configured(tmp_path, SMALL)
    adapter = trained(tmp_path, Schedule(writer, cases, [2, 6]), {"success": 0.5}, Options())
    passport = read_passport(adapter)
    assert passport is not None and passport.training["steps"] == 2, "of 3"
    assert passport.training["dev"]["stopped"] == "every target is met on dev"
    assert weights_digest(adapter) == Run.open(adapter / "dev" / "step-000002").manifest.description["adapter"]
    assert [entry["event"] for entry in log(adapter)] == ["begin", "dev", "dev", "step", "end"]
    told = [text for text in capsys.readouterr().err.splitlines() if text.startswith("dev after step")]
    assert len(told) == 2 and "0 of 1 targets met · best so far" in told[0]
    assert "1 of 1 targets met · best so far · stopping: every target is met on dev" in told[1]
    assert passport.training["moved_targets"], "those of this test are not those of the suite"


def test_a_training_that_gets_worse_leaves_its_best_adapter(
    tmp_path: Path, writer: GoldWriter, cases: list[str]
) -> None:
    configured(tmp_path, SMALL)
    adapter = trained(tmp_path, Schedule(writer, cases, [5, 1, 3]), {"success": 0.99}, Options())
    digests = [Run.open(run).manifest.description["adapter"] for run in sorted((adapter / "dev").iterdir())]
    assert len(set(digests)) == 3 and weights_digest(adapter) == digests[0]
    passport = read_passport(adapter)
    assert passport is not None and {result.step for result in passport.dev} == {1}
    assert passport.training["steps"] == 3 and passport.training["dev"]["stopped"] is None


class Interrupted(TrainerCallback):
    """Ctrl-C after a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if state.global_step == self.step:
            raise KeyboardInterrupt


def test_a_resumed_training_knows_its_looks_and_its_targets(
    tmp_path: Path, writer: GoldWriter, cases: list[str]
) -> None:
    configured(tmp_path, SMALL)
    with pytest.raises(TrainingFailed, match=r"interrupted\..*step 2 is intact"):
        trained(tmp_path, Schedule(writer, cases, [5, 1]), {"success": 0.99}, Options(), Interrupted(2))
    with pytest.raises(
        UsageError, match=r"targets moved since this training began: courier: success was 0\.99, is 0\.5"
    ):
        trained(tmp_path, writer, {"success": 0.5}, Options(resume=True))
    rest = Schedule(writer, cases, [2])
    adapter = trained(tmp_path, rest, {"success": 0.99}, Options(resume=True))
    assert rest.began == 1, "only the last step was still to be looked at"
    assert weights_digest(adapter) == Run.open(adapter / "dev" / "step-000001").manifest.description["adapter"]
    passport = read_passport(adapter)
    assert passport is not None
    assert [(look["step"], look["success"]) for look in passport.training["dev"]["looks"]] == [
        (1, 5 / 6),
        (2, 1 / 6),
        (3, 2 / 6),
    ]
