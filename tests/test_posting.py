"""The one comment under a pull request: found by its marker, replaced in place, and by nobody else's hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from forge_server import TOKEN, Forge, forge
from in_process import Done, samescore

MARKER = "<!-- samescore:sop tiny -->"


@pytest.fixture
def server() -> Iterator[Forge]:
    with forge() as kept:
        yield kept


@pytest.fixture
def place(tmp_path: Path, server: Forge, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a report, in a job of GitHub's for pull request 7."""
    (tmp_path / "event.json").write_text(json.dumps({"pull_request": {"number": 7}}), encoding="utf-8")
    for name, value in {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": server.address,
        "GITHUB_REPOSITORY": "team/agent",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_TOKEN": TOKEN,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GITLAB_CI", raising=False)
    return tmp_path


def posted(place: Path, text: str, marker: str = MARKER) -> Done:
    (place / "comment.md").write_text(f"{marker}\n{text}\n", encoding="utf-8")
    return samescore("comment", "comment.md", cwd=place)


def test_the_first_push_adds_a_comment_and_the_next_replaces_it(place: Path, server: Forge) -> None:
    server.add("Looks good to me.", "reader", "User")
    done = posted(place, "inconclusive")
    assert (done.returncode, done.stdout) == (0, "comment: https://forge.example/101\n")
    assert posted(place, "**pass**").stdout == done.stdout
    assert server.bodies == ["Looks good to me.", f"{MARKER}\n**pass**\n"]


def test_comments_of_other_jobs_stay(place: Path, server: Forge) -> None:
    posted(place, "one")
    posted(place, "two", "<!-- samescore:sop tiny 2 -->")
    posted(place, "three")
    assert [body.splitlines()[1] for body in server.bodies] == ["three", "two"]


def test_a_comment_is_found_behind_many_others(place: Path, server: Forge) -> None:
    for number in range(130):
        server.add(f"comment {number}", "reader", "User")
    posted(place, "one")
    posted(place, "two")
    assert len(server.comments) == 131 and server.bodies[-1] == f"{MARKER}\ntwo\n"


def test_nobody_elses_comment_is_filled_with_a_verdict(place: Path, server: Forge) -> None:
    server.add(f"{MARKER}\nI was first.", "author", "User")
    posted(place, "regression")
    assert server.bodies == [f"{MARKER}\nI was first.", f"{MARKER}\nregression\n"]
    server.account = "builder"  # a token of a person's own
    posted(place, "mine")
    posted(place, "mine again")
    assert server.bodies[1:] == [f"{MARKER}\nregression\n", f"{MARKER}\nmine again\n"]


def test_on_gitlab_a_note_is_replaced_as_well(place: Path, server: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS")
    for name, value in {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": server.address,
        "CI_PROJECT_ID": "11",
        "CI_MERGE_REQUEST_IID": "7",
        "GITLAB_TOKEN": TOKEN,
    }.items():
        monkeypatch.setenv(name, value)
    server.account = "project_bot"
    server.add(f"{MARKER}\nnot mine", "author", "User")
    assert posted(place, "one").returncode == posted(place, "two").returncode == 0
    assert server.bodies == [f"{MARKER}\nnot mine", f"{MARKER}\ntwo\n"] and server.asked[-1].startswith("PUT ")
    monkeypatch.delenv("CI_MERGE_REQUEST_IID")
    assert "not at work on" in posted(place, "three").stdout


@pytest.mark.parametrize("event", ['{"ref": "refs/heads/main"}', '{"issue": {"number": 7}}', "", None])
def test_without_a_pull_request_nothing_is_posted(place: Path, server: Forge, event: str | None) -> None:
    file = place / "event.json"
    file.unlink() if event is None else file.write_text(event, encoding="utf-8")
    done = posted(place, "text")
    assert done.returncode == 0 and "CI is not at work on a pull request" in done.stdout and not server.asked


def test_a_comment_on_a_pull_request_belongs_to_it(place: Path, server: Forge) -> None:
    (place / "event.json").write_text('{"issue": {"number": 7, "pull_request": {}}}', encoding="utf-8")
    assert posted(place, "text").returncode == 0 and len(server.comments) == 1


def test_what_a_server_refuses_is_said(place: Path, server: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    server.may_write = False
    done = posted(place, "text")
    assert done.returncode == 5 and "permissions: pull-requests: write" in done.stderr
    monkeypatch.setenv("GITHUB_TOKEN", "wrong")
    done = posted(place, "text")
    assert done.returncode == 5 and "The token is wrong" in done.stderr
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:1")
    done = posted(place, "text")
    assert done.returncode == 5 and "no answer" in done.stderr
    monkeypatch.delenv("GITHUB_TOKEN")
    done = posted(place, "text")
    assert done.returncode == 2 and "needs GITHUB_TOKEN in the environment" in done.stderr


def test_only_comments_of_reports_are_posted(place: Path, server: Forge) -> None:
    (place / "gate.toml").write_text("alpha = 0.05\n", encoding="utf-8")
    done = samescore("comment", "gate.toml", cwd=place)
    assert done.returncode == 2 and "samescore report RUN --md comment.md" in done.stderr and not server.asked
    assert samescore("comment", "missing.md", cwd=place).returncode == 2
