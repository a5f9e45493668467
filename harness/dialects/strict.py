"""What is malformed in a turn of any dialect: it did not end, or it is no UTF-8."""

from __future__ import annotations

from samescore.harness.types import Completion, Defect, DefectName, Finish


def truncation(completion: Completion) -> list[Defect]:
    """The defect of a turn that ran into the limit of tokens, at its end; none of one that ended."""
    if completion.finish is Finish.STOP:
        return []
    end = len(completion.text)
    return [Defect(DefectName.TRUNCATED, "the turn did not end within the limit of tokens", (end, end))]


def check_encoding(text: str, defects: list[Defect]) -> None:
    """Note the first character that stands for bytes which are not UTF-8."""
    at = text.find("\ufffd")
    if at < 0:
        try:
            text.encode()
            return
        except UnicodeEncodeError as error:
            at = error.start
    defects.append(Defect(DefectName.ENCODING, "bytes that are not UTF-8", (at, at + 1)))
