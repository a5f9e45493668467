"""`samescore eval --adapter A --adapter B`: a run for each, and what is said where there cannot be one."""

from __future__ import annotations

import gc
import json
import shutil
import weakref
from pathlib import Path
from typing import Any

import pytest
from in_process import Done, samescore

from samescore.harness.cli.adapters import directories
from samescore.harness.errors import UsageError
from samescore.harness.policies import load_policies, tiny_path
from samescore.harness.policies.hf import let_threads_sleep

let_threads_sleep()
torch = pytest.importorskip("torch", reason="local models need samescore[local]")
pytest.importorskip("peft")

import vllm_double as double  # noqa: E402

SFT = tiny_path() / "adapters" / "support-sft"
SHORT = ("eval", "sop/refund", "--limit", "2", "--max-turns", "1", "--max-tokens", "4", "--seed", "3")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two adapters of the embedded model: the one that comes with it, and one that writes otherwise."""
    from safetensors.torch import load_file, save_file

    folder = tmp_path_factory.mktemp("adapters")
    shutil.copytree(SFT, folder / "a" / "lora")
    shutil.copytree(SFT, folder / "b" / "other")
    file = folder / "b" / "other" / "adapter_model.safetensors"
    save_file({key: -3 * value for key, value in load_file(file).items()}, file)
    return folder


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[double.LLM]:
    """The double in vLLM's place."""
    (tmp_path / "site").mkdir()
    return double.install(monkeypatch, tmp_path / "site")


def with_adapters(place: Path, *more: str | Path, model: str = "tiny") -> Done:
    return samescore(*SHORT, "--model", model, "--adapter", "a/lora", "--adapter", "b/other", *more, cwd=place)


def rows(run: Path) -> list[Any]:
    """What a run recorded of its turns."""
    lines = [json.loads(line) for line in (run / "evidence.jsonl").read_text(encoding="utf-8").splitlines()]
    return sorted((line["case"], line["turns"]) for line in lines)


@pytest.fixture(scope="module")
def several(place: Path) -> Done:
    return with_adapters(place, "--out", "several")


def test_each_adapter_gets_a_run_a_report_under_a_heading_and_a_row_in_the_end(several: Done, place: Path) -> None:
    assert several.returncode == 0, several.stderr
    assert several.stdout.index("=== tiny+a/lora ===") < several.stdout.index("=== tiny+b/other ===")
    last = several.stdout.strip().splitlines()[-2:]
    assert [line.split()[0] for line in last] == ["a/lora", "b/other"]
    assert all(f"several/{name}" in line for name, line in zip(("lora", "other"), last, strict=True))
    assert several.stdout.count("success 0") + several.stdout.count("success 1") == 2
    for name, adapter in (("lora", "a/lora"), ("other", "b/other")):
        manifest = json.loads((place / "several" / name / "run.json").read_text(encoding="utf-8"))
        assert (manifest["adapter"], manifest["status"]) == (adapter, "complete")


def test_a_run_of_several_is_the_run_of_one(several: Done, place: Path) -> None:
    alone = samescore(*SHORT, "--model", "tiny", "--adapter", "b/other", "--out", "alone", cwd=place)
    assert alone.returncode == 0 and "===" not in alone.stdout
    assert rows(place / "alone") == rows(place / "several" / "other") != rows(place / "several" / "lora")


@pytest.fixture(scope="module")
def watched(place: Path) -> tuple[Done, int]:
    """The same as JSON, and how many models were loaded: each when the one before was gone."""
    from samescore.harness.policies import hf

    models: list[weakref.ref[Any]] = []
    load = hf._load_model

    def alone(*arguments: Any) -> Any:
        gc.collect()
        assert all(model() is None for model in models), "two models in memory"
        model = load(*arguments)
        models.append(weakref.ref(model))
        return model

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hf, "_load_model", alone)
        return with_adapters(place, "--json"), len(models)


def test_json_is_one_object_a_line(watched: tuple[Done, int], place: Path) -> None:
    found = [json.loads(line) for line in watched[0].stdout.splitlines()]
    assert [one["model"] for one in found] == ["tiny+a/lora", "tiny+b/other"]
    assert all((place / one["run"] / "run.json").is_file() for one in found)
    assert all("-tiny+" in one["run"] for one in found)


