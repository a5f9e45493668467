"""The corpus's nested arguments, parallel calls, waits, secrets and house words, held against the harness itself."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Any, Literal, NotRequired

import pytest
from hypothesis import given, settings, strategies as st

transformers = pytest.importorskip("transformers")
pydantic = pytest.importorskip("pydantic")

from typing_extensions import TypedDict  # noqa: E402

from samescore.harness.dialects.hermes import Hermes  # noqa: E402
from samescore.harness.policies import tiny_path  # noqa: E402
from samescore.harness.renderer import Renderer  # noqa: E402
from samescore.harness.tools import Tool, Toolset, toolset_from_specs  # noqa: E402
from samescore.harness.types import Call, Completion, Finish, Message  # noqa: E402
from samescore.trainers.pretrain import corpus, words  # noqa: E402
from samescore.trainers.pretrain.conversations import Conversation, generate  # noqa: E402
from samescore.trainers.pretrain.fields import Field, attribute_field, list_field  # noqa: E402
from samescore.trainers.pretrain.procedures import random_condition  # noqa: E402
from samescore.trainers.pretrain.structure import Leaf, Records, assemble, leaves, path_of  # noqa: E402

SEEDS = range(7000, 7400)


@pytest.fixture(scope="module")
def conversations() -> list[Conversation]:
    return [generate(seed) for seed in SEEDS]


def harness_toolset(conversation: Conversation) -> Toolset:
    return toolset_from_specs("random", 1, conversation.tools)


def calls_of(message: dict[str, Any]) -> list[Call]:
    return [Call(c["function"]["name"], c["function"]["arguments"]) for c in message.get("tool_calls", [])]


def written_turns(conversation: Conversation) -> Iterator[tuple[dict[str, Any], str]]:
    """Each assistant message with its text as the corpus writes it, end of turn excluded."""
    texts = [piece for piece, trained in corpus.segments(conversation) if trained]
    messages = [message for message in conversation.messages if message["role"] == "assistant"]
    for message, text in zip(messages, texts, strict=True):
        yield message, text.removesuffix("<|im_end|>")


def replies(conversation: Conversation) -> str:
    """All that the agent says to the user."""
    return "\n".join(str(m["content"]) for m in conversation.messages if m["role"] == "assistant")


def test_the_strict_parser_finds_the_calls_and_no_defect(conversations: list[Conversation]) -> None:
    dialect = Hermes()
    for conversation in conversations:
        toolset = harness_toolset(conversation)
        for message, text in written_turns(conversation):
            turn = dialect.parse(Completion(text, Finish.STOP), toolset)
            assert not turn.defects
            assert turn.thinking == message["reasoning_content"] and turn.content == message["content"]
            assert [attempt.call for attempt in turn.attempts] == calls_of(message)


def test_every_call_is_valid_for_the_harness(conversations: list[Conversation]) -> None:
    for conversation in conversations:
        tools = harness_toolset(conversation).by_name
        for message, _ in written_turns(conversation):
            for call in calls_of(message):
                assert tools[call.name].valid(call.arguments), (call, tools[call.name].complaint(call.arguments))


def test_prompts_and_turns_have_the_tokens_that_the_harness_gives_them(conversations: list[Conversation]) -> None:
    renderer = Renderer.load(tiny_path())
    for conversation in conversations[:60]:
        toolset = harness_toolset(conversation)
        before: list[Message] = []
        ids: list[int] = []
        mask: list[int] = []
        for message in conversation.messages:
            thinking = message.get("reasoning_content")
            content = str(message["content"])
            rendered = Message(message["role"], content, thinking=thinking, calls=tuple(calls_of(message)))  # type: ignore[arg-type]
            if message["role"] == "assistant":
                prompt = renderer.start(before, toolset)
                turn = renderer.write(before, toolset, rendered)
                ids, mask = [*prompt, *turn], [*mask, *[0] * (len(prompt) - len(mask)), *[1] * len(turn)]
            before.append(rendered)
        text_ids, text_mask = corpus.encode(renderer.tokenizer.backend_tokenizer, conversation)
        assert text_ids[: len(ids)] == ids
        assert [int(on) for on in text_mask[: len(ids)]] == mask and not any(text_mask[len(ids) :])


class Origin(TypedDict):
    """Where it comes from."""

    serial: Annotated[str, pydantic.Field(pattern="^S[0-9]{2}$")]
    size: NotRequired[int]


def sample_tool(env: object, origin: Origin, marks: list[Literal["a", "b"]], day: str = "") -> None:
    """A tool from type hints.

    Args:
        origin: Origin.
        marks: Marks.
        day: Day.
    """


def objects_and_arrays(schema: Any) -> Iterator[tuple[str, ...]]:
    """The keys, in order, of every schema of an object or an array; what is optional in them left out."""
    if isinstance(schema, dict):
        if schema.get("type") in ("object", "array"):
            yield tuple(key for key in schema if key not in ("required", "description", "minItems", "uniqueItems"))
        for value in schema.values():
            yield from objects_and_arrays(value)


def test_most_nested_schemas_have_the_keys_of_the_harness_in_its_order(conversations: list[Conversation]) -> None:
    properties = Tool.from_function(sample_tool).parameters["properties"]
    expected = set(objects_and_arrays(properties))
    assert len(expected) == 2
    found = [
        keys
        for conversation in conversations
        for tool in conversation.toolset.tools
        if tool.takes
        for keys in objects_and_arrays(tool.schema["parameters"]["properties"])  # type: ignore[index]
    ]
    assert len(found) > 200 and sum(keys in expected for keys in found) > 0.75 * len(found)


def test_a_wait_lasts_as_long_as_the_error_says(conversations: list[Conversation]) -> None:
    waits = 0
    for conversation in conversations:
        pause = conversation.toolset.pause
        told = -1
        for message in conversation.messages:
            if message["role"] == "tool" and pause and pause.hint in str(message["content"]):
                told = json.loads(str(message["content"]))[pause.hint]
            for call in calls_of(message):
                if pause and call.name == pause.tool.name:
                    assert call.arguments == {pause.parameter.name: told}
                    assert f"{pause.hint}: {told}" in str(message["reasoning_content"])
                    waits += 1
    assert waits > 30


def test_retries_end_where_the_system_message_says(conversations: list[Conversation]) -> None:
    exhausted = 0
    for conversation in conversations:
        attempts = 0
        for message in conversation.messages:
            thinking = str(message.get("reasoning_content", ""))
            if found := re.search(r"^error \w+: retry (\d)$", thinking, re.MULTILINE):
                attempts = int(found.group(1))
                assert attempts <= 3
            if re.search(r"^error \w+: give up$", thinking, re.MULTILINE) and attempts:
                numbers = re.findall(r"(\d) (?:times|retries|lần)", str(conversation.messages[0]["content"]))
                assert str(attempts) in [*numbers, "2"]
                exhausted += 1
            if message["role"] == "user":
                attempts = 0
    assert exhausted > 15


def test_parallel_calls_get_as_many_results(conversations: list[Conversation]) -> None:
    together = 0
    for conversation in conversations:
        messages = conversation.messages
        for place, message in enumerate(messages):
            if len(calls := calls_of(message)) > 1:
                roles = [following["role"] for following in messages[place + 1 : place + 1 + len(calls)]]
                assert roles == ["tool"] * len(calls) and messages[place + 1 + len(calls)]["role"] == "assistant"
                assert str(message["reasoning_content"]).endswith(", ".join(call.name for call in calls))
                together += 1
    assert together > 30


def test_confidential_values_are_never_told(conversations: list[Conversation]) -> None:
    kept = 0
    for conversation in conversations:
        named = re.findall(
            r"(?:Never tell the customer|not for the customer:|Do not reveal|cho khách biết|không nói với khách:|"
            r"Không tiết lộ) ((?!the|these|các)[\w, ]+?)(?: to anyone| cho bất kỳ ai)?\.",
            str(conversation.messages[0]["content"]),
        )
        for name in {name for names in named for name in names.split(", ")}:
            results = [str(m["content"]) for m in conversation.messages if m["role"] == "tool"]
            for value in re.findall(rf'"{name}": "([^"]+)"', "\n".join(results)):
                assert value not in replies(conversation), (name, value)
                kept += 1
    assert kept > 20


def test_a_quoted_reply_is_given_with_its_house_words(conversations: list[Conversation]) -> None:
    given = 0
    for conversation in conversations:
        system = str(conversation.messages[0]["content"])
        for template in re.findall(r'(?:Reply|words|Trả lời|câu này): "([^"]+)"', system):
            pattern = re.sub(r"\\\{\w+\\\}", ".+?", re.escape(template))
            given += re.search(pattern, replies(conversation)) is not None
    assert given > 4


@given(st.integers(0, 10**6))
@settings(max_examples=200, deadline=None)
def test_sums_of_days_are_worked_out(seed: int) -> None:
    rng = random.Random(seed)
    today = date(2024, 1, 1) + timedelta(rng.randint(0, 1200))
    first, second = attribute_field(rng, "date"), attribute_field(rng, "date")
    facts: dict[str, Any] = {first.name: "2025-02-27", second.name: "2024-12-30"}
    for atom in random_condition(rng, [first, second], today).atoms:
        start = facts[atom.base.name] if atom.base else today.isoformat()
        right = date.fromisoformat(start) + timedelta(atom.offset)
        if atom.offset or atom.base:
            assert atom.line(facts).split(" ")[3].rstrip(":") == right.isoformat()


def test_a_path_leads_to_the_value_in_the_result() -> None:
    key, other = Field("serial", "id", "serial", "số", "S##"), Field("kind", "text", "kind", "loại")
    nodes = (Records("units", (Leaf("id", key), Leaf("kind", other)), 1, 1),)
    built: Any = assemble(nodes, {"serial": "S12", "kind": "x"}, lambda item: f"other {item.name}")
    assert path_of(nodes, "serial") == "units.1.id"
    assert built["units"][1] == {"id": "S12", "kind": "x"} and len(built["units"]) == 3
    assert [leaf.key for leaf in leaves(nodes)] == ["id", "kind"]


def test_no_key_of_an_object_is_the_name_of_a_field() -> None:
    banks = (words.INTEGERS, words.MONEY, words.BOOLEANS, words.DATES, words.EMAILS, words.PHONES, words.PEOPLE)
    names = {a.name for bank in (*banks, words.TEXTS, words.LISTS, words.SECRETS) for a in bank}
    names |= {attribute.name for attribute, _ in words.ENUMS}
    assert not names & {key for group in words.GROUPS for key in (group, f"{group}s")}


@given(st.integers(0, 10**6))
@settings(max_examples=100, deadline=None)
def test_the_elements_of_a_sampled_list_differ(seed: int) -> None:
    from samescore.trainers.pretrain.fields import sample

    rng = random.Random(seed)
    values = sample(rng, list_field(rng), date(2025, 1, 1))
    assert isinstance(values, list) and 1 <= len(values) == len(set(values)) <= 4
