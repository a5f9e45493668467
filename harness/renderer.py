"""The renderer: one road from messages to prompt ids, for every local backend, for training and evaluation.

`start` renders the messages before the first turn with the model's own chat template. `extend` appends what
follows a turn to the ids at hand: ids that a model sampled are never decoded and encoded again. A probe at
construction decides whether the template keeps its prefix when tool results, and user turns, are added. Where
it does not, a `Transcript` renders the conversation again, as a server would.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from samescore.harness.errors import DialectError, UsageError
from samescore.harness.fingerprint import fingerprint
from samescore.harness.template_messages import as_template
from samescore.harness.tools import Tool, Toolset
from samescore.harness.types import Call, Completion, Finish, Message, Step, Turn

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_DAY = date(2024, 7, 26)
"""What templates that write today's date are told: a prompt is the same on every day. It is Llama's own default."""
_MARK, _THOUGHT = "samescore-probe", "well"
_VOCABULARIES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "tekken.json")
_PROBE_CALL = Call("probe_a", {"text": "a", "n": 1})


@dataclass(frozen=True, slots=True)
class Example:
    """One training sample: token ids, and 1 where the assistant wrote the token (its end of turn included)."""

    ids: tuple[int, ...]
    mask: tuple[int, ...]


class Renderer:
    """A tokenizer and its chat template.

    `end_id` is the token that closes a turn of words, `call_end_id` one with calls: the same in most templates; a few
    leave a turn with calls open for the results, behind a token of its own. It is None where calls are not rendered, or
    not closed. `keeps_tool_prefix` and `keeps_user_prefix`: whether
    earlier ids stay as they are when tool results, or a user's turn, are added. `opening` is text of the assistant's
    turn that the generation prompt already holds (`<think>` in some templates).

    Raises:
        UsageError: the tokenizer has no chat template, or the template cannot render a plain conversation.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        if not tokenizer.chat_template:
            raise UsageError(
                f"the tokenizer of {tokenizer.name_or_path} has no chat template. Put a chat_template.jinja into the "
                "model's folder."
            )
        self.tokenizer = tokenizer
        self.end_text, self.end_id = self._end_of_turn()
        self._call_end = self._end_of_calls()
        self.call_end_id = None if self._call_end is None else self._call_end[1]
        self.keeps_tool_prefix = self._keeps_prefix(Message("tool", "{}", name="probe_a"))
        self.keeps_user_prefix = self._keeps_prefix(Message("user", "and then?"))

    @classmethod
    def load(cls, path: str | Path) -> Renderer:
        """The renderer of the model at a path or hub id.

        Raises:
            UsageError: there is no tokenizer, or no usable chat template.
        """
        from transformers import AutoTokenizer

        folder = Path(path)
        if folder.is_dir() and not any((folder / name).is_file() for name in _VOCABULARIES):
            raise UsageError(
                f"{path} holds no tokenizer (no {_VOCABULARIES[0]}). Copy the tokenizer's files of the model into it."
            )
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(path))
        except (OSError, ValueError, KeyError) as error:
            first = str(error).splitlines()[0]
            raise UsageError(f"no tokenizer at {path}: {first}. Give the folder of a model, or its hub id.") from None
        return cls(tokenizer)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Changes with the chat template or the tokenizer."""
        import hashlib

        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        vocabulary = backend.to_str() if backend is not None else str(sorted(self.tokenizer.get_vocab().items()))
        digest = hashlib.sha256(vocabulary.encode("utf-8", "surrogatepass")).hexdigest()
        return fingerprint([self.tokenizer.chat_template, digest])

    # Rendering.

    def start(self, messages: Sequence[Message], toolset: Toolset | None) -> list[int]:
        """The prompt ids for the next assistant turn after `messages`."""
        return self.encode(self._render(messages, toolset, prompt=True))

    def extend(self, ids: Sequence[int], completion: Sequence[int], messages: Sequence[Message]) -> list[int]:
        """The next prompt's ids: `ids`, then the turn as it was sampled, then what the template puts around `messages`.

        The turn must have ended; `messages` are its tool results, or the user's answer. A turn that ended as the
        template ends the other kind is closed once more, as the template does it.
        """
        assert completion and completion[-1] in self.ends, "only a turn that ended can be followed"
        answered = messages and messages[0].role == "tool"
        end = self.call_end_id if answered and self.call_end_id is not None else self.end_id
        closed = [] if completion[-1] == end else [end]
        return [*ids, *completion, *closed, *self.encode(self._delta(messages))]

    def write(self, before: Sequence[Message], toolset: Toolset | None, message: Message) -> tuple[int, ...]:
        """The token ids of an assistant turn as the template writes it, end of turn included.

        Raises:
            DialectError: the template cannot write this turn, or does not append it to its own prompt.
        """
        prompt = self._render(before, toolset, prompt=True)
        whole = self._render([*before, message], toolset, prompt=False)
        if not whole.startswith(prompt):
            raise DialectError(
                "the chat template renders an assistant turn differently from what its generation prompt begins; gold "
                "turns cannot be written in it. Use the template's training variant."
            )
        end, end_id = self._end_of(message)
        text, found, _ = whole[len(prompt) :].rpartition(end)
        if not found:
            raise DialectError(
                f"the chat template of {self.tokenizer.name_or_path} does not close this turn with {end}; where it "
                "ends cannot be told. Use a template that closes every turn."
            )
        return (*self.encode(text), end_id)

    def completion(self, ids: Sequence[int], prompt: Sequence[int]) -> Completion:
        """What a model wrote, as text: up to the end of turn, every other special token kept.

        Ids that do not end in the end of turn are a truncated turn; ids after it cannot be, as generation stops there.
        """
        ended = bool(ids) and ids[-1] in self.ends
        body = ids[:-1] if ended else ids
        text = self.tokenizer.decode(body, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return Completion(
            text=self.opening + text,
            finish=Finish.STOP if ended else Finish.LENGTH,
            token_ids=tuple(ids),
            prompt_tokens=len(prompt),
            prompt=fingerprint(list(prompt)),
        )

    @property
    def ends(self) -> frozenset[int]:
        """The tokens that close a turn, each a proper end."""
        return frozenset({self.end_id} if self.call_end_id is None else {self.end_id, self.call_end_id})

    @functools.cached_property
    def parallel(self) -> bool:
        """Whether the template renders two calls in one turn."""
        turn = Message("assistant", "", calls=(_PROBE_CALL, _PROBE_CALL))
        return self._renders([Message("user", "u"), turn])

    def encode(self, text: str) -> list[int]:
        """Token ids of a text; nothing is added."""
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    @functools.cached_property
    def opening(self) -> str:
        """The part of the assistant's turn that the generation prompt already holds."""
        asked = [Message("user", "u")]
        before = self._render(asked, None, prompt=False)
        after = self._render(asked, None, prompt=True)
        generation = after.removeprefix(before)
        at = generation.find("<think>")
        return generation[at:] if at >= 0 else ""

    def _render(self, messages: Sequence[Message], toolset: Toolset | None, *, prompt: bool) -> str:
        import jinja2

        try:
            return str(
                self.tokenizer.apply_chat_template(
                    as_template(messages),
                    tools=toolset.specs() if toolset is not None else None,
                    tokenize=False,
                    add_generation_prompt=prompt,
                    strftime_now=_DAY.strftime,
                )
            )
        except (jinja2.TemplateError, TypeError) as error:
            raise DialectError(
                f"the chat template of {self.tokenizer.name_or_path} cannot render a conversation: {error}. "
                "Correct the template, or use that of the model's family."
            ) from None

    def _renders(self, messages: Sequence[Message]) -> bool:
        try:
            self._render(messages, None, prompt=False)
        except DialectError:
            return False
        return True

    def _delta(self, messages: Sequence[Message]) -> str:
        """What follows an ended assistant turn, up to where the next one begins."""
        # A result may be rendered with the name of the call that it answers.
        calls = tuple(Call(message.name or "", {}) for message in messages if message.role == "tool")
        # With thinking, as the probe of the prefix has it: some templates write an empty block into a last turn only.
        turn = Message("assistant", _MARK, thinking=_THOUGHT, calls=calls if self.parallel else calls[:1])
        context = [Message("user", "u"), turn]
        base = self._render(context, None, prompt=False)
        whole = self._render([*context, *messages], None, prompt=True)
        return whole[self._cut(base, turn) :]

    def _end_of(self, turn: Message) -> tuple[str, int]:
        if not turn.calls:
            return self.end_text, self.end_id
        if self._call_end is None:
            raise DialectError(
                f"the chat template of {self.tokenizer.name_or_path} renders no calls, or does not close a turn that "
                "has some. Give the model a template that does."
            )
        return self._call_end

    def _cut(self, rendered: str, turn: Message) -> int:
        """The index in a rendered conversation after its last turn, and that turn's end."""
        end, _ = self._end_of(turn)
        return rendered.rindex(end) + len(end)

    def _end_of_turn(self) -> tuple[str, int]:
        """The token that closes an assistant's turn: the first special token after its content."""
        rendered = self._render([Message("user", "u"), Message("assistant", _MARK)], None, prompt=False)
        for end in self._special(rendered.partition(_MARK)[2]):
            return end
        raise UsageError(
            f"the chat template of {self.tokenizer.name_or_path} closes an assistant's turn with no special token; "
            "where a turn ends cannot be told. Use a template that does."
        )

    def _end_of_calls(self) -> tuple[str, int] | None:
        """The token that closes an assistant's turn with calls: that of any turn, or else the last special token."""
        asked = [Message("user", "u"), Message("assistant", "", calls=(_PROBE_CALL,))]
        if not self._renders(asked):
            return None
        found = self._special(self._render(asked, None, prompt=False).rpartition(_PROBE_CALL.name)[2])
        plain = self.end_text, self.end_id
        return plain if plain in found else found[-1] if found else None

    def _special(self, text: str) -> list[tuple[str, int]]:
        """The special tokens in a text, in order."""
        special = set(self.tokenizer.all_special_ids) | set(self.tokenizer.added_tokens_decoder)
        return [
            (str(self.tokenizer.convert_ids_to_tokens(token)), token) for token in self.encode(text) if token in special
        ]

    def _keeps_prefix(self, follower: Message) -> bool:
        # With tools and without: some templates move the tools before the last user's turn.
        return all(self._keeps_prefix_with(tools, follower) for tools in (None, _probe_tools()))

    def _keeps_prefix_with(self, tools: Toolset | None, follower: Message) -> bool:
        calls = (_PROBE_CALL,) if follower.role == "tool" else ()
        turn = Message("assistant", _MARK, thinking=_THOUGHT, calls=calls)
        conversation = [Message("system", "s"), Message("user", "u"), turn]
        try:
            before = self._render(conversation, tools, prompt=False)
            after = self._render([*conversation, follower], tools, prompt=True)
            return after.startswith(before[: self._cut(before, turn)])
        except DialectError:
            return False


