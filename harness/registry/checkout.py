"""Which branch and commit of the repository are at hand: said by CI, else by git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from samescore.harness.errors import UsageError

_BRANCH = ("GITHUB_HEAD_REF", "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME")
"""Environment variables of GitHub and GitLab. In a pull request the branch that it comes from is meant."""
_COMMIT = ("GITHUB_SHA", "CI_COMMIT_SHA")


@dataclass(frozen=True, slots=True)
class Checkout:
    """A branch, and the commit where it is known."""

    branch: str
    commit: str | None = None

    @classmethod
    def at_hand(
        cls, branch: str | None = None, environment: Mapping[str, str] = os.environ, folder: Path | None = None
    ) -> Checkout:
        """The branch that was said; else the one that CI is at work on, or that is checked out in the folder.

        Raises:
            UsageError: no branch was said, and none is found.
        """
        found = branch or next((environment[name] for name in _BRANCH if environment.get(name)), None)
        found = found or _git("rev-parse", "--abbrev-ref", "HEAD", folder=folder)
        if found in (None, "", "HEAD"):
            raise UsageError(
                "the branch of the repository is not known: there is no git checkout. Say it: --branch NAME"
            )
        commit = next((environment[name] for name in _COMMIT if environment.get(name)), None)
        assert found is not None, "checked above"
        return cls(found, commit or _git("rev-parse", "HEAD", folder=folder))


def _git(*arguments: str, folder: Path | None) -> str | None:
    """What git says; None where there is no git, no repository or no commit yet."""
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
