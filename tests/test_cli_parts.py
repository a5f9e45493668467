"""Parts of the command line: what is printable, what becomes of exceptions, and how progress is worded."""

from __future__ import annotations

import errno
import time
import unicodedata
from enum import StrEnum

import pytest
import typer
from hypothesis import given, strategies as st
from typer.testing import CliRunner

from samescore.harness.cli.errors import Guarded
from samescore.harness.cli.printable import printable, shortened
from samescore.harness.cli.progress import FEW, SETTLED, Tally, duration, pace
from samescore.harness.cli.table import share
from samescore.harness.counted import counted
from samescore.harness.errors import EvidenceUnwritable, ExitCode

hostile = st.text(st.characters(), max_size=60)


@given(hostile)
def test_nothing_that_a_model_writes_moves_the_cursor(text: str) -> None:
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in printable(text))


def test_escapes_and_overrides_are_shown_as_what_they_are() -> None:
    assert printable("\x1b[31mred\x1b[0m \u202eabc") == "\\x1b[31mred\\x1b[0m \\u202eabc"
    assert printable("one\n two\r\nthree") == "one ⏎ two ⏎ three"


def test_words_in_any_script_stay_as_they_are() -> None:
    assert (
        printable("Dạ, em đã hoàn $49 cho anh/chị ạ. 🙂 می\u200cخواهم")
        == "Dạ, em đã hoàn $49 cho anh/chị ạ. 🙂 می\u200cخواهم"
    )


@given(hostile, st.integers(2, 30))
def test_shortened_text_keeps_its_length(text: str, length: int) -> None:
    short = shortened(text, length)
    assert len(short) <= length
    assert short == printable(text) or short.endswith("…")


def failing(error: BaseException) -> typer.Typer:
    app = typer.Typer(cls=Guarded, pretty_exceptions_enable=False)

    @app.callback()
    def options(debug: bool = False) -> None:
        """Takes --debug, as samescore does."""

    @app.command("fail")
    def fail() -> None:
        raise error

    return app


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (EvidenceUnwritable("the disk is full. Make room."), 5, "error: the disk is full. Make room.\n"),
        (
            KeyboardInterrupt(),
            5,
            "error: interrupted before the command was done. What was recorded before is intact.\n",
        ),
        (OSError(errno.EACCES, "Permission denied", "x.svg"), 5, "error: x.svg: Permission denied. Correct the perm"),
        (OSError(errno.ENOSPC, "No space left on device"), 5, "error: the output cannot be written: No space left"),
        (OSError("of a library, of its own"), 5, "OSError: of a library, of its own. This is a bug."),
        (ModuleNotFoundError("no", name="torch.nn"), 2, "pip install 'samescore[local]'"),
        (ZeroDivisionError("by \x1b[2J zero"), 5, "ZeroDivisionError: by \\x1b[2J zero. This is a bug."),
    ],
)
def test_an_exception_becomes_one_message_and_an_exit_code(error: BaseException, code: int, words: str) -> None:
    done = CliRunner().invoke(failing(error), ["fail"])
    assert done.exit_code == code
    assert words in done.stderr and "Traceback" not in done.stderr and done.stdout == ""


@pytest.mark.parametrize(("arguments", "variables"), [(["--debug", "fail"], {}), (["fail"], {"SAMESCORE_DEBUG": "1"})])
def test_debugging_shows_the_traceback_too(arguments: list[str], variables: dict[str, str]) -> None:
    done = CliRunner(env=variables).invoke(failing(ZeroDivisionError("zero")), arguments)
    assert done.exit_code == ExitCode.INCOMPLETE
    assert "Traceback" in done.stderr and "This is a bug" in done.stderr


def test_several_verdicts_are_ranked_as_the_design_says() -> None:
    ranking = [ExitCode.USAGE, ExitCode.INCOMPLETE, ExitCode.INCOMPARABLE, ExitCode.REGRESSION, ExitCode.INCONCLUSIVE]
    for index, code in enumerate(ranking):
        assert ExitCode.worst([ExitCode.PASS, *reversed(ranking[index:])]) is code
    assert ExitCode.worst([]) is ExitCode.PASS


def test_time_left_counts_only_what_this_process_did() -> None:
    tally = Tally(total=100, before=50)
    for passed in (True, True, False, None, True, True):
        tally.count(passed)
    tally.first = time.monotonic() - 10
    assert tally.words() == "0.5/s · 1 min 28 s left · 4/5 right"


def test_the_time_until_the_first_result_says_nothing_of_the_others() -> None:
    tally = Tally(total=100, before=0)
    assert tally.words() == "starting"
    for number in range(1, FEW + 1):
        tally.count(True)
        assert tally.words() == f"{number}/{number} right"
    tally.count(True)
    assert "left" not in tally.words(), "conversations that began together end together"
    tally.first -= SETTLED
    assert "left" in tally.words()


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def test_a_wrong_option_is_told_in_plain_words() -> None:
    app = typer.Typer(cls=Guarded)
    app.add_typer(inner := typer.Typer(), name="inner")

    @inner.command("paint")
    def paint(colour: Colour = Colour.RED) -> None:
        """Takes a colour."""

    @inner.command("other")
    def other() -> None:
        """Makes `inner` a group."""

    done = CliRunner().invoke(app, ["inner", "paint", "--colour", "nonsense"])
    assert done.exit_code == ExitCode.USAGE
    assert "'nonsense' is not one of" in done.stderr and "Value error" not in done.stderr


@pytest.mark.parametrize(("number", "words"), [(0, "0 cases"), (1, "1 case"), (2, "2 cases")])
def test_one_is_singular(number: int, words: str) -> None:
    assert counted(number, "case") == words


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "0 s"), (59, "59 s"), (125, "2 min 05 s"), (4200, "1 h 10 min")])
def test_durations_are_short(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_only_a_perfect_score_is_printed_as_one() -> None:
    assert [share(value) for value in (1.0, 0.99999, 0.9474, 0.0)] == ["1.000", "0.999", "0.947", "0.000"]


def test_rates_have_the_digits_that_matter() -> None:
    assert (pace(3.21), pace(912.4)) == ("3.2/s", "912/s")
