"""What a shell sees when something goes wrong: one message on stderr and an exit code, never a traceback.

SamescoreError              its message                      its exit code
SopError                    that, and the lines it is about  its exit code
Ctrl-C, SIGTERM             how to carry on                  5: the run is incomplete (not the shell's 130 or 143)
OSError (a full disk)       what, where, what to do          5
a closed pipe               nothing, nobody listens          141, as of Unix tools: 128 + SIGPIPE
anything else               its name, how to see more        5
a wrong command line        typer's own words                2

An exception counts wherever it comes from, and so does output that cannot be written at the very end.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import FrameType
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
    "vllm": "gpu",
    "mcp": "mcp",
}
"""The libraries that only an extra installs."""


CLOSED_PIPE = 141
"""The exit code where the reader of the output has left: what a shell says of a process that SIGPIPE ended."""

OUTPUT = "the output cannot be written"
"""What is said where stdout fails, which has no file name."""

_PYDANTIC = "Value error, "
"""What pydantic, by which typer reads options, puts before a message of typer's own."""


class Guarded(TyperGroup):
    """The command group that turns exceptions into messages and exit codes."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the program, and see to it that its output is out."""
        try:
            return super().main(*args, **options)
        except SystemExit as leaving:
            # rich and typer leave with 1 where a pipe is closed, which here means that targets are missed.
            if isinstance(leaving.__context__, BrokenPipeError):
                raise SystemExit(_told(leaving.__context__)) from None
            if (error := _unwritten()) is not None:
                raise SystemExit(_told(error, OUTPUT)) from None
            raise
        except OSError as error:
            raise SystemExit(_told(error)) from None

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except typer.TyperException as error:
            error.message = error.message.removeprefix(_PYDANTIC)
            raise
        except (typer.Exit, typer.Abort):
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
    if isinstance(error, ImportError) and not str(error.name or "").startswith("samescore"):
        # What transformers and others raise where another version of what they need is installed.
        first = " ".join(str(error).split("\n")[0].split())
        say(
            f"error: the installed packages do not fit together: {first} Install samescore into a virtual environment "
            "of its own. See more with `samescore --debug ...`."
        )
        raise typer.Exit(int(ExitCode.USAGE))
    if isinstance(error, KeyboardInterrupt):
        say("error: interrupted before the command was done. What was recorded before is intact.")
    elif isinstance(error, OSError) and error.errno is not None:
        raise typer.Exit(_told(error))
    else:
        what = ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])
        say(
            f"error: samescore failed unexpectedly: {what}. This is a bug. See more with `samescore --debug ...` or "
            f"{DEBUG}=1, and report it with that traceback and the command."
        )
    raise typer.Exit(int(ExitCode.INCOMPLETE))


def _told(error: OSError, where: str = "") -> int:
    """Say what the operating system refused, and where; the exit code."""
    failing = _unwritten() is not None
    if isinstance(error, BrokenPipeError):
        return CLOSED_PIPE
    from samescore.harness.files import NO_ROOM, remedy

    # Unbuffered output keeps nothing that could fail again, so that there the reason has to do.
    where = where or error.filename or (OUTPUT if failing or error.errno in NO_ROOM else "")
    with suppress(OSError):  # where stderr cannot be written either, the exit code is all there is
        say(f"error: {where}{': ' if where else ''}{error.strerror or error}. {remedy(error)}")
    return int(ExitCode.INCOMPLETE)


def _unwritten() -> OSError | None:
    """Write out what stdout still holds; what keeps it from being written, if anything does."""
    try:
        if sys.stdout is not None:  # it is where the command was started without one
            sys.stdout.flush()
    except OSError as error:
        # The interpreter flushes stdout once more when it ends, which would fail again, loudly.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return error
    return None


def terminate_as_interrupt() -> None:
    """Make SIGTERM, which time limits and orchestrators send, do what Ctrl-C does; not in forked processes."""
    if os.name != "posix" or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return

    # A shell without job control starts `command &` with Ctrl-C ignored, and an event loop then has no handler for it
    # that could be called. Blocked, it is ignored just as well.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt(_: int, frame: FrameType | None) -> None:
        pressed = signal.getsignal(signal.SIGINT)  # within an event loop the loop's own, which cancels its task
        if callable(pressed):
            pressed(signal.SIGINT, frame)

    signal.signal(signal.SIGTERM, interrupt)
    os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))


def say(message: str) -> None:
    """Write a message to stderr, its lines kept, control codes of whatever it quotes escaped."""
    from samescore.harness.cli.printable import printable

    print("\n".join(printable(line) for line in message.splitlines()), file=sys.stderr, flush=True)


def _debugging(parameters: dict[str, Any]) -> bool:
    return bool(parameters.get("debug")) or os.environ.get(DEBUG, "0") not in ("", "0")