@functools.cache
def _probe_tools() -> Toolset:
    schema = {"type": "object", "properties": {"text": {"type": "string"}, "n": {"type": "integer"}}}
    return Toolset("probe", 1, (Tool(_PROBE_CALL.name, "A probe.", schema),))


class Transcript:
    """A conversation on its way through a renderer: the ids of the next prompt, whatever the template does."""

    def __init__(self, renderer: Renderer, messages: Sequence[Message], toolset: Toolset | None) -> None:
        self.renderer = renderer
        self.messages = list(messages)
        self.toolset = toolset
        self.prompt = renderer.start(self.messages, toolset)
        self.kept = True  # whether the prompt still begins with all ids of before

    def copy(self) -> Transcript:
        """Another that stands where this one does, and goes its own way from here."""
        other = object.__new__(Transcript)
        other.renderer, other.toolset, other.kept = self.renderer, self.toolset, self.kept
        other.messages, other.prompt = list(self.messages), list(self.prompt)
        return other

    def write(self, message: Message) -> tuple[int, ...]:
        """The ids of an assistant turn, as the template writes it here."""
        return self.renderer.write(self.messages, self.toolset, message)

    def add(self, completion: Sequence[int] | None, turn: Turn, messages: Sequence[Message]) -> None:
        """Append a turn as it was sampled, or else as the template writes it; and what followed it."""
        self.messages += [turn.message(), *messages]
        keeps = completion is not None and all(
            self.renderer.keeps_tool_prefix if message.role == "tool" else self.renderer.keeps_user_prefix
            for message in messages
        )
        if completion is not None and keeps:
            self.prompt = self.renderer.extend(self.prompt, completion, messages)
        else:
            self.prompt = self.renderer.start(self.messages, self.toolset)
        self.kept = keeps


