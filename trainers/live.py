"""`LivePolicy`: the model in training as a policy of evaluation. GRPO's rollouts and looks at `dev` both run on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samescore.harness.case import Case
from samescore.harness.dialects import Dialect
from samescore.harness.dialects.capability import capability
from samescore.harness.errors import PolicyError
from samescore.harness.policies.local import LocalConversation, SharedPrefixes, TokenSession
from samescore.harness.policy import Sampling
from samescore.harness.renderer import Renderer, Transcript
from samescore.trainers.backends import Writer


class LivePolicy:
    """Writes with the weights as they are now, by the same prompts, seeds and limits as any local policy.

    The writer must have begun. `describe` names the step, so that a run says which weights it looked at. `longest` is
    the most tokens of a conversation, where that is less than what the model can read.
    """

    name = "training"

    def __init__(
        self,
        writer: Writer,
        renderer: Renderer,
        dialect: Dialect,
        description: Mapping[str, Any],
        longest: int | None = None,
    ) -> None:
        self.dialect = dialect
        self.renderer = renderer
        self.capability = capability(renderer, dialect)
        self._writer = writer
        self._description = description
        self._prefixes = SharedPrefixes(renderer)
        self._longest = longest
        known = [tokens for tokens in (writer.context, longest) if tokens is not None]
        self._context = min(known, default=None)

    def describe(self) -> Mapping[str, Any]:
        """What was given: base, renderer, backend and step."""
        return self._description

    def converse(self, case: Case, sampling: Sampling) -> LocalConversation:
        """Begin a dialogue about a case."""
        return self.conversation(case, sampling, self._writer.session(self.prefix(case)))

    def prefix(self, case: Case) -> tuple[int, ...]:
        """What the case's prompt has in common with other cases'."""
        return self._prefixes.of(case)

    def conversation(self, case: Case, sampling: Sampling, session: TokenSession) -> LocalConversation:
        """A dialogue whose turns `session` writes.

        Raises:
            PolicyError: the case's first prompt is as long as a conversation may be.
        """
        transcript = Transcript(self.renderer, case.messages, case.toolset)
        if self._longest is not None and len(transcript.prompt) >= self._longest:
            session.close()
            raise PolicyError(
                f"the prompt of case {case.id} has {len(transcript.prompt)} tokens, and max_tokens = {self._longest} "
                "leaves no room for a turn. Raise it."
            )
        return LocalConversation(transcript, session, sampling, self._context)

    async def aclose(self) -> None:
        """The writer belongs to the training."""
