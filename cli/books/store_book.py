"""What does the store of a service hold: of every cause what became of it, of every fact what its bytes are?

In: commits, customer by customer in order of sequence; the same ones may come again. Out: `causes` and `facts`.
"""

from typing import NamedTuple

import msgspec

from cli.books.channels import Cause, Decided
from cli.books.findings import Findings
from cli.books.log_book import Chain, fingerprint, id_of
from shared.contracts.protocol import CauseParked, CauseReleased
from shared.event_store import Commit

_RELEASED = CauseReleased.TYPE.encode()


class Stored(NamedTuple):
    fingerprint: bytes
    published: bool  # marked: it was acknowledged by the log before it was read here


class _Head(msgspec.Struct):
    type: str
    causedigest: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Released(msgspec.Struct):
    cause: str


_head = msgspec.json.Decoder(_Head).decode
_released = msgspec.json.Decoder(_Released).decode


class StoreBook:
    def __init__(self, service: str, findings: Findings) -> None:
        self.service, self._findings = service, findings
        self._released: set[Cause] = set()
        self.causes: dict[Cause, Decided] = {}
        self.facts: dict[Chain, dict[int, Stored]] = {}

    def take(self, commit: Commit) -> None:
        facts = self.facts.setdefault(Chain(self.service, commit.customer), {})
        if commit.first in facts:
            return
        if commit.first != len(facts) + 1 or commit.last - commit.first + 1 != len(commit.events):
            name = id_of(Chain(self.service, commit.customer), commit.first)
            self._findings.add(f"{name} is stored behind {len(facts)}, with {len(commit.events)} facts")
        for sequence, raw in enumerate(commit.events, start=commit.first):
            facts[sequence] = Stored(fingerprint(raw), commit.published)
        self._take_cause(commit)

    def _take_cause(self, commit: Commit) -> None:
        first = _head(commit.events[0])
        cause = commit.customer, commit.cause
        parked = first.type == CauseParked.TYPE and cause not in self._released
        self.causes[cause] = Decided(first.causedigest, parked)
        for raw in commit.events:
            if _RELEASED in raw and (head := _head(raw)).type == CauseReleased.TYPE:
                self._release((commit.customer, _released(head.data).cause))

    def _release(self, cause: Cause) -> None:
        self._released.add(cause)
        if cause in self.causes:
            self.causes[cause] = Decided(self.causes[cause].digest)