def test_one_model_is_gone_before_the_next_is_loaded(watched: tuple[Done, int]) -> None:
    done, loaded = watched
    assert done.returncode == 0, done.stderr
    assert loaded == 2


def test_vllm_loads_the_model_once_for_all(vllm: type[double.LLM], place: Path) -> None:
    done = with_adapters(place, "--out", "engine", model=f"vllm/{tiny_path()}")
    assert done.returncode == 0, done.stderr
    (made,) = vllm.made
    assert made.llm_engine.shut_down and made.options["max_cpu_loras"] == 2
    turns = {name: rows(place / "engine" / name) for name in ("lora", "other")}
    assert turns["lora"] != turns["other"]


def test_one_of_several_runs_is_carried_on_by_itself(several: Done, place: Path, vllm: type[double.LLM]) -> None:
    run = Path(shutil.copytree(place / "several" / "other", place / "cut"))
    evidence = run / "evidence.jsonl"
    evidence.write_bytes(evidence.read_bytes().splitlines(keepends=True)[0])
    done = samescore("eval", "--resume", "cut", cwd=place)
    assert done.returncode == 0 and rows(run) == rows(place / "several" / "other")
    refused = samescore("eval", "--resume", "cut", "--adapter", "a/lora", cwd=place)
    assert refused.returncode == 2 and "Leave out --adapter" in refused.stderr


def test_the_worst_of_the_runs_decides_the_exit_code(place: Path, vllm: type[double.LLM]) -> None:
    missed = with_adapters(place, "--check")
    assert missed.returncode in (1, 3)
    vllm.crash = RuntimeError("CUDA error")
    crashed = with_adapters(place, "--check", model=f"vllm/{tiny_path()}")
    assert crashed.returncode == 5 and "Carry on" in crashed.stderr
    assert crashed.stdout.strip().splitlines()[-1].split()[:2] == ["b/other", "open"]


@pytest.mark.parametrize(
    ("adapters", "words"),
    [
        (("a/lora", "a/../a/lora"), "the same as --adapter a/lora"),
        (("a/lora", "no-such"), "unknown adapter 'no-such'"),
        (("suport-sft",), "Did you mean 'support-sft'?"),
        (("a/lora", "a"), "adapter_config.json"),
    ],
)
def test_adapters_are_checked_before_anything_is_loaded(place: Path, adapters: tuple[str, ...], words: str) -> None:
    told = [part for adapter in adapters for part in ("--adapter", adapter)]
    done = samescore("eval", "no/such/suite.yaml", "--model", "tiny", *told, "--out", "none", cwd=place)
    assert done.returncode == 2 and words in done.stderr
    assert not (place / "none").exists()


def test_adapters_go_with_local_models_only(place: Path) -> None:
    for model in ("oracle", "openai/gpt-4o"):
        done = with_adapters(place, model=model)
        assert done.returncode == 2 and "--adapter" in done.stderr and model in done.stderr


def test_runs_that_would_lie_in_one_directory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="would both go to"):
        directories(tmp_path, ["one/lora", "two/lora"])
    assert directories(tmp_path, ["one/lora"]) == [tmp_path]
    assert directories(None, ["one/lora", "two/lora"]) == [None, None]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "run.json").write_text("{}")
    with pytest.raises(UsageError, match="there is a run here already"):
        directories(tmp_path, ["one/lora", "two/other"])


def test_vllm_that_is_missing_is_said_before_a_suite_is_read(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samescore.harness.policies.vllm.find_spec", lambda name: None)
    done = samescore("eval", "no/such/suite.yaml", "--model", "vllm/x/y", cwd=place)
    assert done.returncode == 2 and "samescore[gpu]" in done.stderr
    done = samescore("eval", "no/such/suite.yaml", "--model", "vllm/x/y", "--device", "cpu", cwd=place)
    assert done.returncode == 2 and "CUDA_VISIBLE_DEVICES" in done.stderr


def test_policies_that_nobody_takes_are_closed(vllm: type[double.LLM], place: Path) -> None:
    policies = load_policies(f"vllm/{tiny_path()}", [str(place / "a" / "lora"), str(place / "b" / "other")])
    first = next(policies)
    policies.close()
    (made,) = vllm.made
    assert not made.llm_engine.shut_down
    from samescore.harness.blocking import blocking

    blocking(first.aclose())
    assert made.llm_engine.shut_down
