"""Open an API model: find its provider, its key and its server, and ask it for a few tokens before a run is begun."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from samescore.harness.blocking import blocking
from samescore.harness.errors import PolicyError, UnknownName, UsageError
from samescore.harness.policies.api_errors import cause_of, plain, reason_of, status_of
from samescore.harness.policies.api_options import ApiOptions, require_url

if TYPE_CHECKING:
    from inspect_ai.model import Model

PROBE_TOKENS = 16
"""What the probe may cost. Some providers refuse to write fewer."""


def open_model(name: str, options: ApiOptions) -> Model:
    """The model behind Inspect's provider, proven to be served.

    Raises:
        UnknownName: Inspect has no such provider.
        UsageError: no API key, no address, a missing client library, or the server refuses key, model or request.
        PolicyError: the server cannot be reached, or does not answer.
    """
    blocking(_probe(name, options))
    return _model(name, options)  # the probe's client belongs to an event loop that is over


def _model(name: str, options: ApiOptions) -> Model:
    from inspect_ai._util.error import PrerequisiteError
    from inspect_ai.model import GenerateConfig, get_model

    config = GenerateConfig(
        timeout=options.timeout,
        attempt_timeout=options.timeout,  # Inspect looks at `timeout` between attempts; one that hangs has no end
        max_retries=options.max_retries,
        max_connections=options.max_connections,
    )
    try:
        model = get_model(name, config=config, base_url=options.base_url, memoize=False)
    except PrerequisiteError as error:
        raise UsageError(_missing(name, plain(error.message))) from None
    except ValueError as error:
        if "not recognized" in str(error):
            provider = name.partition("/")[0]
            raise UnknownName("provider", provider, _providers(), "Models are named provider/name.") from None
        raise UsageError(f"{name}: {plain(error)}. Correct the model's name.") from None
    if model.api.base_url is not None:  # it may come from the environment
        require_url(model.api.base_url, f"{name}: the server's address")
    return model


async def _probe(name: str, options: ApiOptions) -> None:
    from inspect_ai.model import GenerateConfig

    model = _model(name, options)
    config = GenerateConfig(max_tokens=PROBE_TOKENS, max_retries=0)
    try:
        await model.generate("Reply with: ok", config=config, cache=False)
    except Exception as error:  # whatever a provider's client raises
        raise _refusal(name, model, cause_of(error)) from error
    finally:
        await model.api.aclose()


def _refusal(name: str, model: Model, error: BaseException) -> UsageError | PolicyError:
    """What the server's answer to the probe means, and what to do."""
    from samescore.harness.policies.api import without_credentials

    reason, status = reason_of(error), status_of(error)
    url = model.api.base_url and without_credentials(model.api.base_url)
    where = f"{name} at {url}" if url else name
    if status in (401, 403):
        keys = " or ".join(model.api.api_key_vars) or "the provider's API key"
        return UsageError(f"{where}: the API key was refused ({reason}). Set {keys} to a valid one.")
    if status == 404:
        listed = f" The server lists its models at {url.rstrip('/')}/models." if url else ""
        return UsageError(f"{where}: nobody serves this model ({reason}). Correct the name, or the address.{listed}")
    if status is not None and 400 <= status < 500 and status not in (408, 429):
        return UsageError(f"{where}: the server refuses the model or the request ({reason}). Correct the name.")
    return PolicyError(f"{where}: {reason}. Start the server, or correct --model-base-url. Nothing was recorded.")


def _missing(name: str, message: str) -> str:
    """What an environment lacks, and how to give it: of several variables that would do, the provider's own."""
    wanted = re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", message)
    if key := next((one for one in wanted if one.endswith("_KEY")), None):
        any_will_do = " (to anything, if the server is your own and asks for none)" if _is_compatible(name) else ""
        return f"{name} needs an API key: set {key} in the environment{any_will_do}."
    if url := next((one for one in wanted if one.endswith("_URL")), None):
        return f"{name} needs the server's address: say --model-base-url URL, or set {url} in the environment."
    return f"{name}: {message}"


def _is_compatible(name: str) -> bool:
    """Whether the model is of whatever server speaks OpenAI's protocol."""
    return name.startswith("openai-api/")


def _providers() -> list[str]:
    """Ours and Inspect's."""
    from inspect_ai._util.registry import registry_find, registry_info, registry_unqualified_name

    from samescore.harness.policies import PROVIDERS

    theirs = registry_find(lambda info: info.type == "modelapi")
    ours = {name.partition("/")[0] for name in PROVIDERS}
    return sorted(ours | {registry_unqualified_name(registry_info(api)) for api in theirs})
