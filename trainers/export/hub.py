"""Pushing an exported folder to the Hugging Face hub: asked for, listed before, and in one commit or not at all."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from samescore.harness.errors import InfrastructureError, UsageError
from samescore.harness.policies.model_files import first_line
from samescore.trainers.export.folder import Written

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_EMPTY = frozenset({".gitattributes"})
"""What the hub itself puts into a new repository."""


def require_hub(repository: str, private: bool) -> None:
    """Make sure, before anything is exported, that a push would be let in and would overwrite nothing.

    Raises:
        UsageError: the name is none, there is no token or the hub refuses it, or the repository holds something.
        InfrastructureError: the hub cannot be reached.
    """
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import RepositoryNotFoundError

    if not _NAME.fullmatch(repository):
        raise UsageError(f"--push {repository}: expected OWNER/NAME. Nothing was exported.")
    if get_token() is None:
        raise UsageError(
            "--push needs a token of the Hugging Face hub, and there is none. Log in with `hf auth login`, or set "
            "HF_TOKEN. Nothing was exported."
        )
    api = HfApi()
    with _told(repository, "Nothing was exported."):
        api.whoami()
        try:
            found = api.model_info(repository)
        except RepositoryNotFoundError:
            return
    held = {file.rfilename for file in found.siblings or ()} - _EMPTY
    if held:
        raise UsageError(
            f"--push {repository}: the repository holds {', '.join(sorted(held)[:3])}, and export overwrites nothing. "
            "Name a new one. Nothing was exported."
        )
    if private and not found.private:
        raise UsageError(f"--push {repository} --private: the repository is there and public. Nothing was exported.")


def push(written: Written, repository: str, private: bool) -> str:
    """Create the repository if need be, and commit every file of the folder at once; returns the address.

    Raises:
        UsageError: the hub refuses it.
        InfrastructureError: the hub cannot be reached, or is out of order. The export stays as it is.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi()
    where = shlex.quote(str(written.folder))
    later = f"The export is in {written.folder}. Push it later: hf upload {repository} {where}"
    with _told(repository, later):
        address = api.create_repo(repository, private=private, exist_ok=True)
    with _told(repository, f"The repository is there and empty. {later}"):
        files = [CommitOperationAdd(name, written.folder / name) for name, _ in written.files]
        api.create_commit(repository, files, commit_message="Exported by samescore")
    return str(address)


@contextmanager
def _told(repository: str, kept: str) -> Iterator[None]:
    """What goes wrong with the hub, as one message that says what became of the export."""
    import httpx
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        yield
    except HFValidationError as error:
        raise UsageError(f"--push {repository}: {first_line(error)} {kept}") from None
    except HfHubHTTPError as error:
        failed = InfrastructureError if error.response.status_code >= 500 else UsageError
        raise failed(f"--push {repository}: the Hugging Face hub refused: {first_line(error)} {kept}") from None
    except (httpx.HTTPError, OSError) as error:
        raise InfrastructureError(
            f"--push {repository}: the Hugging Face hub cannot be reached: {first_line(error)} {kept}"
        ) from None
