"""The pytest plugin: procedures as tests of a model, and the fixture `run_case` for tests written by hand.

Every pytest run imports this module where samescore is installed, so it imports nothing but pytest. All else is loaded
when `--samescore-model` is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from samescore.harness.pytest_plugin.by_hand import RunCase

_ACTIVE = "samescore-session"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options. None stands for one that was not given."""
    group = parser.getgroup("samescore", "procedures as tests of a model (samescore)")
    option = group.addoption
    option("--samescore-model", metavar="NAME", help="Test this model: hf/PATH_OR_ID, tiny, oracle, replay/RUN, ...")
    option("--samescore-adapter", metavar="PATH", help="A LoRA adapter of the model.")
    option("--samescore-epochs", metavar="N", type=int, help="How often each case is run (default: 1).")
    option(
        "--samescore-pass-k",
        metavar="K",
        type=int,
        help="A case is judged by its pass^K: the chance that K runs of it all succeed (default: 1).",
    )
    option(
        "--samescore-threshold",
        metavar="P",
        type=float,
        help="The least pass^K with which a case passes (default: 1, every epoch succeeds).",
    )
    option("--samescore-temperature", metavar="T", type=float, help="Of sampling (default: 0, greedy).")
    option("--samescore-seed", metavar="N", type=int, help="Of sampling (default: 0).")
    option("--samescore-split", choices=("eval", "dev", "train"), help="Whose cases of a procedure (default: eval).")
    option(
        "--samescore-procedure",
        choices=("prompt", "weights"),
        help="Put the procedure into the system message or not (default: prompt for APIs, else weights).",
    )
    option("--samescore-device", metavar="NAME", help="cpu, cuda, cuda:1 or auto (default: auto).")
    option(
        "--samescore-out",
        metavar="DIR",
        help="Where the evidence is kept (default: a new folder in pytest's cache, or in runs without one).",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Does nothing without an option of ours."""
    given = [name for name, value in vars(config.option).items() if name.startswith("samescore_") and value is not None]
    if not given:
        return
    if config.option.samescore_model is None:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise pytest.UsageError(f"{options}: no model is named. Add --samescore-model NAME.")
    from samescore.harness.pytest_plugin.session import ModelSession

    config.pluginmanager.register(ModelSession(config), _ACTIVE)


@pytest.fixture
def run_case(request: pytest.FixtureRequest) -> RunCase:
    """Have the model under test talk through one case: `result = run_case("suites/retail", "refund/late>no")`."""
    session = request.config.pluginmanager.get_plugin(_ACTIVE)
    if session is None:
        pytest.skip("no model is tested: give pytest --samescore-model NAME")
    from samescore.harness.pytest_plugin.by_hand import RunCase

    return RunCase(session, request.path, request.node.nodeid)
