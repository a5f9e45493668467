"""`samescore export`: what is exported is what was evaluated, whole or not at all."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import resource
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
from hub_server import HubServer, Repository
from in_process import samescore

pytest.importorskip("torch", reason="export needs samescore[local]")
pytest.importorskip("peft")

import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from small_model import make_adapter, make_model
from transformers import AutoModelForCausalLM

from samescore.harness.errors import AdapterError, EvidenceUnwritable, UsageError
from samescore.harness.passport import PASSPORT, read
from samescore.harness.policies import tiny_adapter, tiny_path
from samescore.harness.policies.hf import HfPolicy
from samescore.harness.policies.model_files import weights_digest
from samescore.harness.renderer import Renderer
from samescore.harness.run import Run
from samescore.trainers.export import Order, export
from samescore.trainers.export.folder import require_room, sized

WEIGHTS = "adapter_model.safetensors"
CONVERTER = "convert_hf_to_gguf.py"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_model(tmp_path_factory.mktemp("models") / "base")
    (folder / "LICENSE").write_text("Do as you like.", encoding="utf-8")
    (folder / "training_args.bin").write_bytes(b"of no use to a server")
    return folder


@pytest.fixture(scope="module")
def adapter(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    passport = {"format": 1, "base": {"name": f"hf/{base}", "weights": weights_digest(base)}}
    return make_adapter(tmp_path_factory.mktemp("adapters") / "lora", base, passport)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def refused(order: Order, kind: type[Exception] = UsageError) -> str:
    """The one message with which an export is refused; nothing is left beside what was there."""
    before = set(order.to.parent.rglob("*"))
    with pytest.raises(kind) as caught:
        export(order)
    assert set(order.to.parent.rglob("*")) == before, "nothing is left"
    return str(caught.value)


# The same model.


def evaluated(cwd: Path, out: str, *model: str) -> dict[str, Any]:
    """Per case what was written, token by token, and its scores."""
    done = samescore("eval", "sop/refund", "--limit", "3", "--out", out, *model, cwd=cwd)
    assert done.returncode == 0, done.stderr
    run = Run.open(cwd / out)
    scores = {row["case"]: row["scores"] for row in run.kept_scores()["rows"]}
    return {one.case: ([turn.token_ids for turn in one.turns], scores[one.case]) for one in run.records()}


def test_merged_weights_evaluate_as_base_and_adapter_do_case_by_case_and_token_by_token(tmp_path: Path) -> None:
    done = samescore("export", "support-sft", "--to", "merged", "--as", "merged", "--dtype", "float32", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "model.safetensors" in done.stdout and "samescore eval sop --model hf/merged" in done.stdout
    apart = evaluated(tmp_path, "apart", "--model", "tiny", "--adapter", "support-sft")
    together = evaluated(tmp_path, "together", "--model", "hf/merged")
    assert len(apart) == 3 and together == apart
    recorded = Run.open(tmp_path / "together").manifest.passport
    assert recorded["found"] and "weights of the exported model" not in {one["what"] for one in recorded["differs"]}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_merged_weights_are_those_that_evaluation_computes_with_in_that_number_format(
    base: Path, adapter: Path, tmp_path: Path, dtype: str
) -> None:
    export(Order(str(adapter), tmp_path / "merged", "merged", dtype=dtype))
    policy = HfPolicy.load(str(base), str(adapter), device="cpu", dtype=dtype)
    expected = policy.engine.model.state_dict()
    asyncio.run(policy.aclose())
    found = load_file(tmp_path / "merged" / "model.safetensors")
    assert found and {str(value.dtype) for value in found.values()} == {f"torch.{dtype}"}
    assert all(torch.equal(value, expected[name]) for name, value in found.items())
    plain = load_file(base / "model.safetensors")
    assert not torch.equal(
        found["model.layers.0.mlp.up_proj.weight"].float(), plain["model.layers.0.mlp.up_proj.weight"]
    )


def test_a_merged_model_has_the_very_tokenizer_template_and_settings_of_its_base(
    base: Path, adapter: Path, tmp_path: Path
) -> None:
    export(Order(str(adapter), tmp_path / "merged", "merged"))
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json", "LICENSE"):
        assert (tmp_path / "merged" / name).read_bytes() == (base / name).read_bytes(), name
    assert Renderer.load(tmp_path / "merged").fingerprint == Renderer.load(base).fingerprint
    assert json.loads((tmp_path / "merged" / "config.json").read_text(encoding="utf-8"))["dtype"] == "bfloat16"
    assert "training_args.bin" not in files(tmp_path / "merged")


def test_what_was_exported_says_from_what_and_notices_when_it_changes(
    base: Path, adapter: Path, tmp_path: Path
) -> None:
    merged = tmp_path / "merged"
    written = export(Order(str(adapter), merged, "merged"))
    assert {name for name, _ in written.files} == files(merged) and written.notes == ()
    passport = read(merged)
    assert passport is not None and passport.exported is not None and passport.base.weights == weights_digest(base)
    told = passport.exported
    assert (told.shape, told.dtype, told.adapter) == ("merged", "bfloat16", weights_digest(adapter))
    assert told.weights == weights_digest(merged)
    alone = make_adapter(tmp_path / "alone", base)
    (note,) = export(Order(str(alone), tmp_path / "more", "merged", base=f"hf/{base}")).notes
    assert "no passport" in note and PASSPORT not in files(tmp_path / "more")


def test_an_adapter_alone_is_what_a_server_loads_and_nothing_else(base: Path, adapter: Path, tmp_path: Path) -> None:
    (adapter / "README.md").write_text("a card that PEFT made up", encoding="utf-8")
    written = export(Order(str(adapter), tmp_path / "alone", "adapter", base=f"hf/{base}"))
    assert files(tmp_path / "alone") == {"adapter_config.json", WEIGHTS, PASSPORT}
    assert (tmp_path / "alone" / WEIGHTS).read_bytes() == (adapter / WEIGHTS).read_bytes()
    assert any("rank 4: a server must allow for it" in note for note in written.notes)
    settings = json.loads((tmp_path / "alone" / "adapter_config.json").read_text(encoding="utf-8"))
    assert settings["base_model_name_or_path"] == str(base), "the name as a server knows it"
    loaded = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), tmp_path / "alone")
    assert loaded.peft_config["default"].r == 4
    export(Order(str(tmp_path / "alone"), tmp_path / "again", "adapter"))


def test_a_base_that_is_not_here_is_named_and_said_to_be_unchecked(adapter: Path, tmp_path: Path) -> None:
    written = export(Order(str(adapter), tmp_path / "alone", "adapter", base="hf/owner/model"))
    settings = json.loads((tmp_path / "alone" / "adapter_config.json").read_text(encoding="utf-8"))
    assert settings["base_model_name_or_path"] == "owner/model"
    assert any("hf/owner/model is not on this machine: that it fits was not checked" in note for note in written.notes)


# What is refused.


@pytest.mark.parametrize("shape", ["merged", "adapter"])
def test_an_adapter_of_another_base_is_not_exported(adapter: Path, tmp_path: Path, shape: Any) -> None:
    other = make_model(tmp_path / "other", seed=9)
    message = refused(Order(str(adapter), tmp_path / "out", shape, base=f"hf/{other}"), AdapterError)
    assert "was trained on" in message and weights_digest(other)[:12] in message


@pytest.mark.parametrize("shape", ["merged", "adapter"])
def test_an_adapter_of_another_shape_is_not_exported(base: Path, tmp_path: Path, shape: Any) -> None:
    lora = make_adapter(tmp_path / "lora", make_model(tmp_path / "wide", hidden=96))
    assert "192" in refused(Order(str(lora), tmp_path / "out", shape, base=f"hf/{base}"), AdapterError)


def test_a_base_that_moved_is_to_be_named(adapter: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(adapter, tmp_path / "lora")
    told = json.loads((folder / PASSPORT).read_text(encoding="utf-8"))
    told["base"]["name"] = f"hf/{tmp_path}/gone"
    (folder / PASSPORT).write_text(json.dumps(told), encoding="utf-8")
    message = refused(Order(str(folder), tmp_path / "out", "merged"))
    assert "not where it was when it was trained" in message and "--base hf/PATH" in message


def test_a_folder_that_holds_something_is_left_as_it_is(adapter: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").write_text("mine", encoding="utf-8")
    assert "overwrites nothing" in refused(Order(str(adapter), tmp_path / "out", "merged"))
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    assert "overwrites nothing" in refused(Order(str(adapter), tmp_path / "file", "merged"))
    assert (tmp_path / "out" / "precious").read_text(encoding="utf-8") == "mine"


def test_an_empty_folder_may_be_filled(adapter: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    export(Order(str(adapter), tmp_path / "out", "adapter"))
    assert WEIGHTS in files(tmp_path / "out")


@pytest.mark.parametrize(
    ("shape", "options", "part"),
    [
        ("adapter", {"dtype": "float32"}, "--as adapter does not take --dtype"),
        ("merged", {"llama_cpp": Path("x")}, "--as merged does not take --llama-cpp"),
        ("merged", {"dtype": "int3"}, "expected float32, bfloat16, float16"),
    ],
)
def test_an_option_in_vain_is_refused(
    adapter: Path, tmp_path: Path, shape: Any, options: dict[str, Any], part: str
) -> None:
    assert part in refused(Order(str(adapter), tmp_path / "out", shape, **options))


def test_a_name_that_is_no_adapter_is_refused(tmp_path: Path) -> None:
    done = samescore("export", "suport-sft", "--to", "out", "--as", "merged", cwd=tmp_path)
    assert done.returncode == 2 and "Did you mean 'support-sft'?" in done.stderr
    done = samescore("export", ".", "--to", "out", "--as", "merged", cwd=tmp_path)
    assert done.returncode == 2 and "adapter_config.json" in done.stderr and not list(tmp_path.iterdir())


def broken(adapter: Path, folder: Path, value: float) -> Path:
    """The adapter with one update that is far out."""
    shutil.copytree(adapter, folder)
    tensors = load_file(folder / WEIGHTS)
    name = next(name for name in tensors if name.endswith("lora_B.weight"))
    tensors[name] = torch.full_like(tensors[name], value)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    return folder


def test_weights_that_are_no_numbers_are_not_exported(adapter: Path, tmp_path: Path) -> None:
    lora = broken(adapter, tmp_path / "lora", float("nan"))
    assert "is not all numbers" in refused(Order(str(lora), tmp_path / "out", "merged"), AdapterError)


def test_weights_that_float16_cannot_hold_are_not_exported_in_it(adapter: Path, tmp_path: Path) -> None:
    lora = broken(adapter, tmp_path / "lora", 1e6)
    order = Order(str(lora), tmp_path / "out", "merged", dtype="float16")
    assert "float16 cannot hold. Export in bfloat16" in refused(order)


def test_a_disk_that_fills_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, hard))
    try:
        for shape in ("merged", "adapter"):
            order = Order(_large(tmp_path) if shape == "adapter" else "support-sft", tmp_path / "out", shape)  # type: ignore[arg-type]
            message = refused(order, EvidenceUnwritable)
            assert "Nothing was left there. Make room" in message
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _large(tmp_path: Path) -> str:
    """An adapter whose weights are past the limit; a link costs no room."""
    folder = tmp_path / "large"
    folder.mkdir()
    for path in Path(tiny_adapter("support-sft")).iterdir():
        if path.name != WEIGHTS:
            shutil.copyfile(path, folder / path.name)
    (folder / WEIGHTS).symlink_to(tiny_path() / "model.safetensors")
    (folder / PASSPORT).unlink()
    settings = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    (folder / "adapter_config.json").write_text(
        json.dumps(settings | {"base_model_name_or_path": "owner/model"}), encoding="utf-8"
    )
    return str(folder)


def test_room_is_asked_for_before_anything_is_merged(tmp_path: Path) -> None:
    with pytest.raises(EvidenceUnwritable, match=r"1024\.0 TiB are to be written there, and .* are free\. Make room"):
        require_room(tmp_path / "not" / "yet", 1 << 50)
    require_room(tmp_path / "not" / "yet", 1)
    assert [sized(0), sized(1023), sized(1024), sized(11_130_880)] == ["0 B", "1023 B", "1.0 KiB", "10.6 MiB"]


# GGUF.


def converter(folder: Path, body: str, executable: bool = False) -> Path:
    """A program that is called as llama.cpp's converter is."""
    folder.mkdir()
    script = folder / CONVERTER
    script.write_text(f"#!/usr/bin/env python3\nimport sys, pathlib\n{body}\n", encoding="utf-8")
    if executable:
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return folder


