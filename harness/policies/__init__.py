"""Policies by name, `provider/name` as on the command line. Each is imported only when it is asked for."""

from __future__ import annotations

from pathlib import Path

from samescore.harness.errors import UnknownName, UsageError
from samescore.harness.policy import Policy

PROVIDERS = (
    "tiny",
    "oracle",
    "null/noop",
    "null/refuse",
    "null/first-tool",
    "null/random",
    "replay/PATH",
    "hf/PATH_OR_ID",
)


def load_policy(
    name: str,
    *,
    adapter: str | None = None,
    dialect: str | None = None,
    device: str = "auto",
) -> Policy:
    """The policy that a model's name stands for.

    Raises:
        UnknownName: no such provider, model or adapter.
        UsageError: an option does not go with this model.
    """
    provider, _, rest = name.partition("/")
    if provider in ("tiny", "hf"):
        path = str(tiny_path()) if name == "tiny" else rest
        if not path or (provider == "tiny" and rest):
            raise UnknownName("model", name, list(PROVIDERS))
        from samescore.harness.policies.hf import HfPolicy

        return HfPolicy.load(
            path,
            adapter=tiny_adapter(adapter) if name == "tiny" and adapter else adapter,
            dialect=dialect,
            device=device,
            name=name,
        )
    for option, value in (("--adapter", adapter), ("--dialect", dialect)):
        if value is not None:
            raise UsageError(f"{option} does not go with model {name!r}: only local models (tiny, hf/...) take it.")
    if name == "oracle":
        from samescore.harness.policies.script import oracle

        return oracle()
    if provider == "replay" and rest:
        from samescore.harness.policies.replay import ReplayPolicy

        return ReplayPolicy(Path(rest))
    from samescore.harness.policies.null import NULL_AGENTS, null_agent

    if name in NULL_AGENTS:
        return null_agent(name)
    raise UnknownName("model", name, list(PROVIDERS))


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
