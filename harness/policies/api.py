"""`PROVIDER/NAME`: any API model through Inspect's providers, with their retries, rate limits and timeouts.

What is recorded of a turn is the provider's own message, taken from the raw response: Inspect repairs arguments before
it shows them. Inspect's reading of a turn serves only to send the conversation back, which it does for turns without
defects alone; there both readings agree.

A provider that fails after Inspect's retries, or answers with something that is no completion, raises `PolicyError`: an
error of the run, never a score. A malformed call is the model's own doing, and evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from samescore.harness.case import Case
from samescore.harness.dialects import Dialect
from samescore.harness.dialects.native import Native, native_text
from samescore.harness.errors import PolicyError
from samescore.harness.fingerprint import seed_of
from samescore.harness.policies.api_calls import Answer, answer_of
from samescore.harness.policies.api_load import open_model
from samescore.harness.policies.api_options import DEFAULT_API_OPTIONS, ApiOptions
from samescore.harness.policies.raw_response import has_parsed_arguments, native_message
from samescore.harness.policy import Sampling
from samescore.harness.tools import Toolset
from samescore.harness.types import Completion, Finish, Message, Turn, Usage
from samescore.harness.usage import Price

if TYPE_CHECKING:
    from inspect_ai.model import ChatMessage, ChatMessageAssistant, Model, ModelOutput
    from inspect_ai.tool import ToolInfo

COMPATIBLE = "OpenAICompatibleAPI"
"""Inspect's class of servers that speak OpenAI's chat completions. It has them force calls into the schema, of which it
leaves patterns and bounds out; they are sent the tools as they are, and what is measured is what the model writes."""

RAW_APIS = ("OpenAIAPI", COMPATIBLE)
"""Inspect's classes of providers that pass a model's argument strings on as they were written."""

SEED_BITS = 31
"""Providers take seeds of different widths; all take this one."""


class ApiPolicy:
    """An API model. Many conversations may run at a time; Inspect limits the connections."""

    def __init__(self, model: Model, name: str, price: Price | None = None) -> None:
        self.name = name
        self.model = model
        self.price = price
        self.dialect: Dialect = Native()
        kinds = {kind.__name__ for kind in type(model.api).__mro__}
        self.strict = not kinds.isdisjoint(RAW_APIS)
        self.whole_schemas = COMPATIBLE in kinds

    @classmethod
    def load(cls, name: str, options: ApiOptions = DEFAULT_API_OPTIONS) -> ApiPolicy:
        """Open a model as Inspect names it, `provider/name`, and make sure that it is served.

        Raises:
            UnknownName, UsageError, PolicyError: see `open_model`.
        """
        return cls(open_model(name, options), name, options.price)

    @property
    def address(self) -> str | None:
        """The server's URL without credentials; None where the provider's own is used."""
        return None if self.model.api.base_url is None else without_credentials(self.model.api.base_url)

    def describe(self) -> Mapping[str, Any]:
        """Provider, model, address, Inspect's version, and whether argument strings come as the model wrote them."""
        provider, _, served = self.name.partition("/")
        return {
            "model": self.name,
            "backend": "inspect",
            "provider": provider,
            "served": served,
            **({} if self.address is None else {"base_url": self.address}),
            "arguments": "raw" if self.strict else "parsed",
            **({} if self.price is None else {"price": [self.price.input, self.price.output]}),
            "versions": {"inspect-ai": version("inspect-ai")},
        }

    def converse(self, case: Case, sampling: Sampling) -> ApiConversation:
        """Begin a dialogue about a case."""
        return ApiConversation(self, case, sampling)

    async def aclose(self) -> None:
        """Close the client."""
        await self.model.api.aclose()


