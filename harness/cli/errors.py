"""What a shell sees when something goes wrong: one message on stderr and an exit code, never a traceback.

SamescoreError              its message                      its exit code
SopError                    that, and the lines it is about  its exit code
Interrupt (Ctrl-C)          how to carry on                  5: the run is incomplete (not the shell's 130)
a closed pipe               nothing, nobody listens          5
anything else               its name, how to see more        5
a wrong command line        typer's own words                2
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from samescore.harness.errors import ExitCode, SamescoreError, SopError

DEBUG = "SAMESCORE_DEBUG"
"""Environment variable; if set and not 0, errors come with their traceback."""

EXTRAS: Mapping[str, str] = {
    "torch": "local",
    "transformers": "local",
    "tokenizers": "local",
    "safetensors": "local",
    "huggingface_hub": "local",
    "peft": "local",
    "trl": "train",
    "datasets": "train",
    "accelerate": "train",
    "mcp": "mcp",
}
"""The libraries that only an extra installs."""


class Guarded(TyperGroup):
    """The command group that turns exceptions into messages and exit codes."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.TyperException):
            raise
        except (Exception, KeyboardInterrupt) as error:
            if _debugging(ctx.params) and not isinstance(error, BrokenPipeError):
                import traceback

                traceback.print_exception(error)
            _leave(error)


def _leave(error: BaseException) -> NoReturn:
    if isinstance(error, SopError):
        from samescore.harness.cli.excerpt import described

        print(f"error: {described(error)}", file=sys.stderr, flush=True)
        raise typer.Exit(int(error.exit_code))
    if isinstance(error, SamescoreError):
        say(f"error: {error}")
        raise typer.Exit(int(error.exit_code))
    if isinstance(error, ModuleNotFoundError) and (extra := EXTRAS.get(str(error.name).partition(".")[0])):
        say(f"error: this needs {error.name}, which is not installed. Install it: pip install 'samescore[{extra}]'")
        raise typer.Exit(int(ExitCode.USAGE))
    if isinstance(error, KeyboardInterrupt):
        say("interrupted")
    elif isinstance(error, BrokenPipeError):
        # The interpreter flushes stdout once more when it ends, which would fail again, loudly.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    else:
        what = ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])
        say(
            f"error: samescore failed unexpectedly: {what}. This is a bug. See more with `samescore --debug ...` or "
            f"{DEBUG}=1, and report it with that traceback and the command."
        )
    raise typer.Exit(int(ExitCode.INCOMPLETE))


def say(message: str) -> None:
    """Write a message to stderr, its lines kept, control codes of whatever it quotes escaped."""
    from samescore.harness.cli.printable import printable

    print("\n".join(printable(line) for line in message.splitlines()), file=sys.stderr, flush=True)


def _debugging(parameters: dict[str, Any]) -> bool:
    return bool(parameters.get("debug")) or os.environ.get(DEBUG, "0") not in ("", "0")
