"""Policies by name, `provider/name` as on the command line. Each is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from samescore.harness.blocking import blocking
from samescore.harness.errors import UnknownName, UsageError
from samescore.harness.policies.api_options import DEFAULT_API_OPTIONS, ApiOptions
from samescore.harness.policy import Policy

if TYPE_CHECKING:
    from samescore.harness.environment import World

PROVIDERS = (
    "tiny",
    "oracle",
    "null/noop",
    "null/refuse",
    "null/first-tool",
    "null/random",
    "replay/PATH",
    "hf/PATH_OR_ID",
    "vllm/PATH_OR_ID",
)

LOCAL = ("tiny", "hf/", "vllm/")
"""How the names of models begin that choose a dialect and take adapters."""

_OURS = frozenset(name.partition("/")[0] for name in PROVIDERS)


def is_api(name: str) -> bool:
    """Whether a model's name is one for Inspect's providers: `provider/name`, with a provider that is not ours."""
    provider, _, rest = name.partition("/")
    return bool(rest) and provider not in _OURS


def load_policy(
    name: str,
    *,
    adapter: str | None = None,
    dialect: str | None = None,
    device: str = "auto",
    api: ApiOptions = DEFAULT_API_OPTIONS,
    worlds: Mapping[str, World] | None = None,
) -> Policy:
    """The policy that a model's name stands for. An API is asked for a few tokens, so that its absence is noticed now.

    `worlds` are needed to replay a redacted run in which a model used what is only in a world's rows, such as a card.

    Raises:
        UnknownName: no such provider, model or adapter.
        UsageError: an option does not go with this model; or an API refuses its key, the model or the request.
        PolicyError: an API cannot be reached.
    """
    provider, _, rest = name.partition("/")
    if not is_api(name) and (said := api.said()):
        raise UsageError(
            f"{' and '.join(said)} {'go' if len(said) > 1 else 'goes'} with models of APIs only; {name!r} is none."
        )
    if provider in ("tiny", "hf", "vllm"):
        path = str(tiny_path()) if name == "tiny" else rest
        if not path or (provider == "tiny" and rest):
            raise UnknownName("model", name, list(PROVIDERS))
        update = None if adapter is None else adapter_path(name, adapter)
        if provider == "vllm":
            from samescore.harness.policies.vllm import VllmPolicy

            return VllmPolicy.load(path, update, dialect=dialect, device=device, name=name)
        from samescore.harness.policies.hf import HfPolicy

        return HfPolicy.load(path, update, dialect=dialect, device=device, name=name)
    for option, value in (("--adapter", adapter), ("--dialect", dialect)):
        if value is not None:
            raise UsageError(
                f"{option} does not go with model {name!r}: only local models (tiny, hf/..., vllm/...) take it."
            )
    if is_api(name):
        from samescore.harness.policies.api import ApiPolicy

        return ApiPolicy.load(name, api)
    if name == "oracle":
        from samescore.harness.policies.script import oracle

        return oracle()
    if provider == "replay" and rest:
        from samescore.harness.policies.replay import ReplayPolicy

        return ReplayPolicy(Path(rest), worlds)
    from samescore.harness.policies.null import NULL_AGENTS, null_agent

    if name in NULL_AGENTS:
        return null_agent(name)
    advice = "A model of an API is named provider/name, such as openai/gpt-4o."
    raise UnknownName("model", name, list(PROVIDERS), advice)


def load_policies(
    name: str,
    adapters: Sequence[str | None],
    *,
    dialect: str | None = None,
    device: str = "auto",
    api: ApiOptions = DEFAULT_API_OPTIONS,
    worlds: Mapping[str, World] | None = None,
) -> Generator[Policy]:
    """The policy of a model's name with each of its adapters, None for none. Who takes one closes it before the next.

    vLLM loads the model once for all of them; elsewhere it is loaded anew for each.

    Raises:
        UnknownName, UsageError, PolicyError: see `load_policy`.
    """
    provider, _, rest = name.partition("/")
    if provider != "vllm" or not rest or api.said():
        for adapter in adapters:
            yield load_policy(name, adapter=adapter, dialect=dialect, device=device, api=api, worlds=worlds)
        return
    from samescore.harness.policies.vllm import VllmPolicy

    policies = VllmPolicy.load_all(rest, adapters, dialect=dialect, device=device, name=name)
    try:
        while policies:
            yield policies.pop(0)
    finally:
        for policy in policies:  # that nobody took
            blocking(policy.aclose())


def adapter_path(name: str, adapter: str) -> str:
    """The folder of a model's adapter: the embedded model's are known by name too.

    Raises:
        UnknownName: the embedded model has none of that name, and there is no such folder.
    """
    return tiny_adapter(adapter) if name == "tiny" else adapter


def tiny_path() -> Path:
    """The folder of the embedded base model."""
    from importlib.util import find_spec

    spec = find_spec("samescore.fixtures")
    assert spec is not None and spec.submodule_search_locations, "the wheel carries its fixtures"
    return Path(next(iter(spec.submodule_search_locations))) / "models" / "tiny"


def tiny_adapter(name: str) -> str:
    """The folder of an embedded adapter, by its name; a path is taken as it is.

    Raises:
        UnknownName: there is neither.
    """
    if Path(name).is_dir():
        return name
    folder = tiny_path() / "adapters"
    known = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if name not in known:
        raise UnknownName("adapter", name, known, "An adapter may also be the path of a PEFT folder.")
    return str(folder / name)
