"""The models `samescore/...`: our own policies under Inspect's names, such as `samescore/tiny`."""

from __future__ import annotations

from inspect_ai.model import ChatMessage, GenerateConfig, Model, ModelAPI, ModelOutput, modelapi
from inspect_ai.tool import ToolChoice, ToolInfo

from samescore.harness.errors import UnknownName, UsageError
from samescore.harness.inspect_ext.messages import as_messages
from samescore.harness.policies import load_policy
from samescore.harness.policy import Policy

LOCAL = ("tiny", "oracle", "null/noop", "null/refuse", "null/first-tool", "null/random", "replay/PATH", "hf/PATH_OR_ID")
"""The models that `samescore/` stands before. Everything else is a model of Inspect's own."""


class SamescoreAPI(ModelAPI):
    """A policy of ours as a model of Inspect. Our solver takes `policy` and has the conversation itself.

    Model arguments: `adapter`, `dialect` and `device`, as on our own command line: `-M adapter=support-sft`.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008  # as Inspect declares it; it is frozen by use
        adapter: str | None = None,
        dialect: str | None = None,
        device: str = "auto",
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        self.adapter = adapter
        with as_messages():
            if model_name.partition("/")[0] not in {name.partition("/")[0] for name in LOCAL}:
                advice = "Other models are Inspect's own: leave out `samescore/`."
                raise UnknownName("model", model_name, list(LOCAL), advice)
            self.policy: Policy = load_policy(model_name, adapter=adapter, dialect=dialect, device=device)

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """Not offered: these models take prompts that our renderer made of a case.

        Raises:
            UsageError: always; says what to do.
        """
        raise UsageError(
            f"samescore/{self.model_name} answers only our own solver. Run it on a task of ours, without --solver: "
            f"inspect eval samescore/sop --model samescore/{self.model_name}"
        )

    def max_connections(self) -> int:
        """Conversations at a time, as of `samescore eval`."""
        return 64

    async def aclose(self) -> None:
        """Release the model."""
        await self.policy.aclose()


@modelapi("samescore")
def samescore() -> type[ModelAPI]:
    """The provider of `samescore/...`."""
    return SamescoreAPI


def policy_of(model: Model) -> tuple[Policy, str | None]:
    """The policy that an Inspect model stands for, ours or one that asks its provider, and its adapter, if any."""
    if isinstance(model.api, SamescoreAPI):
        return model.api.policy, model.api.adapter
    from samescore.harness.policies.api import ApiPolicy

    return ApiPolicy(model, str(model)), None
