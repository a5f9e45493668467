"""Users' own conversations: what is learned of a file, and what is refused, with the line and what to do."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl", reason="training needs samescore[train]")

from small_training import ASKED, GREETED, LEFT, SUITE, WEATHER, configured, talk

from samescore.harness.dialects.detect import detect
from samescore.harness.errors import UsageError
from samescore.harness.policies import tiny_path
from samescore.harness.renderer import Renderer
from samescore.harness.types import Call, Message
from samescore.trainers import sft
from samescore.trainers.config import SftConfig
from samescore.trainers.conversation_files import file_lessons
from samescore.trainers.samples import learned, samples_of
from samescore.trainers.training import Options, prepare

Line = dict[str, Any]
TWO = {
    "messages": [
        {"role": "user", "content": "Oslo and Rome?"},
        {
            "role": "assistant",
            "calls": [
                {"name": "weather", "arguments": {"city": "Oslo"}},
                {"name": "weather", "arguments": {"city": "Rome"}},
            ],
            "thinking": "both",
        },
        {"role": "tool", "content": "clear", "name": "weather"},
        {"role": "tool", "content": "rain", "name": "weather"},
        {"role": "assistant", "content": "Clear, and rain."},
        {"role": "user", "content": "Thanks"},
        {"role": "assistant", "content": "You are welcome."},
    ],
    "tools": [WEATHER],
}


def with_ids(line: Line, *ids: str) -> Line:
    """The same conversation, in which the calls of a turn have ids, and their results name them."""
    whole = copy.deepcopy(line)
    for call, result, id in zip(whole["messages"][1]["calls"], whole["messages"][2:], ids, strict=False):
        call["id"] = result["tool_call_id"] = id
    return whole


IDS = with_ids(TWO, "x", "y")


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer.load(tiny_path())


def changed(line: Line, change: Callable[[Line], None]) -> Line:
    whole = copy.deepcopy(line)
    change(whole)
    return whole


def test_both_forms_of_calls_are_learned_turn_by_turn(tmp_path: Path, renderer: Renderer) -> None:
    lessons = list(file_lessons(talk(tmp_path, [ASKED, TWO, GREETED])))
    assert [lesson.source for lesson in lessons] == [f"{tmp_path}/talk.jsonl:{number}" for number in (1, 2, 3)]
    samples = list(samples_of(lessons, renderer, detect(renderer)))
    texts = [[renderer.tokenizer.decode(turn) for turn in learned(sample.example)] for sample in samples]
    assert texts[0] == [
        '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call><|im_end|>',
        "It is clear.<|im_end|>",
    ]
    assert [len(turns) for turns in texts] == [2, 3, 2]
    assert "both" in texts[1][0] and texts[1][0].count("<tool_call>") == 2
    assert texts[2] == ["<think>\ngreet back\n</think>\n\nHello! What can I do?<|im_end|>", "Fine.<|im_end|>"]


def test_the_prompt_is_that_of_evaluation(tmp_path: Path, renderer: Renderer) -> None:
    (lesson,) = file_lessons(talk(tmp_path, [ASKED]))
    (sample,) = samples_of([lesson], renderer, detect(renderer))
    asked = [Message("system", "You help."), Message("user", "How is the weather in Oslo?")]
    prompt = renderer.start(asked, lesson.toolset)
    assert list(sample.example.ids[: len(prompt)]) == prompt
    turn = Message("assistant", "", calls=(Call("weather", {"city": "Oslo"}),))
    told = [*asked, turn, Message("tool", '{"sky": "clear"}', name="weather")]
    following = renderer.start(told, lesson.toolset)
    assert list(sample.example.ids[: len(following)]) == following


def test_results_find_their_calls_by_id(tmp_path: Path) -> None:
    line = copy.deepcopy(TWO)
    for call, id in zip(line["messages"][1]["calls"], "xy", strict=True):
        call["id"] = id
    line["messages"][2] = {"role": "tool", "content": "rain", "tool_call_id": "y"}
    line["messages"][3] = {"role": "tool", "content": "clear", "tool_call_id": "x"}
    (lesson,) = file_lessons(talk(tmp_path, [line]))
    seen = [(one.call.arguments["city"], one.content) for one in lesson.steps[0].observations]
    assert seen == [("Oslo", "clear"), ("Rome", "rain")]


def test_a_conversation_may_end_with_a_call(tmp_path: Path, renderer: Renderer) -> None:
    line = {**ASKED, "messages": ASKED["messages"][:3]}
    (sample,) = samples_of(file_lessons(talk(tmp_path, [line])), renderer, detect(renderer))
    assert len(learned(sample.example)) == 1 and sample.example.mask[-1] == 1


NULL = "Libraries of tables fill missing keys with null"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param('{"messages": [', "this is not JSON: no JSON value here at column", id="bad JSON"),
        pytest.param(
            '{"messages": "cut',
            "this is not JSON: Unterminated string starting at column 14. Correct the line.",
            id="cut JSON",
        ),
        pytest.param('{"messages": [] 1}', "Expecting ',' delimiter at column 17. Correct", id="no comma"),
        pytest.param('{"messages": [], "messages": []}', "occurs twice", id="duplicate key"),
        pytest.param([], 'expected an object with a list of "messages"', id="no object"),
        pytest.param({"prompt": "x"}, 'expected an object with a list of "messages"', id="no messages"),
        pytest.param({**LEFT, "weight": 0}, "unknown key 'weight' beside the messages", id="unknown key"),
        pytest.param(
            changed(LEFT, lambda x: x["messages"][0].update(role="human")),
            "message 1: unknown role 'human'. Roles are system, user",
            id="unknown role",
        ),
        pytest.param(
            changed(LEFT, lambda x: x["messages"][0].update(role="developer")),
            "unknown role 'developer'",
            id="developer",
        ),
        pytest.param(changed(LEFT, lambda x: x["messages"][0].update(tool_calls=None)), NULL, id="null-filled user"),
        pytest.param(
            changed(LEFT, lambda x: x["messages"][1].update(tool_calls=None)),
            f"message 2: 'tool_calls' is null. {NULL}",
            id="null-filled assistant",
        ),
        pytest.param(
            changed(LEFT, lambda x: x["messages"][1].update(content=None)), NULL, id="null content without a call"
        ),
        pytest.param(
            {**LEFT, "tools": None}, f"`tools` is no list. Leave it out where there are none. {NULL}", id="null tools"
        ),
        pytest.param(
            changed(ASKED, lambda x: x["tools"][0]["function"]["parameters"]["properties"].update(day=None)),
            f"tools: 'day' is null. {NULL}",
            id="null in a schema",
        ),
        pytest.param(
            changed(
                ASKED,
                lambda x: x["messages"][2]["tool_calls"][0]["function"].update(arguments={"city": "Oslo", "day": None}),
            ),
            NULL,
            id="null argument",
        ),
        pytest.param(
            changed(
                ASKED,
                lambda x: (
                    x["tools"][0]["function"]["parameters"].pop("additionalProperties"),
                    x["messages"][2]["tool_calls"][0]["function"].update(arguments={"city": "Oslo", "day": None}),
                ),
            ),
            f"the arguments of weather have 'day', null, which its schema does not know. {NULL}",
            id="null argument of an open schema",
        ),
        pytest.param({**LEFT, "weight": None}, f"unknown key 'weight' beside the messages. {NULL}", id="null key"),
        pytest.param({"messages": [None]}, f"message 1 is null. {NULL}", id="null message"),
        pytest.param(changed(LEFT, lambda x: x["messages"][0].update(role=None)), NULL, id="null role"),
        pytest.param(
            changed(LEFT, lambda x: x["messages"][0].update(role={})), "unknown role {}", id="role of no text"
        ),
        pytest.param({**LEFT, "tools": [None]}, f"tools: one of them is null. {NULL}", id="null tool"),
        pytest.param(
            changed(ASKED, lambda x: x["messages"][2].update(tool_calls=[None])),
            f"message 3, call 1: it is null. {NULL}",
            id="null call",
        ),
        pytest.param(
            changed(ASKED, lambda x: x["messages"][2]["tool_calls"][0].update(index=None)),
            f"message 3, call 1: 'index' is null. {NULL}",
            id="null in a call",
        ),
        pytest.param(
            changed(ASKED, lambda x: x["messages"][2]["tool_calls"][0]["function"].update(arguments=None)),
            f"message 3, call 1: 'arguments' is null. {NULL}",
            id="null arguments",
        ),
        pytest.param(
            changed(ASKED, lambda x: x["messages"].pop(3)),
            "message 3: 1 calls and 0 results after them",
            id="missing result",
        ),
        pytest.param(
            changed(TWO, lambda x: x["messages"].pop(3)), "message 2: 2 calls and 1 results", id="one result of two"
        ),
        pytest.param(
            changed(ASKED, lambda x: x["messages"][3].update(tool_call_id="b")),
            "message 3: its calls have the ids 'a'; message 4 answers 'b'. Correct its `tool_call_id`.",
            id="result of another call",
        ),
        pytest.param(
            changed(ASKED, lambda x: x["messages"][2]["tool_calls"][0].pop("id")),
            "message 3: call 1 has no id, and results name calls by `tool_call_id`. Give every call its `id`",
            id="call without an id",
        ),
        pytest.param(
            changed(IDS, lambda x: x["messages"][1]["calls"][1].update(id="x")),
            "message 2: its calls have the ids 'x', 'x': 'x' is there twice",
            id="one id for two calls",
        ),
        pytest.param(
            changed(IDS, lambda x: x["messages"][3].update(tool_call_id="x")),
            "message 2: its calls have the ids 'x', 'y'; 'x' is answered twice",
            id="one call answered twice",
        ),
        pytest.param(
            changed(IDS, lambda x: x["messages"][3].pop("tool_call_id")),
            "message 2: its calls have the ids 'x', 'y'; message 4 names none of them",
            id="result that names none",
        ),
        pytest.param(
            changed(TWO, lambda x: x["messages"][3].update(name="other")),
            "the result of weather is named other",
            id="result of another tool",
        ),
        pytest.param(
            changed(ASKED, lambda x: x["messages"].pop(2)),
            "message 3: a tool's result before any call",
            id="result without call",
        ),
        pytest.param(
            changed(GREETED, lambda x: x["messages"].pop(2)),
            "message 3: assistant after a turn without a call",
            id="two turns in a row",
        ),
        pytest.param(
            changed(TWO, lambda x: x["messages"].insert(5, {"role": "user", "content": "And?"})),
            "user where the assistant's turn is due",
            id="two users in a row",
        ),
        pytest.param(
            changed(ASKED, lambda x: x["messages"][2]["tool_calls"][0]["function"].update(arguments="{'city': 1}")),
            "not JSON: Expecting property name enclosed in double quotes at column 2 of them",
            id="arguments that are no JSON",
        ),
        pytest.param(
            changed(ASKED, lambda x: x["messages"][2]["tool_calls"][0]["function"].update(arguments="[]")),
            "are no object",
            id="arguments that are no object",
        ),
        pytest.param(
            changed(ASKED, lambda x: x["messages"][2]["tool_calls"][0]["function"].update(arguments={"city": 5})),
            "break its schema: city: 5 is not of type",
            id="arguments that break the schema",
        ),
        pytest.param(
            changed(ASKED, lambda x: x["messages"][2]["tool_calls"][0]["function"].update(name="wether")),
            "wether is not among the line's `tools` (they are weather)",
            id="unknown tool",
        ),
        pytest.param(
            {"messages": ASKED["messages"]}, "weather is not among the line's `tools` (there are none)", id="no tools"
        ),
        pytest.param(
            changed(ASKED, lambda x: x["messages"][2].update(tool_calls=[{"id": "a"}])),
            "no name or no arguments",
            id="call without a name",
        ),
        pytest.param(
            changed(LEFT, lambda x: x["messages"][1].update(content=" ")),
            "message 2: an empty turn of the assistant",
            id="empty turn",
        ),
        pytest.param(changed(LEFT, lambda x: x["messages"].pop(1)), "no turn of the assistant", id="no turn"),
        pytest.param(
            changed(LEFT, lambda x: x["messages"][0].update(content=[{"type": "text", "text": "x"}])),
            "`content` is no text",
            id="content in parts",
        ),
        pytest.param(
            changed(LEFT, lambda x: x["messages"][1].update(thinking="a", reasoning_content="b")),
            "mean the same",
            id="thinking twice",
        ),
        pytest.param(
            changed(LEFT, lambda x: x["messages"][0].update(content="")), "nothing is said", id="nothing said"
        ),
    ],
)
def test_what_is_wrong_is_one_message_with_file_and_line(tmp_path: Path, line: Any, message: str) -> None:
    path = talk(tmp_path, [GREETED, line])
    with pytest.raises(UsageError) as caught:
        list(file_lessons(path))
    assert str(caught.value).startswith(f"{path}:2: ")
    assert message in str(caught.value)
    assert "Error" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_turn_that_the_template_would_change_is_refused(tmp_path: Path, renderer: Renderer) -> None:
    line = changed(LEFT, lambda x: x["messages"][1].update(content='So: <tool_call>{"name": "x"}'))
    with pytest.raises(UsageError, match=r"talk\.jsonl:1: turn 1 of the assistant does not survive the chat template"):
        list(samples_of(file_lessons(talk(tmp_path, [line])), renderer, detect(renderer)))


def test_a_file_of_nothing_is_refused(tmp_path: Path) -> None:
    path = talk(tmp_path, [])
    with pytest.raises(UsageError, match="no conversation in this file"):
        list(file_lessons(path))
    with pytest.raises(UsageError, match="the conversations cannot be read"):
        list(file_lessons(tmp_path / "nowhere.jsonl"))


def test_words_of_a_case_that_judges_are_refused_as_leakage(tmp_path: Path) -> None:
    from samescore.trainers.config import DataConfig
    from samescore.trainers.material import load_material

    case = max(load_material(DataConfig(suite=str(SUITE)), "eval").cases, key=lambda case: len(case.opening))
    line = {"messages": [{"role": "user", "content": case.opening}, {"role": "assistant", "content": "Fine."}]}
    path = configured(tmp_path)
    talk(tmp_path, [json.loads(json.dumps(line))])
    with pytest.raises(UsageError, match=r"(?s)the training data leaks.*talk\.jsonl:1"):
        sft.data_of(prepare("sft", path, SftConfig, Options()))