class ApiConversation:
    """One dialogue with an API model: the messages so far, as Inspect sends them."""

    def __init__(self, policy: ApiPolicy, case: Case, sampling: Sampling) -> None:
        self._policy = policy
        self._sampling = sampling
        self._tools = tool_infos(case.toolset)
        self._body = {"tools": case.toolset.specs()} if policy.whole_schemas else None
        self._messages: list[ChatMessage] = [_message(message) for message in case.messages]
        self._turn = 0
        self._said: ModelOutput | None = None

    async def complete(self, limit: int) -> Completion:
        """The next turn, of at most `limit` tokens.

        Raises:
            PolicyError: the provider failed after all retries, or its answer is no completion.
        """
        from inspect_ai.model import GenerateConfig

        seed = seed_of(self._sampling.seed, self._turn) >> (63 - SEED_BITS)
        config = GenerateConfig(
            max_tokens=limit, temperature=self._sampling.temperature, seed=seed, extra_body=self._body
        )
        answer = await answer_of(self._policy.model, self._messages, self._tools, config)
        self._turn += 1
        self._said = answer.output
        return self._completion(answer)

    def write(self, message: Message) -> Completion:
        """The completion that would have produced this assistant message."""
        self._turn += 1
        self._said = None
        return Completion(self._policy.dialect.write(message))

    def tell(self, turn: Turn, messages: Sequence[Message]) -> None:
        """What the assistant said, and the messages that followed: results go with the ids of their calls."""
        said = _assistant(turn, self._said, self._turn)
        self._messages.append(said)
        ids = [call.id for call in said.tool_calls or ()]
        for at, message in enumerate(messages):
            self._messages.append(_message(message, ids[at] if message.role == "tool" else None))

    def close(self) -> None:
        """Nothing is held."""

    def _completion(self, answer: Answer) -> Completion:
        output, response = answer.output, answer.response
        usage = None if output is None else _usage(output, self._policy.price)
        if output is not None and answer.refused:
            # The provider answered with an error that stands for the model's silence: a filter, or a full context.
            if output.stop_reason == "model_length":
                return self._overflow(output.completion)
            return Completion(native_text(output.completion, None, ()), usage=usage)
        text = native_message(response)
        if self._policy.strict and (text is None or (response is not None and has_parsed_arguments(response))):
            what = "no completion" if text is None else "a call whose arguments are no string"
            raise PolicyError(f"{self._policy.name}: the server answered with {what}. {_OFF_PROTOCOL}")
        if text is None:
            assert output is not None, "what raised was raised again"
            text = _parsed_message(output)
        stopped = answer.stop_reason
        if stopped is None:
            raise PolicyError(
                f"{self._policy.name}: the server broke off: its answer has no reason for ending. {_OFF_PROTOCOL}"
            )
        if stopped == "model_length" and self._turn == 1:
            return self._overflow("the prompt fills the model's context")
        finish = Finish.LENGTH if stopped in ("max_tokens", "model_length") else Finish.STOP
        return Completion(text, finish, usage=usage)

    def _overflow(self, words: str) -> Completion:
        """A conversation that talked its context full cannot end its turn; a first prompt without room is an error."""
        if self._turn == 1:
            raise PolicyError(
                f"{self._policy.name}: the case's first prompt does not fit into the model's context: {words:.200}. "
                "Choose a model with a longer one, or leave the procedure out of the prompt: --procedure weights."
            )
        return Completion(native_text("", None, ()), Finish.LENGTH)


_OFF_PROTOCOL = "It does not speak the protocol that it was asked in; correct the server, or --model-base-url."


def without_credentials(url: str) -> str:
    """A URL without user, password, query and fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def tool_infos(toolset: Toolset) -> list[ToolInfo]:
    """The tools as Inspect sends them.

    Inspect has a fixed set of schema keywords; others (`uniqueItems`, `multipleOf`, `const`) do not reach the models of
    providers that are sent these. Calls are judged by the full schema.
    """
    from inspect_ai.tool import ToolInfo, ToolParams

    return [
        ToolInfo(name=tool.name, description=tool.description, parameters=ToolParams.model_validate(tool.parameters))
        for tool in toolset.tools
    ]


def _message(message: Message, call_id: str | None = None) -> ChatMessage:
    from inspect_ai.model import ChatMessageSystem, ChatMessageTool, ChatMessageUser

    match message.role:
        case "system":
            return ChatMessageSystem(content=message.content)
        case "user":
            return ChatMessageUser(content=message.content)
        case "tool":
            return ChatMessageTool(content=message.content, tool_call_id=call_id, function=message.name)
        case "assistant":
            raise ValueError("an assistant's message comes with its turn")


def _assistant(turn: Turn, output: ModelOutput | None, number: int) -> ChatMessageAssistant:
    """The assistant's message for the next request: Inspect's own, which carries what its provider wants back.

    An empty text beside thinking or calls is left out, as OpenAI-compatible providers would send a line feed for it.
    """
    from inspect_ai.model import ChatMessageAssistant
    from inspect_ai.tool import ToolCall

    if output is not None and len(output.message.tool_calls or ()) == len(turn.calls):
        message = output.message
        if isinstance(message.content, list):
            kept = [part for part in message.content if part.type != "text" or part.text]
            message = message.model_copy(update={"content": kept or ""})
        return message
    calls = [
        ToolCall(id=f"call_{number}_{at}", function=call.name, arguments=dict(call.arguments))
        for at, call in enumerate(turn.calls, 1)
    ]
    return ChatMessageAssistant(content=turn.content, tool_calls=calls or None)


def _parsed_message(output: ModelOutput) -> str:
    """The message where only Inspect's reading of it is to be had. What Inspect could not read stays unreadable."""
    message = output.message
    parts = message.content if isinstance(message.content, list) else []
    thought = "\n\n".join(part.reasoning for part in parts if part.type == "reasoning" and part.reasoning)
    calls = [
        {"id": call.id, "name": call.function, "arguments": call.parse_error or call.arguments}
        for call in message.tool_calls or ()
    ]
    return native_text(message.text, thought or None, calls)


def _usage(output: ModelOutput, price: Price | None) -> Usage | None:
    used = output.usage
    if used is None:
        return None
    read = used.input_tokens + (used.input_tokens_cache_read or 0) + (used.input_tokens_cache_write or 0)
    cost = used.total_cost if price is None else price.cost(read, used.output_tokens)
    return Usage(read, used.output_tokens, round(output.time or 0.0, 4), cost)
