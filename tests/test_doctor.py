"""`samescore doctor`: every question, with what makes it fine, what makes it a look, and what makes it a stop."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

pytest.importorskip("transformers", reason="the doctor reads chat templates")

from chat_templates import template_text
from in_process import samescore

from samescore.harness.cli.loading import load_suites
from samescore.harness.dialects import DIALECTS
from samescore.harness.errors import UsageError
from samescore.harness.policies import tiny_path
from samescore.harness.run import Run
from samescore.harness.served import VLLM
from samescore.harness.stats.interval import wilson
from samescore.trainers.doctor import QUESTIONS, Given, Level, Verdict, examine, splits
from samescore.trainers.doctor.inputs import Inputs
from samescore.trainers.doctor.personal import masked, personal_in
from samescore.trainers.doctor.serving import reading_of
from samescore.trainers.doctor.training_log import read_log
from samescore.trainers.doctor.verdict import NotAtHand

STARTER = Path(__file__).parent.parent / "fixtures" / "starter"
ASK = {question.name: question.ask for question in QUESTIONS}


def configured(folder: Path, text: str = "", suite: Path | str = STARTER, data: str = "") -> Path:
    path = folder / "config.toml"
    path.write_text(f'out = "adapter"\n{text}\n[data]\nsuite = "{suite}"\n{data}\n', encoding="utf-8")
    return path


def inputs(folder: Path, text: str = "", suite: Path | str = STARTER, data: str = "", **more: Any) -> Inputs:
    return Inputs(Given(configured(folder, text, suite, data), **more))


def conversations(path: Path, *said: str, answer: str = "Noted.") -> Path:
    lines = [
        {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": f"{answer} {number}"}]}
        for number, text in enumerate(said)
    ]
    path.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines), encoding="utf-8")
    return path


def stops(verdict: Verdict) -> list[str]:
    return [remark.what for remark in verdict.remarks if remark.level is Level.STOP]


def looks(verdict: Verdict) -> list[str]:
    return [remark.what for remark in verdict.remarks if remark.level is Level.LOOK]


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """The starter suite on the embedded model: what is read once is read for all tests."""
    return inputs(tmp_path_factory.mktemp("starter"))


# Together.


def test_what_is_not_at_hand_is_said_and_nothing_else_is_asked(tmp_path: Path) -> None:
    done = samescore("doctor", "--json", cwd=tmp_path)
    answers = json.loads(done.stdout)["answers"]
    assert done.returncode == 0
    assert [answer["question"] for answer in answers] == [question.name for question in QUESTIONS]
    assert {answer["verdict"] for answer in answers} == {"not asked"}
    assert all(answer["give"] for answer in answers)
    assert list(tmp_path.iterdir()) == [], "no run was begun"


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, Any]:
    folder = tmp_path_factory.mktemp("screen")
    mine = conversations(folder / "mine.jsonl", "Call me on 0912 345 678, please.")
    config = configured(folder)
    return {
        columns: samescore("doctor", config, "--cases", "0", "--data", mine, cwd=folder, columns=columns)
        for columns in (80, 120)
    }


@pytest.mark.parametrize("columns", [80, 120])
def test_a_person_reads_every_verdict_within_the_width_of_the_terminal(screen: Mapping[int, Any], columns: int) -> None:
    done = screen[columns]
    lines = done.stdout.splitlines()
    assert all(len(line) <= columns and line == line.rstrip() for line in lines)
    for question in QUESTIONS:
        assert any(line.endswith(question.title) for line in lines), question.title
    assert "fine       Does the training data leak held-out cases?" in lines
    assert "look       Is there personal data in the training set?" in lines
    assert "not asked  Did an earlier run overfit?" in lines
    assert lines[-1].endswith("not asked") and done.returncode == 0
    assert "0912" not in done.stdout and "345" not in done.stdout, "personal data is shown masked"


def test_one_stop_is_exit_1_and_the_object_holds_everything_that_leaks(tmp_path: Path, starter: Inputs) -> None:
    case = starter.eval.cases[0]
    mine = conversations(tmp_path / "mine.jsonl", "Hello!", f"I write again. {case.opening.upper()}")
    done = samescore("doctor", configured(tmp_path), "--cases", "0", "--data", mine, "--json", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert (done.returncode, told["exit"], told["status"]) == (1, 1, "stop")
    answer = next(answer for answer in told["answers"] if answer["question"] == "leakage")
    assert answer["verdict"] == "stop" and answer["figures"]["training"] == [f"{mine}:2"]
    assert case.id in answer["figures"]["cases"]
    assert {"kind", "training", "case", "split", "shared"} == set(answer["figures"]["found"][0])


def test_what_was_given_wrongly_is_one_message(tmp_path: Path) -> None:
    broken = tmp_path / "mine.jsonl"
    broken.write_text('{"messages": [{"role": "bot", "content": "x"}]}\n', encoding="utf-8")
    done = samescore("doctor", "--data", broken, cwd=tmp_path)
    assert done.returncode == 2 and "unknown role 'bot'" in done.stderr and f"{broken}:1" in done.stderr
    done = samescore("doctor", "no.toml", cwd=tmp_path)
    assert done.returncode == 2 and "no.toml: cannot read the configuration" in done.stderr


# Is it needed?


def run(folder: Path, model: str, name: str, *more: str) -> Path:
    out = folder / name
    options = ("--model", model, "--split", "dev", "--out", out, *more)
    done = samescore("eval", STARTER, *options, cwd=folder)
    assert done.returncode == 0, done.stderr
    return out


def test_a_base_that_meets_the_targets_with_its_prompt_needs_no_training(tmp_path: Path) -> None:
    perfect = run(tmp_path, "oracle", "perfect", "--procedure", "prompt")
    verdict = ASK["need"](Inputs(Given(baseline=perfect)))
    assert stops(verdict) == ["the base meets all 3 targets with the procedure in its prompt"]
    assert "oracle with the procedure in the prompt: success 1.000" in verdict.evidence
    useless = run(tmp_path, "null/noop", "useless", "--procedure", "prompt")
    assert ASK["need"](Inputs(Given(baseline=useless))).level is Level.FINE
    Run.open(useless).update(adapter="mine")
    with pytest.raises(UsageError, match="this run is of the adapter mine"):
        ASK["need"](Inputs(Given(baseline=useless)))
    few = run(tmp_path, "oracle", "few", "--procedure", "prompt", "--limit", "4")
    assert looks(ASK["need"](Inputs(Given(baseline=few))))[0].startswith("no target is missed for certain")


def test_a_baseline_that_was_not_told_the_procedure_or_is_of_another_model_proves_nothing(tmp_path: Path) -> None:
    untold = run(tmp_path, "null/noop", "untold")
    verdict = ASK["need"](inputs(tmp_path, baseline=untold))
    assert any("was not told the procedure" in what for what in looks(verdict))
    assert any("the run is of null/noop, and tiny is to be trained" in what for what in looks(verdict))
    judged = samescore("eval", STARTER, "--model", "null/noop", "--out", tmp_path / "judged", cwd=tmp_path)
    assert judged.returncode == 0
    verdict = ASK["need"](Inputs(Given(baseline=tmp_path / "judged")))
    assert any("eval is for the verdict alone" in what for what in looks(verdict))


def test_without_a_run_the_base_is_measured_by_the_evaluation_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    verdict = ASK["need"](inputs(tmp_path, cases=2))
    (directory,) = (tmp_path / "runs").iterdir()
    told = json.loads((directory / "run.json").read_text(encoding="utf-8"))
    assert told["plan"]["procedure"] == "prompt" and told["plan"]["limit"] == 2 and told["model"] == "tiny"
    assert "tiny with the procedure in the prompt" in verdict.evidence and "2 cases of dev" in verdict.evidence
    assert verdict.figures["cases"] == 2


# Data.


def test_data_is_counted_by_branch_language_and_token(starter: Inputs) -> None:
    verdict = ASK["data"](starter)
    assert verdict.figures["conversations"] == {"gold": 384, "recorded": 0, "files": 0}
    assert sum(verdict.figures["branches"].values()) == 384 and verdict.figures["locales"] == {"en": 192, "vi": 192}
    assert 0 < verdict.figures["learned_tokens"] < verdict.figures["tokens"]
    assert stops(verdict) == []


def test_what_is_asked_and_never_learned_is_a_stop(tmp_path: Path) -> None:
    verdict = ASK["data"](inputs(tmp_path, data='limit = 3\nlocales = ["en"]'))
    assert any(what.startswith("branches of dev or eval that never occur in training") for what in stops(verdict))
    conversations(tmp_path / "mine.jsonl", "Hello")
    verdict = ASK["data"](inputs(tmp_path, 'gold = false\nfiles = ["mine.jsonl"]'))
    assert any(what.startswith("tools of dev or eval that never occur in training") for what in stops(verdict))
    assert "so few conversations (1) will be learned by heart" in looks(verdict)


def test_copies_of_conversations_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    line = json.dumps({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]})
    path.write_text(f"{line}\n" * 10, encoding="utf-8")
    verdict = ASK["data"](Inputs(Given(data=(path,))))
    assert any("9 of 10 conversations are the same as another" in what for what in looks(verdict))


# The base and its template.


def base(folder: Path, template: str | None = None, **config: Any) -> str:
    """The embedded model with another template or configuration."""
    folder.mkdir()
    for path in tiny_path().iterdir():
        if path.is_file():
            (folder / path.name).symlink_to(path)
    told = json.loads((tiny_path() / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").unlink()
    (folder / "config.json").write_text(json.dumps({**told, **config}), encoding="utf-8")
    if template is not None:
        (folder / "chat_template.jinja").unlink(missing_ok=True)
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    return f'base = "hf/{folder}"'


def test_the_embedded_model_fits_its_own_suites(starter: Inputs) -> None:
    verdict = ASK["template"](starter)
    assert verdict.level is Level.FINE and "tiny writes hermes" in verdict.evidence
    assert verdict.figures["longest"] <= verdict.figures["max_tokens"]
    assert set(verdict.figures["tokens_per_word"]) == {"en", "vi"}


def test_a_template_that_writes_no_calls_is_a_stop_and_others_are_not_asked(tmp_path: Path) -> None:
    plain = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    text = base(tmp_path / "base", plain + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
    broken = inputs(tmp_path, text)
    assert any("no dialect reads back" in what for what in stops(ASK["template"](broken)))
    for name in ("serving", "method", "cost"):
        with pytest.raises(NotAtHand, match="see `template`"):
            ASK[name](broken)
    assert ASK["leakage"](broken).level is Level.FINE


def test_sequences_past_the_limit_or_the_context_name_the_conversation(tmp_path: Path, starter: Inputs) -> None:
    source = ASK["template"](starter).figures["longest_item"]
    short = inputs(tmp_path, f"{base(tmp_path / 'base', max_position_embeddings=64)}\nmax_tokens = 100")
    assert stops(ASK["template"](short)) == [
        f"{source} is longer than max_tokens = 100",
        f"{source} is longer than the base's context of 64",
    ]


def test_a_tokenizer_with_more_tokens_than_the_model_has_rows_is_a_stop(tmp_path: Path) -> None:
    verdict = ASK["template"](inputs(tmp_path, base(tmp_path / "base", vocab_size=4000), data="limit = 4"))
    assert any("and the model rows for 4,000" in what for what in stops(verdict))


def test_a_template_that_changes_earlier_turns_is_a_look_and_for_episodes_a_stop(tmp_path: Path) -> None:
    pytest.importorskip("trl", reason="its templates")
    text = base(tmp_path / "base", template_text("qwen3"))
    assert any(
        "writes earlier turns otherwise" in what
        for what in looks(ASK["template"](inputs(tmp_path, text, data="limit = 4")))
    )
    episode = inputs(tmp_path, f'{text}\nshape = "episode"', data="limit = 4", kind="grpo")
    assert any("writes earlier turns otherwise" in what for what in stops(ASK["template"](episode)))


def test_a_users_conversation_that_the_template_cannot_write_is_a_stop(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "<tool_call> is a mark."}]
    path.write_text(json.dumps({"messages": messages}) + "\n", encoding="utf-8")
    verdict = ASK["template"](Inputs(Given(configured(tmp_path, data="limit = 2"), data=(path,))))
    assert any(f"{path}:1" in what and "does not survive" in what for what in stops(verdict))


# Memory.


def test_what_does_not_fit_is_a_stop_that_says_what_would(tmp_path: Path) -> None:
    fits = ASK["method"](inputs(tmp_path, data="limit = 4", memory=24.0))
    assert fits.level is Level.FINE and "the GPU has 24.0 GiB" in fits.evidence
    needed = fits.figures["estimates_gib"]
    assert needed["single"] < needed["checkpointing"] < needed["configured"]
    tight = ASK["method"](inputs(tmp_path, data="limit = 4", memory=needed["checkpointing"] / 0.89))
    assert tight.level is Level.STOP and "Set gradient_checkpointing = true:" in tight.remarks[0].todo
    hopeless = ASK["method"](inputs(tmp_path, data="limit = 4", memory=0.05))
    assert hopeless.remarks[0].todo == "Take a smaller base or a larger GPU."


def test_four_bits_without_need_are_a_look(tmp_path: Path) -> None:
    verdict = ASK["method"](inputs(tmp_path, "four_bit = true", data="limit = 4", memory=24.0))
    assert any("16 bits fit as well" in what for what in looks(verdict))


# The cases that judge.

CASE = load_suites([str(STARTER)], "dev", None)[0].cases[0]


@given(st.integers(1, 60), st.integers(1, 20), st.sampled_from([0.5, 0.8, 0.9, 0.97]))
def test_the_least_share_that_meets_a_target_is_the_least(branches: int, each: int, target: float) -> None:
    judging = splits.judging("eval", [replace(CASE, cluster=f"b{at % branches}") for at in range(branches * each)])
    assert 1 <= judging.effective <= judging.cases == branches * each
    least = judging.least(target)
    if least is None:
        assert wilson(1.0, judging.effective)[0] < target
    else:
        assert wilson(least, judging.effective)[0] >= target
        assert least == target or wilson(least - 0.001, judging.effective)[0] < target


def test_held_out_cases_that_could_never_show_the_target_are_a_stop(tmp_path: Path, starter: Inputs) -> None:
    sound = ASK["splits"](starter)
    assert stops(sound) == [] and "the target of 0.85 is met from" in sound.evidence
    thin = inputs(tmp_path)
    thin.__dict__["eval"] = replace(thin.eval, cases=thin.eval.cases[:5])
    assert any(what.startswith("not even a perfect score on eval") for what in stops(ASK["splits"](thin)))
    assert any(what.startswith("eval tells success to ±") for what in looks(ASK["splits"](thin)))
    thin.__dict__["eval"] = replace(thin.eval, cases=())
    assert "eval has no case" in stops(ASK["splits"](thin))


def test_what_chooses_cannot_judge(tmp_path: Path) -> None:
    same = inputs(tmp_path)
    same.__dict__["eval"] = same.dev
    assert any(what.endswith("of eval are in dev too") for what in stops(ASK["splits"](same)))
    other = inputs(tmp_path)
    other.__dict__["dev"] = replace(other.dev, cases=[case for case in other.dev.cases if case.cluster == CASE.cluster])
    assert any(what.startswith("branches of eval that are not in dev: ") for what in looks(ASK["splits"](other)))


def test_a_suite_without_targets_is_a_stop(tmp_path: Path) -> None:
    untold = inputs(tmp_path)
    untold.__dict__["eval"] = replace(untold.eval, suite=replace(untold.eval.suite, targets={}))
    assert any("states no targets" in what for what in stops(ASK["splits"](untold)))


def test_checkpoints_chosen_on_a_handful_of_cases_are_a_look(tmp_path: Path) -> None:
    verdict = ASK["splits"](inputs(tmp_path, "[dev]\nevery = 10\nlimit = 5"))
    assert any(what.startswith("dev.limit = 5: checkpoints are chosen by") for what in looks(verdict))


# An earlier training.


def log(path: Path, *entries: Mapping[str, Any]) -> Path:
    path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), encoding="utf-8")
    return path


def steps(losses: Sequence[float], success: Sequence[float] = ()) -> list[dict[str, Any]]:
    """A line for each loss, and beside it for each success on dev, ±0.05."""
    found = [{"event": "step", "step": 10 * at, "loss": loss, "epoch": at / 2} for at, loss in enumerate(losses, 1)]
    for entry, value in zip(found, success, strict=False):
        entry |= {"dev/success": value, "dev/success_low": value - 0.05, "dev/success_high": value + 0.05}
    return found


def overfitting(path: Path) -> Verdict:
    return ASK["overfitting"](Inputs(Given(log=path)))


def test_a_training_that_got_better_on_dev_to_its_end_is_fine(tmp_path: Path) -> None:
    verdict = overfitting(log(tmp_path / "log.jsonl", *steps([2.0, 0.5, 0.1, 0.05], [0.1, 0.5, 0.7, 0.75])))
    assert verdict.level is Level.FINE
    assert verdict.evidence.startswith("loss 2 to 0.05 in 40 steps · 2 epochs · success on dev 0.100 to 0.750")


def test_dev_that_falls_while_the_loss_falls_is_a_stop(tmp_path: Path) -> None:
    verdict = overfitting(log(tmp_path / "log.jsonl", *steps([2.0, 0.5, 0.1, 0.05], [0.1, 0.7, 0.6, 0.4])))
    assert stops(verdict) == ["success on dev fell from 0.700 at step 20 to 0.400 while the loss went on falling"]
    assert "Keep the weights of step 20" in verdict.remarks[0].todo
    # A fall within what dev can tell is none, but no gain is one either.
    verdict = overfitting(log(tmp_path / "log.jsonl", *steps([2.0, 0.5, 0.1, 0.05], [0.7, 0.69, 0.68, 0.67])))
    assert looks(verdict) == ["success on dev has not risen since step 10, and the loss fell on"]


def test_a_held_out_loss_that_turned_is_a_stop(tmp_path: Path) -> None:
    history = [
        *({"step": at, "loss": loss} for at, loss in ((10, 2.0), (20, 1.0), (30, 0.3))),
        *({"step": at, "eval_loss": loss} for at, loss in ((10, 1.9), (20, 1.5), (30, 1.8))),
    ]
    state = tmp_path / "trainer_state.json"
    state.write_text(json.dumps({"log_history": history}), encoding="utf-8")
    assert stops(overfitting(tmp_path)) == ["the held-out loss turned at step 20: 1.5 there, 1.8 at the end"]


@pytest.mark.parametrize(
    ("losses", "what"),
    [([1.0, 0.0005], "the loss came down to 0.0005"), ([1.0, 1.5], "the loss rose"), ([1.0] * 22, "11 epochs")],
)
def test_other_signs_are_looks(tmp_path: Path, losses: list[float], what: str) -> None:
    found = looks(overfitting(log(tmp_path / "log.jsonl", *steps(losses))))
    assert any(one.startswith(what) for one in found)
    assert any(one.startswith("nobody looked at dev") for one in found)


def test_of_a_step_that_was_had_twice_the_later_line_counts(tmp_path: Path) -> None:
    lines = [*steps([2.0, 1.0]), {"event": "begin", "step": 10, "steps": 20}, {"step": 20, "loss": 0.5}]
    found = read_log(log(tmp_path / "log.jsonl", *lines, {"event": "end", "step": 20, "tokens": 9, "seconds": 1.0}))
    assert found.loss == ((10, 2.0), (20, 0.5))


@pytest.mark.parametrize("text", ['{"loss": 1.0}\n', "[]\n", '{"step": 1, "loss": null}\n', "nonsense\n"])
def test_what_is_no_log_is_said_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"log\.jsonl"):
        overfitting(path)
    with pytest.raises(UsageError, match=r"neither log\.jsonl nor trainer_state\.json"):
        overfitting(tmp_path / "..")


# Serving.


def test_the_server_is_told_a_rank_that_it_takes(tmp_path: Path) -> None:
    assert ASK["serving"](inputs(tmp_path, "[lora]\nrank = 24")).figures["max_lora_rank"] == 32
    verdict = ASK["serving"](inputs(tmp_path, "[lora]\nrank = 64"))
    assert "--max-lora-rank 64 --enable-auto-tool-choice --tool-call-parser hermes" in verdict.evidence


def test_an_adapter_that_a_server_does_not_take_is_to_be_merged(tmp_path: Path) -> None:
    folder = tmp_path / "dora"
    folder.mkdir()
    settings = {"r": 8, "rank_pattern": {"q_proj": 16}, "use_dora": True, "bias": "all", "modules_to_save": ["lm_head"]}
    (folder / "adapter_config.json").write_text(json.dumps(settings), encoding="utf-8")
    verdict = ASK["serving"](inputs(tmp_path, 'adapter = "dora"'))
    assert verdict.figures["rank"] == 16
    assert looks(verdict) == ["the adapter has what vLLM does not serve: modules_to_save, use_dora, bias"]


@pytest.mark.parametrize("dialect", [dialect for dialect in DIALECTS if dialect.name in VLLM], ids=lambda one: one.name)
def test_a_lenient_parser_takes_calls_that_are_malformed_here(dialect: Any) -> None:
    reading = reading_of(dialect)
    assert reading.repaired and not set(reading.repaired) & set(reading.misread)


# Cost.


def test_cost_is_tokens_times_epochs_over_speed_times_price(tmp_path: Path, starter: Inputs) -> None:
    once = starter.tokens[0]
    verdict = ASK["cost"](inputs(tmp_path, "epochs = 2", speed=1000.0, price=3.6))
    assert verdict.figures["tokens"] == 2 * once
    assert verdict.figures["seconds"] == pytest.approx(2 * once / 1000, abs=0.1)
    assert verdict.figures["usd"] == pytest.approx(2 * once / 1000 * 0.001, abs=1e-4)
    with pytest.raises(NotAtHand, match="--speed TOKENS"):
        ASK["cost"](inputs(tmp_path))


def test_speed_may_come_from_a_log_and_long_runs_want_checkpoints(tmp_path: Path) -> None:
    slow = log(tmp_path / "log.jsonl", *({"step": at, "loss": 1.0, "tokens_per_second": at} for at in (1, 2, 30)))
    verdict = ASK["cost"](inputs(tmp_path, "epochs = 90", data="limit = 4", log=slow))
    assert verdict.figures["tokens_per_second"] == 2.0 and "as in log.jsonl" in verdict.evidence
    assert any("without a checkpoint" in what for what in looks(verdict))
    assert "it takes more than a day" in looks(verdict)
    kept = inputs(tmp_path, "steps = 10\n[checkpoint]\nevery = 5", data="limit = 4", kind="grpo", speed=100.0)
    assert looks(ASK["cost"](kept)) == []
    assert "10 batches x 64 completions" in ASK["cost"](kept).evidence


def test_the_speed_of_another_kind_of_training_is_no_measure(tmp_path: Path) -> None:
    learned = log(tmp_path / "log.jsonl", {"step": 1, "loss": 1.0, "tokens_per_second": 9.0})
    with pytest.raises(NotAtHand, match="--log of a train grpo that says it"):
        ASK["cost"](inputs(tmp_path, "steps = 10", data="limit = 4", kind="grpo", log=learned))
    sampled = log(tmp_path / "log.jsonl", {"step": 1, "loss": 0.0, "reward": 0.5, "tokens_per_second": 9.0})
    assert ASK["cost"](inputs(tmp_path, "steps = 10", data="limit = 4", kind="grpo", log=sampled)).figures
    with pytest.raises(NotAtHand, match="--log of a train sft that says it"):
        ASK["cost"](inputs(tmp_path, "epochs = 1", data="limit = 4", log=sampled))


@pytest.mark.parametrize("shape", ["decision", "episode"])
def test_grpo_is_sized_by_its_completions_as_the_plan_sizes_it(tmp_path: Path, shape: str) -> None:
    pytest.importorskip("trl", reason="training needs samescore[train]")
    text = (
        f'shape = "{shape}"\ngroup = 4\nprompts = 2\nbatch_size = 4\nsteps = 6\nreuse = 2\nturns = 3\nturn_tokens = 100'
    )
    asked = inputs(tmp_path, text, data="limit = 6", kind="grpo", speed=100.0)
    verdict = ASK["method"](asked)
    done = samescore("train", "grpo", tmp_path / "config.toml", "--dry-run", "--json", cwd=tmp_path)
    plan = json.loads(done.stdout)
    here = 1 if asked.given.memory is not None else 0
    assert verdict.figures["estimates_gib"]["configured"] == pytest.approx(
        plan["memory"][here]["peak"] / 2**30, abs=1e-3
    )
    assert plan["longest"]["source"] in verdict.evidence
    cost = ASK["cost"](asked)
    mean = cost.figures["tokens"] / (3 * 8)
    assert "3 batches x 8 completions" in cost.evidence and 0 < mean < plan["longest"]["tokens"]
    whole = ASK["cost"](inputs(tmp_path, data="limit = 6", speed=100.0)).figures["tokens"] / (3 * 6)
    assert mean < whole, "a decision is part of a conversation, and what tools say in an episode is not counted"


def test_limits_of_grpo_that_nothing_right_fits_into_are_stops(tmp_path: Path) -> None:
    short = inputs(tmp_path, "max_tokens = 100\nturn_tokens = 8", data="limit = 4", kind="grpo")
    told = stops(ASK["template"](short))
    assert any("leaves no room for a turn" in what for what in told)
    assert any("the longest right turn has" in what and "turn_tokens = 8 cuts it off" in what for what in told)
    assert not any("is longer than max_tokens" in what for what in told)


def test_longer_conversations_that_are_left_out_are_no_stop(tmp_path: Path) -> None:
    left_out = inputs(tmp_path, "max_tokens = 100", data='limit = 4\nlonger = "leave_out"')
    assert stops(ASK["template"](left_out)) == []


def test_the_kind_is_read_from_the_options_and_told(tmp_path: Path) -> None:
    config = configured(tmp_path, "steps = 10", data="limit = 4")
    done = samescore("doctor", config, "--cases", "0", "--speed", "100", "--json", cwd=tmp_path)
    assert "config.toml is read as for train grpo; --kind says otherwise" in done.stderr
    answers = {answer["question"]: answer for answer in json.loads(done.stdout)["answers"]}
    assert "10 batches x 64 completions" in answers["cost"]["evidence"]
    said = samescore("doctor", config, "--kind", "dpo", "--cases", "0", cwd=tmp_path)
    assert said.returncode == 2 and "steps: it belongs to train grpo, and this is for train dpo" in said.stderr
    unsure = samescore("doctor", configured(tmp_path, "beta = 0.1"), "--cases", "0", cwd=tmp_path)
    assert unsure.returncode == 2 and "Say which: --kind dpo or --kind grpo." in unsure.stderr


# Personal data.


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to lan.tran@gmail.com now", "email"),
        ("gọi 0912 345 678 nhé", "phone"),
        ("+84 912 345 678", "phone"),
        ("call (212) 555-0143", "phone"),
        ("card 4111 1111 1111 1111", "card"),
        ("CCCD 079203001234", "id"),
        ("số 079203001234 của tôi", "id"),
        ("CMND: 024123456", "id"),
        ("SSN 219-09-9999", "id"),
        ("giấy tờ cũ 024123456 còn dùng", "cmnd"),
    ],
)
def test_personal_data_is_known_by_its_form(text: str, kind: str) -> None:
    assert [found for found, _ in personal_in(text)] == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "card 4111 1111 1111 1112",  # Luhn's digit is wrong
        "số 999203001234",  # no such province
        "số 079903001234",  # no such century
        "đơn 994123456",  # no province issued a CMND that begins with 99
        "order A-10964 of 2026-05-26, 1.234.567 VND",
    ],
)
def test_numbers_without_the_structure_are_none(text: str) -> None:
    assert list(personal_in(text)) == []


def test_only_what_is_no_fact_of_its_case_is_to_be_looked_at(tmp_path: Path) -> None:
    asked = inputs(tmp_path, data="limit = 1")
    (case,) = asked.train.cases
    mail = "nam.le@example.net"
    told = replace(case, opening=f"{case.opening} I am {mail}.")
    asked.__dict__["train"] = replace(asked.train, cases=(replace(told, facts={**case.facts, "customer.email": mail}),))
    verdict = ASK["personal"](asked)
    assert verdict.level is Level.FINE and verdict.figures["of_facts"] == {"email": 1}
    asked.__dict__["train"] = replace(asked.train, cases=(told,))
    verdict = ASK["personal"](asked)
    assert verdict.level is Level.LOOK
    shown = verdict.remarks[0].what + json.dumps(verdict.figures, ensure_ascii=False)
    assert case.id in shown and "nam" not in shown and "example" not in shown, "it is shown masked"


def test_the_built_in_worlds_hold_nothing_but_their_own_facts(starter: Inputs) -> None:
    assert ASK["personal"](starter).level is Level.FINE


@given(st.text(min_size=1, max_size=30))
def test_masking_keeps_no_more_than_two_characters(text: str) -> None:
    shown = masked(text)
    assert sum(character.isalnum() for character in shown) <= 2


def test_personal_data_of_tool_results_and_arguments_of_files_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    call = {"name": "find", "arguments": {"mail": "lan.tran@gmail.com"}}
    tool = {"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}
    messages = [
        {"role": "user", "content": "Find me."},
        {"role": "assistant", "calls": [call]},
        {"role": "tool", "content": '{"phone": "0912345678"}'},
        {"role": "assistant", "content": "Found."},
    ]
    path.write_text(json.dumps({"messages": messages, "tools": [tool]}) + "\n", encoding="utf-8")
    verdict = ASK["personal"](Inputs(Given(data=(path,))))
    assert set(verdict.figures["others"]) == {"email", "phone"}


def test_questions_are_asked_in_order_and_each_has_one_answer() -> None:
    assert [answer.question for answer in examine(Given())] == list(QUESTIONS)
