"""Are these events right? What the gateway would say of each, without a gateway, a server or a setting.

In: a file of CloudEvents (JSON lines, an array, or one event) or of lines in the neutral format. Out: a finding for
each event, with the codes and words of the gateway. It is the gateway's own examination; beside it, ids that are used
twice within the file for different things are found, which at work the service behind the inbox would.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from cli.sending.neutral import BadLine, to_cloudevent
from services.gateway.batch import NotAnArray, split
from services.gateway.examination import Refused, Taken, Terms, examine, trace_of
from shared.contracts.catalogue import INPUT_TYPES
from shared.contracts.envelope import Problem, read_inbound
from shared.contracts.values import EPOCH
from shared.intake import AHEAD, BEHIND
from shared.keys import ANY_SOURCE, ApiKey, Scope

NO_EVENT = "no-event"  # of a line in the neutral format that says no event: `tenure send` would not send it
BLANK = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Checked:
    """`number`: of the line, or of the event in its array, from 1. No `code`: it would be accepted."""

    number: int
    id: str | None
    code: str | None = None
    detail: str = ""
    problems: Sequence[Problem] = ()

    def as_json(self) -> dict[str, Any]:
        problems = [{"path": p.path, "reason": p.reason} for p in self.problems]
        wrong = {} if self.code is None else {"code": self.code, "detail": self.detail, "problems": problems}
        return {"number": self.number, "id": self.id, "ok": self.code is None, **wrong}


@dataclass
class Checker:
    """`now`: times are held to what holds in `wall` time then; none: as in `history`, any time is right. `source`: the
    only one that the key would allow; none: any."""

    now: datetime | None = None
    source: str | None = None
    _said: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)  # customer, cause -> digest, where

    def check(self, lines: Iterable[bytes]) -> Iterator[Checked]:
        """In the order of the file. Blank lines are counted, and say nothing."""
        for number, raw in _events(iter(lines)):
            yield raw if isinstance(raw, Checked) else self._one(number, raw)

    def _one(self, number: int, raw: bytes) -> Checked:
        try:
            event = _said_in_full(raw, self.source)
        except BadLine as error:
            return Checked(number, None, NO_EVENT, f"{error}.", [Problem("", str(error))])
        outcome = examine(event, self._key, Terms(self.now, AHEAD, BEHIND, 1, trace_of(None)))
        if isinstance(outcome, Refused):
            return Checked(number, outcome.id, outcome.code, outcome.detail, outcome.problems)
        return self._twice(number, event, outcome)

    def _twice(self, number: int, event: bytes, taken: Taken) -> Checked:
        inbound = read_inbound(event, INPUT_TYPES)
        digest, first = self._said.setdefault((inbound.subject, inbound.cause), (inbound.digest, number))
        if digest == inbound.digest:
            return Checked(number, taken.id)
        problem = Problem("id", f"{inbound.cause!r} was used in {first} for something else: use a new id")
        return Checked(number, taken.id, "id-used-again", f"id: {problem.reason}.", [problem])

    @property
    def _key(self) -> ApiKey:
        sources = frozenset({self.source or ANY_SOURCE})
        return ApiKey("check", "", "check", frozenset({Scope.SEND, Scope.ADMIN}), sources, EPOCH)


def _events(lines: Iterator[bytes]) -> Iterator[tuple[int, "bytes | Checked"]]:
    """Number and bytes of each. A file of lines is not held in memory; an array, or one event over many lines, is."""
    number, first = next(((n, line) for n, line in enumerate(lines, start=1) if line.strip(BLANK)), (0, b""))
    if first.lstrip(BLANK).startswith(b"["):
        yield from _elements(first + b"".join(lines))
    elif not first or _is_json(first):
        yield from _numbered(chain([first], lines), number)
    else:
        rest = list(lines)
        whole = first + b"".join(rest)
        yield from [(1, whole)] if _is_json(whole) else _numbered([first, *rest], number)


def _numbered(lines: Iterable[bytes], start: int) -> Iterator[tuple[int, bytes]]:
    yield from ((number, line.strip(BLANK)) for number, line in enumerate(lines, start) if line.strip(BLANK))


def _elements(array: bytes) -> Iterator[tuple[int, "bytes | Checked"]]:
    try:
        yield from enumerate(split(array, most=len(array)), start=1)
    except NotAnArray as error:
        yield 1, Checked(1, None, "not-json", f"The file begins as a JSON array and is none: {error}.")


def _said_in_full(raw: bytes, source: str | None) -> bytes:
    """A line of the neutral format as an event; everything else as it stands. Raises BadLine."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    if not isinstance(document, dict) or "specversion" in document or "customer_id" not in document:
        return raw
    return json.dumps(to_cloudevent(document, source or "web-shop")).encode()


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
