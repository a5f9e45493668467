"""How will it be served? Whether a server reads the dialect as strictly, and takes the adapter with its rank."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from samescore.harness.dialects import Dialect
from samescore.harness.dialects.edge_cases import EDGE_CASES, EDGE_TOOLS
from samescore.harness.errors import UsageError
from samescore.harness.files import read_json
from samescore.harness.served import SERVERS, VLLM, served
from samescore.harness.types import Completion
from samescore.trainers.doctor.inputs import Inputs
from samescore.trainers.doctor.verdict import Level, Question, Remark, Verdict

RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM's --max-lora-rank may be, in 0.26; it takes adapters up to it."""

_SERVER = "vllm"


@dataclass(frozen=True, slots=True)
class Adapter:
    """What a server has to know of a LoRA adapter: its largest rank, and what of it vLLM does not serve."""

    rank: int
    unserved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """How a server's parser reads the edge cases of a dialect: which it repairs, and which sound ones it misreads."""

    edges: int
    repaired: tuple[str, ...]
    misread: tuple[str, ...]


def ask(inputs: Inputs) -> Verdict:
    """Compare with what vLLM does."""
    dialect = inputs.template.dialect
    adapter = adapter_of(inputs)
    fitting = next((rank for rank in RANKS if rank >= adapter.rank), None)
    parts, remarks = [], list(_adapter(inputs, adapter, fitting))
    figures: dict[str, object] = {"dialect": dialect.name, "rank": adapter.rank, "max_lora_rank": fitting}
    if dialect.name in VLLM:
        reading = reading_of(dialect)
        parts.append(
            f"vLLM: --enable-lora --max-lora-rank {fitting} --enable-auto-tool-choice --tool-call-parser "
            f"{VLLM[dialect.name].calls} · of {reading.edges} edge cases that parser (of {SERVERS[_SERVER]}) takes "
            f"calls in {len(reading.repaired)} that are malformed here, and misreads {len(reading.misread)} sound ones"
        )
        figures |= {"repaired": list(reading.repaired), "misread": list(reading.misread)}
    else:
        remarks.append(
            Remark(
                Level.LOOK,
                f"no parser of vLLM is known here for {dialect.name}",
                "Try the server with `samescore eval --model openai-api/...` before anyone relies on it.",
            )
        )
    return Verdict(" · ".join([f"writes {dialect.name}", *parts]), tuple(remarks), figures)


QUESTION = Question("serving", "How will it be served?", ask)


def adapter_of(inputs: Inputs) -> Adapter:
    """The adapter to be, or the one that is trained further.

    Raises:
        UsageError: its configuration cannot be read.
    """
    if inputs.adapter is None:
        return Adapter(inputs.config.lora.rank)
    return _read_adapter(inputs.adapter / "adapter_config.json")


def reading_of(dialect: Dialect) -> Reading:
    """The dialect's edge cases, read by vLLM's parser."""
    lenient = served(dialect.name, _SERVER)
    edges = [edge for edge in EDGE_CASES if edge.dialect == dialect.name]
    repaired, misread = [], []
    for edge in edges:
        calls = lenient.parse(Completion(edge.text), EDGE_TOOLS).calls
        if edge.defects and len(calls) > len(edge.calls):
            repaired.append(edge.name)
        elif not edge.defects and [*calls] != [*edge.calls]:
            misread.append(edge.name)
    return Reading(len(edges), tuple(repaired), tuple(misread))


def _read_adapter(path: Path) -> Adapter:
    settings = read_json(path, "the adapter's configuration")
    if not isinstance(settings, dict) or type(settings.get("r")) is not int:
        raise UsageError(f"{path}: expected PEFT's configuration with a rank `r`. Give a LoRA adapter's folder.")
    ranks = [settings["r"], *(settings.get("rank_pattern") or {}).values()]
    unserved = [name for name in ("modules_to_save", "use_dora") if settings.get(name)]
    unserved += ["bias"] if settings.get("bias", "none") != "none" else []
    return Adapter(max(ranks), tuple(unserved))


def _adapter(inputs: Inputs, adapter: Adapter, fitting: int | None) -> Iterator[Remark]:
    if fitting is None:
        yield Remark(
            Level.LOOK,
            f"rank {adapter.rank} is above what vLLM serves ({RANKS[-1]})",
            "Lower lora.rank, or serve merged weights: samescore export --as merged.",
        )
    if adapter.unserved:
        yield Remark(
            Level.LOOK,
            f"the adapter has what vLLM does not serve: {', '.join(adapter.unserved)}",
            "Serve merged weights: samescore export --as merged.",
        )
    if inputs.config.four_bit:
        yield Remark(
            Level.LOOK,
            "trained over a 4-bit base, it will be served over a 16-bit one",
            "Export it merged and evaluate what is served: samescore export --as merged.",
        )
