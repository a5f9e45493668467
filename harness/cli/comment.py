"""`samescore comment`: a report as the one comment of the pull request that CI is at work on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def comment_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `samescore report --md FILE` wrote.")],
) -> None:
    """Post a report under the pull request that CI is at work on, in place of the one of the last push."""
    import os
    from importlib import import_module

    from samescore.harness.cli.printable import printable
    from samescore.harness.errors import UsageError
    from samescore.harness.files import read_text

    text = read_text(file, "the report")
    if not text.startswith("<!-- samescore:"):
        raise UsageError(
            f"{file}: not the comment of a report, whose first line is a marker. Write one into a file of its own: "
            "samescore report RUN --md comment.md"
        )
    thread = import_module("samescore.reports.posting").thread_at_hand(os.environ)
    if thread is None:
        print("no comment: CI is not at work on a pull request of GitHub or a merge request of GitLab")
        return
    print(printable(f"comment: {thread.post(text)}"))
