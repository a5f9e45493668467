"""One comment under a pull request (GitHub) or merge request (GitLab), kept up to date.

The comment of the last push is found by its first line, a marker that nobody sees, and replaced in place. Only comments
of the account that writes count: whoever else begins one with the marker cannot have it filled with a verdict and edit
it afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from samescore.harness.errors import InfrastructureError, UsageError

PAGE = 100
"""Comments that are asked for at a time; both servers give no more."""

TIMEOUT = 30
"""Seconds that a server may take to answer."""

_AS_BOT = (401, 403, 404)
"""What GitHub says to a workflow's own token that asks whose it is."""


@dataclass(frozen=True, slots=True)
class Thread:
    """The comments of one request: where they are listed and new ones go, where one is replaced, and how."""

    comments: str
    comment: Callable[[int], str]
    replace: str
    account: str
    headers: Mapping[str, str] = field(repr=False)
    mine: Callable[[Mapping[str, Any], str | None], bool]

    def post(self, text: str) -> str:
        """Replace the comment that begins with the first line of the text, or add one; its address.

        Raises:
            InfrastructureError: the server cannot be reached, or refuses.
        """
        marker, account = text.partition("\n")[0], self._account()
        for found in self._existing():
            if str(found.get("body", "")).partition("\n")[0].strip() == marker and self.mine(found, account):
                return _address(self._ask(self.replace, self.comment(found["id"]), {"body": text}))
        return _address(self._ask("POST", self.comments, {"body": text}))

    def _existing(self) -> Iterator[Mapping[str, Any]]:
        page = 1
        while found := self._ask("GET", f"{self.comments}?per_page={PAGE}&page={page}"):
            yield from found
            if len(found) < PAGE:
                return
            page += 1

    def _account(self) -> str | None:
        """Whose comments may be replaced; None for the token of a GitHub workflow, which may not ask."""
        try:
            said = self._ask("GET", self.account)
        except _Refused as refused:
            if refused.status in _AS_BOT:
                return None
            raise
        return str(said.get("login") or said.get("username"))

    def _ask(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {**self.headers, "User-Agent": "samescore", "Content-Type": "application/json"}
        try:
            with urlopen(Request(url, data, headers, method=method), timeout=TIMEOUT) as answer:
                return json.load(answer)
        except HTTPError as error:
            raise _Refused(method, url, error.code) from None
        except (OSError, HTTPException, ValueError) as error:
            raise InfrastructureError(
                f"{method} {url}: no answer: {error}. Try again, or post the file by hand."
            ) from None


class _Refused(InfrastructureError):
    """The server answered with an error."""

    def __init__(self, method: str, url: str, status: int) -> None:
        advice = {
            401: "The token is wrong or has expired.",
            403: "The token may not comment: on GitHub give the job `permissions: pull-requests: write`, which pull "
            "requests of forks never have; on GitLab use a token with the scope `api`.",
            404: "There is no such request, or the token may not see it.",
        }
        super().__init__(f"{method} {url}: the server says {status}. {advice.get(status, 'Try again later.')}")
        self.status = status


def thread_at_hand(environment: Mapping[str, str]) -> Thread | None:
    """The comments of the request that CI is at work on; None where it is at work on none.

    Raises:
        UsageError: there is one, and no token.
    """
    if environment.get("GITHUB_ACTIONS") == "true":
        number = _pull_request(environment)
        return None if number is None else _github(environment, number)
    if environment.get("GITLAB_CI") == "true":
        number_here = environment.get("CI_MERGE_REQUEST_IID")
        return _gitlab(environment, number_here) if number_here else None
    return None


def _pull_request(environment: Mapping[str, str]) -> int | None:
    try:
        event = json.loads(Path(environment["GITHUB_EVENT_PATH"]).read_bytes())
    except (KeyError, OSError, ValueError):
        return None
    request = event.get("pull_request") or (event.get("issue") if "pull_request" in event.get("issue", {}) else None)
    return None if request is None else int(request["number"])


def _github(environment: Mapping[str, str], number: int) -> Thread:
    api = environment.get("GITHUB_API_URL", "https://api.github.com")
    repository = f"{api}/repos/{_said(environment, 'GITHUB_REPOSITORY')}/issues"
    token = _said(environment, "GITHUB_TOKEN", "env: GITHUB_TOKEN: ${{ github.token }}")
    return Thread(
        f"{repository}/{number}/comments",
        lambda comment: f"{repository}/comments/{comment}",
        "PATCH",
        f"{api}/user",
        {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"},
        lambda found, account: (
            found["user"]["login"] == account if account is not None else found["user"]["type"] == "Bot"
        ),
    )


def _gitlab(environment: Mapping[str, str], number: str) -> Thread:
    project, api = quote(_said(environment, "CI_PROJECT_ID"), safe=""), _said(environment, "CI_API_V4_URL")
    notes = f"{api}/projects/{project}/merge_requests/{quote(number, safe='')}/notes"
    token = _said(environment, "GITLAB_TOKEN", "a project access token with the scope `api`, as a masked CI variable")
    return Thread(
        notes,
        lambda note: f"{notes}/{note}",
        "PUT",
        f"{api}/user",
        {"PRIVATE-TOKEN": token},
        lambda found, account: found["author"]["username"] == account,
    )


def _said(environment: Mapping[str, str], name: str, how: str = "CI does") -> str:
    if not (value := environment.get(name)):
        raise UsageError(f"a comment needs {name} in the environment, where it is not. Set it: {how}")
    return value


def _address(answer: Mapping[str, Any]) -> str:
    return str(answer.get("html_url") or f"note {answer.get('id')}")
