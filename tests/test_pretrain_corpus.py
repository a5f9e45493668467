"""The corpus, tokenizer and recipe of the tiny model's pretraining."""

from __future__ import annotations

import json
import operator
import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
jsonschema = pytest.importorskip("jsonschema")

from samescore.harness.policies import tiny_path  # noqa: E402
from samescore.trainers.pretrain import corpus, evaluate, train  # noqa: E402
from samescore.trainers.pretrain.conversations import Conversation, generate  # noqa: E402
from samescore.trainers.pretrain.tokenizer import MARKERS, save_tokenizer, train_tokenizer  # noqa: E402

SEEDS = range(5000, 5200)


@pytest.fixture(scope="module")
def conversations() -> list[Conversation]:
    return [generate(seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def raw_tokenizer() -> Any:
    return train_tokenizer(corpus.texts(3, 0, 400), 2048)


@pytest.fixture(scope="module")
def tokenizer(raw_tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("tokenizer")
    save_tokenizer(raw_tokenizer, corpus.TEMPLATE, 4096, folder)
    return transformers.AutoTokenizer.from_pretrained(folder)


def assistant_turns(conversation: Conversation) -> list[tuple[str, dict[str, Any]]]:
    """Each assistant message with the text before it."""
    found, before = [], ""
    messages = iter(message for message in conversation.messages if message["role"] == "assistant")
    for piece, trained in corpus.segments(conversation):
        if trained:
            found.append((before, dict(next(messages))))
        before += piece
    return found


def calls_of(message: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(c["function"]["name"], c["function"]["arguments"]) for c in message.get("tool_calls", [])]


def test_the_fast_renderer_equals_the_chat_template(tokenizer: Any, conversations: list[Conversation]) -> None:
    for conversation in conversations:
        rendered = tokenizer.apply_chat_template(
            list(conversation.messages), tools=conversation.tools, tokenize=False, add_generation_prompt=False
        )
        assert rendered == corpus.text(conversation)


def test_wrapped_and_bare_tools_render_alike(tokenizer: Any, conversations: list[Conversation]) -> None:
    for conversation in conversations[:20]:
        wrapped = [{"type": "function", "function": tool} for tool in conversation.tools]
        assert tokenizer.apply_chat_template(list(conversation.messages), tools=wrapped, tokenize=False) == corpus.text(
            conversation
        )


def test_the_template_keeps_its_prefix_when_turns_are_added(tokenizer: Any, conversations: list[Conversation]) -> None:
    for conversation in conversations[:40]:
        messages = list(conversation.messages)
        whole = corpus.text(conversation)
        for count in range(1, len(messages)):
            follows = messages[count]["role"] == "assistant"
            part = tokenizer.apply_chat_template(
                messages[:count], tools=conversation.tools, tokenize=False, add_generation_prompt=follows
            )
            assert whole.startswith(part)


def test_a_conversation_without_tools_has_no_tools_block(tokenizer: Any) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Chào"}]
    assert tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nChào<|im_end|>\n<|im_start|>assistant\n"
    )


def test_an_unknown_role_is_refused_by_the_template(tokenizer: Any) -> None:
    with pytest.raises(Exception, match="role must be"):
        tokenizer.apply_chat_template([{"role": "developer", "content": "x"}], tokenize=False)


def test_the_same_seed_gives_the_same_conversation_and_another_seed_another() -> None:
    assert corpus.text(generate(11)) == corpus.text(generate(11)) != corpus.text(generate(12))


def test_every_call_is_valid_under_its_schema(conversations: list[Conversation]) -> None:
    for conversation in conversations:
        schemas = {tool["name"]: tool["parameters"] for tool in conversation.tools}
        for _, message in assistant_turns(conversation):
            for name, arguments in calls_of(message):
                checker = jsonschema.Draft202012Validator(
                    schemas[name], format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
                )
                checker.validate(arguments)


def values_in(argument: Any) -> list[Any]:
    """The values at the leaves of an argument."""
    if isinstance(argument, dict):
        return [value for member in argument.values() for value in values_in(member)]
    if isinstance(argument, list):
        return [value for member in argument for value in values_in(member)]
    return [argument]


def test_identifiers_in_calls_were_said_before(conversations: list[Conversation]) -> None:
    identifiers = re.compile(r"\S*[A-Z]\S*\d{3}\S*|\S+@\S+|\+?\d{8,}|\D*\s\D*")
    for conversation in conversations:
        for before, message in assistant_turns(conversation):
            for _, arguments in calls_of(message):
                for value in values_in(arguments):
                    if isinstance(value, str) and identifiers.fullmatch(value):
                        assert json.dumps(value, ensure_ascii=False)[1:-1] in before, value


def test_the_last_line_of_thinking_says_what_the_turn_does(conversations: list[Conversation]) -> None:
    for conversation in conversations:
        for _, message in assistant_turns(conversation):
            *_, last = message["reasoning_content"].split("\n")
            names = [name for name, _ in calls_of(message)]
            if names:
                assert last == "next: call " + ", ".join(names)
            else:
                assert last in ("next: answer", "next: refuse") or last.startswith("next: ask ")
                assert message["content"]


def test_fields_asked_for_are_the_needed_ones(conversations: list[Conversation]) -> None:
    asked = 0
    for conversation in conversations:
        for _, message in assistant_turns(conversation):
            *lines, last = message["reasoning_content"].split("\n")
            if last.startswith("next: ask "):
                needed = [line.removeprefix("need ") for line in lines if line.startswith("need ")]
                assert last == "next: ask " + ", ".join(needed)
                asked += 1
    assert asked > 30


_COMPARISON = re.compile(r"^\w+ (\S+) (<=|>=|==|!=|<|>) (\S+): (yes|no)$")
_OPERATORS = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def _typed(text: str) -> Any:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return date.fromisoformat(text)
    return float(text) if re.fullmatch(r"-?[\d.]+", text) else text


def test_comparisons_in_the_thinking_are_true(conversations: list[Conversation]) -> None:
    seen = set()
    for conversation in conversations:
        for _, message in assistant_turns(conversation):
            for line in message["reasoning_content"].split("\n"):
                if match := _COMPARISON.match(line):
                    value, symbol, constant, verdict = match.groups()
                    assert _OPERATORS[symbol](_typed(value), _typed(constant)) == (verdict == "yes"), line
                    seen.add((symbol, verdict))
    assert {symbol for symbol, _ in seen} == set(_OPERATORS)


def test_every_line_of_thinking_follows_the_grammar(conversations: list[Conversation]) -> None:
    grammar = re.compile(
        r"need \w+|rule \w+: (yes|no)|error \w+: (retry \d|give up)|\w+ (true: yes|false: no)"
        r"|\w+ \S+ (<=|>=|==|!=|<|>) \S+: (yes|no)|next: (answer|refuse|(ask|call) \w+(, \w+)*)|\w+: .+"
    )
    for conversation in conversations:
        for _, message in assistant_turns(conversation):
            for line in message["reasoning_content"].split("\n"):
                assert grammar.fullmatch(line), line


def test_a_retry_repeats_the_call_exactly(conversations: list[Conversation]) -> None:
    retries = 0
    for conversation in conversations:
        previous: list[tuple[str, dict[str, Any]]] = []
        pause, retrying = conversation.toolset.pause, False
        for _, message in assistant_turns(conversation):
            calls = calls_of(message)
            retrying |= ": retry " in message["reasoning_content"]
            if pause and [name for name, _ in calls] == [pause.tool.name]:
                continue
            if retrying:
                assert calls == previous
                retries += 1
            previous, retrying = calls, False
    assert retries > 10


def test_both_languages_and_all_skills_are_well_represented(conversations: list[Conversation]) -> None:
    turns = [(skill.name, c.lang) for c in conversations for skill in c.skills]
    for skill in ("CALL", "ASK", "CHAIN", "ERROR", "RULE", "REPLY", "NESTED", "PARALLEL", "WAIT"):
        for lang in ("en", "vi"):
            assert turns.count((skill, lang)) >= 5, (skill, lang)


def test_the_mask_is_the_assistant_text_with_its_end_of_turn(
    raw_tokenizer: Any, conversations: list[Conversation]
) -> None:
    for conversation in conversations[:40]:
        ids, mask = corpus.encode(raw_tokenizer, conversation)
        trained = raw_tokenizer.decode([i for i, on in zip(ids, mask, strict=True) if on], skip_special_tokens=False)
        assert trained == "".join(piece for piece, on in corpus.segments(conversation) if on)


def test_pieces_encode_like_the_whole(raw_tokenizer: Any, conversations: list[Conversation]) -> None:
    for conversation in conversations[:40]:
        ids, _ = corpus.encode(raw_tokenizer, conversation)
        assert ids == raw_tokenizer.encode(corpus.text(conversation) + corpus.DOCUMENT_END).ids


@given(st.text(alphabet="0123456789", min_size=1, max_size=12))
@settings(max_examples=50, deadline=None)
def test_each_digit_is_a_token(digits: str) -> None:
    tokenizer = _shared_tokenizer()
    assert tokenizer.encode(digits).tokens == list(digits)


@given(st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_decoding_gives_back_the_composed_text(text: str) -> None:
    import unicodedata

    tokenizer = _shared_tokenizer()
    assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == unicodedata.normalize("NFC", text)


_CACHE: list[Any] = []


def _shared_tokenizer() -> Any:
    if not _CACHE:
        _CACHE.append(train_tokenizer(corpus.texts(3, 0, 200), 1500))
    return _CACHE[0]


def test_markers_are_single_tokens_that_decoding_keeps(tokenizer: Any) -> None:
    for marker in MARKERS:
        ids = tokenizer(marker).input_ids
        assert len(ids) == 1 and tokenizer.decode(ids, skip_special_tokens=True) == marker
    assert tokenizer.eos_token == "<|im_end|>" and tokenizer.pad_token == "<|endoftext|>"


def test_a_sample_too_small_for_the_vocabulary_is_an_error() -> None:
    with pytest.raises(ValueError, match="train on more documents"):
        train_tokenizer(["xin chào"], 4096)


@given(st.lists(st.integers(1, 90), max_size=40))
@settings(deadline=None)
def test_packing_keeps_every_document_whole(sizes: list[int]) -> None:
    documents = [([index + 1] * size, [True] * size) for index, size in enumerate(sizes)]
    ids, mask = corpus.pack(documents, 64, 0)
    for index, size in enumerate(sizes):
        rows = np.unique(np.nonzero(ids == index + 1)[0])
        assert np.sum(ids == index + 1) == (size if size <= 64 else 0) and len(rows) <= 1
    assert np.array_equal(mask, ids != 0)


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_training_never_draws_a_held_out_seed(master: int, index: int) -> None:
    assert 0 <= corpus.document_seed(master, index) < corpus.EVALUATION_SEEDS


def test_gold_turns_score_one_and_a_changed_argument_is_noticed() -> None:
    found = evaluate.decisions(corpus.EVALUATION_SEEDS, 12)
    assert all(all(evaluate.outcomes(decision, decision.gold).values()) for decision in found)
    call = next(decision for decision in found if '"arguments": {"' in decision.gold)
    broken = call.gold.replace('"arguments": {"', '"arguments": {"x')
    assert evaluate.outcomes(call, broken)["call"] is False
    assert evaluate.outcomes(call, call.gold.removesuffix("<|im_end|>"))["call"] is False


def test_the_recipe_runs_within_its_budget_and_its_model_loads_and_generates(tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    train.main(
        f"--out {tmp_path} --budget-seconds 20 --reserve-seconds 2 --width 64 --layers 1 --intermediate 64 "
        "--vocabulary 1024 --window 1024 --batch 1 --workers 1 --warmup 5 --tokenizer-documents 150 "
        "--evaluation-conversations 1 --evaluation-batch 8".split()
    )
    torch.set_num_threads(threads)
    recipe = json.loads((tmp_path / "recipe.json").read_text(encoding="utf-8"))
    curve = [loss for _, loss in recipe["training"]["loss_curve"]]
    assert recipe["training"]["steps"] >= 25 and curve[-1] <= curve[0] < 8
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert model.dtype == torch.bfloat16 and model.generation_config.eos_token_id == tokenizer.eos_token_id
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "hi"}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    assert model.generate(**prompt, max_new_tokens=3).shape[1] <= prompt["input_ids"].shape[1] + 3


def test_the_recipe_still_makes_the_corpus_that_the_base_was_trained_on() -> None:
    recipe = json.loads((tiny_path() / "recipe.json").read_text(encoding="utf-8"))
    again = corpus.fingerprint(recipe["command"]["seed"], 1000)
    assert again == recipe["training"]["corpus_sha256_first_1000"]