WRITES = """
merged, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[sys.argv.index("--outfile") + 1])
assert {"model.safetensors", "config.json", "tokenizer.json"} <= {path.name for path in merged.iterdir()}
out.write_text(" ".join(sys.argv[sys.argv.index("--outtype") :]))
"""


def test_gguf_is_one_file_with_its_provenance(adapter: Path, tmp_path: Path) -> None:
    folder = converter(tmp_path / "llama.cpp", WRITES)
    export(Order(str(adapter), tmp_path / "out", "gguf", llama_cpp=folder))
    assert files(tmp_path / "out") == {"lora-bf16.gguf", PASSPORT}
    assert (tmp_path / "out" / "lora-bf16.gguf").read_text(encoding="utf-8") == "--outtype bf16"
    passport = read(tmp_path / "out")
    assert passport is not None and passport.exported is not None and passport.exported.shape == "gguf"


def test_a_converter_is_found_by_its_variable_on_path_and_where_unsloth_keeps_it(
    adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = converter(tmp_path / "llama.cpp", WRITES, executable=True)
    for at, (name, value) in enumerate(
        (("LLAMA_CPP", folder), ("PATH", f"{folder}:/usr/bin:/bin"), ("UNSLOTH_LLAMA_CPP_PATH", folder))
    ):
        with monkeypatch.context() as patch:
            patch.delenv("LLAMA_CPP", raising=False)
            patch.setenv("HOME", str(tmp_path / "home"))
            patch.setenv(name, str(value))
            export(Order(str(adapter), tmp_path / f"out-{at}", "gguf", dtype="float16"))
        assert "lora-f16.gguf" in files(tmp_path / f"out-{at}")


def test_without_a_converter_it_is_said_what_to_install(
    adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LLAMA_CPP", raising=False)
    monkeypatch.delenv("UNSLOTH_LLAMA_CPP_PATH", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    message = refused(Order(str(adapter), tmp_path / "out", "gguf"))
    assert "git clone https://github.com/ggml-org/llama.cpp" in message and "--llama-cpp" in message
    message = refused(Order(str(adapter), tmp_path / "out", "gguf", llama_cpp=tmp_path))
    assert f"--llama-cpp: there is no {CONVERTER} in {tmp_path}" in message


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (
            'raise NotImplementedError("BPE pre-tokenizer was not recognized - update get_vocab_base_pre()")',
            "does not know this model's tokenizer",
        ),
        ("import a_package_of_its_own", "lacks a package: ModuleNotFoundError: No module named 'a_package_of_its_own'"),
        ('sys.exit("Model Foo is not supported")', "did not convert the model: Model Foo is not supported"),
        ("", "did not convert the model: exit code 0"),
    ],
)
def test_what_a_converter_refuses_is_one_message(adapter: Path, tmp_path: Path, body: str, part: str) -> None:
    folder = converter(tmp_path / "llama.cpp", body)
    message = refused(Order(str(adapter), tmp_path / "out", "gguf", llama_cpp=folder))
    assert part in message and "\n" not in message


LLAMA_CPP = os.environ.get("LLAMA_CPP")
"""llama.cpp's sources, and with them the packages that its converter needs: `sentencepiece`."""

TOLD = """
import runpy
sys.path[:0] = [{real!r}, {real!r} + "/gguf-py"]
from conversion.base import TextModel
TextModel.get_vocab_base_pre = lambda self, tokenizer: "qwen2"
sys.argv[0] = {real!r} + "/convert_hf_to_gguf.py"
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""llama.cpp's own converter, told which tokenizer it is: it knows that of the embedded model no more than any other
new one."""


@pytest.mark.skipif(LLAMA_CPP is None, reason="needs llama.cpp's sources: LLAMA_CPP=DIR")
def test_the_real_converter_refuses_a_tokenizer_that_it_does_not_know(tmp_path: Path) -> None:
    assert "does not know this model's tokenizer" in refused(Order("support-sft", tmp_path / "out", "gguf"))


@pytest.mark.skipif(LLAMA_CPP is None, reason="needs llama.cpp's sources: LLAMA_CPP=DIR")
def test_gguf_holds_the_tensors_template_and_end_of_turn_of_the_merged_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = converter(tmp_path / "told", TOLD.format(real=LLAMA_CPP))
    export(Order("support-sft", tmp_path / "out", "gguf", llama_cpp=folder))
    export(Order("support-sft", tmp_path / "merged", "merged"))
    monkeypatch.syspath_prepend(f"{LLAMA_CPP}/gguf-py")
    gguf: Any = importlib.import_module("gguf")
    reader = gguf.GGUFReader(tmp_path / "out" / "support-sft-bf16.gguf")
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN3, 6)
    tensors = {tensor.name: gguf.dequantize(tensor.data, tensor.tensor_type) for tensor in reader.tensors}
    expected = load_file(tmp_path / "merged" / "model.safetensors")
    assert len(tensors) == len(expected)
    for name, value in expected.items():
        found = torch.from_numpy(tensors[names.get_name(name, try_suffixes=(".weight",))].copy())
        assert torch.equal(found.reshape(value.shape), value.float()), name
    template = reader.fields["tokenizer.chat_template"]
    assert bytes(template.parts[template.data[0]]) == (tiny_path() / "chat_template.jinja").read_bytes()
    end = reader.fields["tokenizer.ggml.eos_token_id"]
    assert int(end.parts[end.data[0]][0]) == Renderer.load(tiny_path()).end_id


