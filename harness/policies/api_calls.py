"""One request through Inspect, and the raw response that came with it.

`Model.generate` returns Inspect's reading of a response. The response itself is in the event that Inspect makes of a
request; inside an Inspect evaluation that event also goes to the transcript, as it would have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from samescore.harness.errors import PolicyError
from samescore.harness.policies.api_errors import reason_of
from samescore.harness.policies.raw_response import native_message

if TYPE_CHECKING:
    from inspect_ai.event import ModelEvent
    from inspect_ai.model import ChatMessage, GenerateConfig, Model, ModelCall, ModelOutput
    from inspect_ai.tool import ToolInfo


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: Inspect's reading, None where it could not read a message that is there; and the raw response."""

    output: ModelOutput | None
    call: ModelCall | None

    @property
    def response(self) -> Mapping[str, Any] | None:
        """The raw response, if the provider gave one."""
        return None if self.call is None or self.call.error else self.call.response

    @property
    def refused(self) -> bool:
        """Whether the provider answered with an error that Inspect takes for an answer."""
        return self.call is not None and bool(self.call.error)

    @property
    def stop_reason(self) -> str | None:
        """Why the model stopped, in Inspect's words; None where the server gave no reason."""
        if self.output is not None and self.output.stop_reason != "unknown":
            return self.output.stop_reason
        choices = (self.response or {}).get("choices")
        if not isinstance(choices, list):
            return "unknown"
        reason = choices[0].get("finish_reason")
        return "max_tokens" if reason == "length" else reason


async def answer_of(
    model: Model, messages: Sequence[ChatMessage], tools: Sequence[ToolInfo], config: GenerateConfig
) -> Answer:
    """Ask the model for its next message; Inspect retries, waits and limits connections.

    Nothing is cached: a turn out of Inspect's cache has no raw response.

    Raises:
        PolicyError: the provider failed after all retries, or its answer cannot be read.
    """
    from inspect_ai.model._model import use_model_event_sink

    kept = _Keeper()
    try:
        with use_model_event_sink(kept):
            output = await model.generate(list(messages), tools=list(tools), config=config, cache=False)
    except Exception as error:  # whatever a provider's client raises: it is the provider that failed
        answer = Answer(None, kept.call)
        if native_message(answer.response) is not None:
            return answer  # a message is there, and Inspect tripped over its arguments: they are read strictly here
        raise PolicyError(f"{model}: {reason_of(error)}") from error
    if output.empty:
        raise PolicyError(f"{model}: the server answered without a message. It does not speak the provider's protocol.")
    return Answer(output, kept.call)


class _Keeper:
    """Keeps the raw call of the last attempt, and hands events on to the transcript of an Inspect evaluation."""

    def __init__(self) -> None:
        from inspect_ai.log._samples import sample_active
        from inspect_ai.log._transcript import Transcript, init_transcript

        self.call: ModelCall | None = None
        self._logged = sample_active() is not None
        if not self._logged:
            # Outside of an evaluation Inspect would keep every event in one transcript, for ever.
            init_transcript(Transcript(log_model_api=True))

    def on_pending(self, event: ModelEvent) -> None:
        """A request begins."""
        from inspect_ai.log import transcript

        if self._logged:
            transcript()._event(event)

    def on_complete(self, event: ModelEvent) -> None:
        """A request ended, well or not."""
        from inspect_ai.log import transcript

        self.call = event.call
        if self._logged:
            transcript()._event_updated(event)