def examples(
    renderer: Renderer, messages: Sequence[Message], toolset: Toolset | None, steps: Sequence[Step]
) -> tuple[Example, ...]:
    """A trajectory as training samples. A template that keeps its prefix gives one; another, one for each turn it cuts.

    Turns that came with token ids are used as sampled, others are written by the template.
    """
    transcript = Transcript(renderer, messages, toolset)
    finished: list[Example] = []
    sample: Example | None = None
    mask = [0] * len(transcript.prompt)
    for step in steps:
        ids = step.turn.completion.token_ids or transcript.write(step.turn.message())
        sample = Example((*transcript.prompt, *ids), (*mask, *([1] * len(ids))))
        follow = followers(step)
        if not follow:
            break
        transcript.add(ids, step.turn, follow)
        if transcript.kept:
            mask = [*sample.mask, *([0] * (len(transcript.prompt) - len(sample.mask)))]
        else:
            finished.append(sample)
            sample, mask = None, [0] * len(transcript.prompt)
    return tuple(finished) if sample is None else (*finished, sample)


def followers(step: Step) -> list[Message]:
    """The messages that follow a step's turn."""
    if step.reply is not None:
        return [Message("user", step.reply)]
    return [Message("tool", seen.content, name=seen.call.name) for seen in step.observations]