# The hub.


@pytest.fixture
def logged_in(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")
    return monkeypatch


def pushed(cwd: Path, adapter: Path, *options: str) -> Any:
    return samescore("export", str(adapter), "--to", "out", "--as", "adapter", "--push", "me/agent", *options, cwd=cwd)


def test_a_push_lists_what_it_pushes_and_pushes_that_in_one_commit(
    adapter: Path, tmp_path: Path, logged_in: pytest.MonkeyPatch
) -> None:
    with HubServer() as hub:
        logged_in.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        done = pushed(tmp_path, adapter, "--private")
        again = samescore("export", str(adapter), "--to", "more", "--as", "adapter", "--push", "me/agent", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    listed, _, rest = done.stdout.partition("pushing these files to me/agent (private)")
    assert all(name in listed for name in ("adapter_config.json", WEIGHTS, PASSPORT)) and "pushed: " in rest
    there = hub.repositories["me/agent"]
    assert there.private and there.commits == 1
    assert there.files == {".gitattributes": b""} | {
        name: (tmp_path / "out" / name).read_bytes() for name in files(tmp_path / "out")
    }
    assert again.returncode == 2 and "the repository holds" in again.stderr and not (tmp_path / "more").exists()


def test_nothing_is_pushed_unless_it_is_asked_for(adapter: Path, tmp_path: Path, logged_in: pytest.MonkeyPatch) -> None:
    with HubServer() as hub:
        logged_in.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        assert samescore("export", str(adapter), "--to", "out", "--as", "adapter", cwd=tmp_path).returncode == 0
        assert (
            samescore("export", str(adapter), "--to", "o", "--as", "adapter", "--private", cwd=tmp_path).returncode == 2
        )
    assert hub.asked == []


def test_without_a_token_or_a_network_nothing_is_exported(
    adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    done = pushed(tmp_path, adapter)
    assert done.returncode == 2 and "hf auth login" in done.stderr and "Nothing was exported." in done.stderr
    monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    done = pushed(tmp_path, adapter)
    assert done.returncode == 5 and "cannot be reached" in done.stderr and "Nothing was exported." in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_public_repository_does_not_get_what_was_meant_to_be_private(
    adapter: Path, tmp_path: Path, logged_in: pytest.MonkeyPatch
) -> None:
    with HubServer() as hub:
        hub.repositories["me/agent"] = Repository(private=False)
        logged_in.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        done = pushed(tmp_path, adapter, "--private")
    assert done.returncode == 2 and "is there and public" in done.stderr and not list(tmp_path.iterdir())


@pytest.mark.parametrize(("status", "code"), [(403, 2), (507, 5)])
def test_a_hub_that_refuses_leaves_the_export_and_says_how_to_push_it(
    adapter: Path, tmp_path: Path, logged_in: pytest.MonkeyPatch, status: int, code: int
) -> None:
    with HubServer(refuse=status) as hub:
        logged_in.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        done = pushed(tmp_path, adapter)
    assert done.returncode == code and "hf upload me/agent out" in done.stderr and "Traceback" not in done.stderr
    assert WEIGHTS in files(tmp_path / "out") and hub.repositories["me/agent"].commits == 0
