"""How much one insert may hold. One insert is one command to the database, so that a rollback cuts it at one point."""

from collections.abc import Iterator, Sequence

from shared.event_store import Commit

MAX_COMMITS = 1_000
MAX_BYTES = 16 * 1024 * 1024  # of events; MongoDB's driver splits a command at 48 MB, a document may have 16 MiB


def check_insert(commits: Sequence[Commit]) -> None:
    """Raises ValueError: the caller has to slice."""
    if len(commits) > MAX_COMMITS:
        raise ValueError(f"{len(commits)} commits in one insert; at most {MAX_COMMITS} are allowed")
    size = sum(len(event) for commit in commits for event in commit.events)
    if size > MAX_BYTES:
        raise ValueError(f"{size} bytes of events in one insert; at most {MAX_BYTES} are allowed")


def slices(commits: Sequence[Commit]) -> Iterator[Sequence[Commit]]:
    """The commits in order, each slice as large as one insert may be."""
    start = size = 0
    for index, commit in enumerate(commits):
        length = sum(map(len, commit.events))
        if index > start and (index - start == MAX_COMMITS or size + length > MAX_BYTES):
            yield commits[start:index]
            start, size = index, 0
        size += length
    if commits:
        yield commits[start:]
