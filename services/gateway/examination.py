"""Is this event taken, and where does it go?

In: the bytes of one event, a key, the terms of the request. Out: a record for an inbox, of measures one for each
partition, or a refusal. Pure. Behind this door an event is one document, in whichever mode it came.
"""

import json
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from services.gateway.body import Body
from shared.broker import Outgoing
from shared.contracts.binary_mode import attributes_of_http, check_agreement, structured
from shared.contracts.catalogue import INPUT_TYPES, OWNER_OF
from shared.contracts.envelope import Inbound, Problem, Unreadable, read_inbound, write_inbound
from shared.contracts.measures import Measures
from shared.contracts.values import MAX_ID
from shared.http import clip, problem_document
from shared.intake import admit
from shared.keys import ApiKey, Scope
from shared.topics import catalogue_subjects, inbox, partition_of

STATUS_OF = {"not-json": 400, "two-modes": 400, "too-large": 413, "source-not-yours": 403, "scope-missing": 403}
"""Of every other code: 422."""
TRACEPARENT = "traceparent"
_W3C = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for all events of a request. `now`: none in `history` time. `trace`: for events that bring none."""

    now: datetime | None
    ahead: timedelta
    behind: timedelta
    partitions: int
    trace: str


@dataclass(frozen=True, slots=True)
class Taken:
    id: str
    records: Sequence[Outgoing]


@dataclass(frozen=True, slots=True)
class Refused:
    """`id`: as far as it could be made out."""

    id: str | None
    status: int
    code: str
    detail: str
    problems: Sequence[Problem]

    def document(self) -> dict[str, Any]:
        return problem_document(self.status, self.code, self.detail, self.problems)


def examine(raw: bytes, key: ApiKey, terms: Terms) -> Taken | Refused:
    """The value of the record is `raw` itself: nothing accepted is changed. Measures are written anew, because their
    subject is another one in every partition."""
    try:
        return _take(raw, key, terms)
    except Unreadable as refusal:
        return _refused(refusal, _id_of(raw))


def examine_alone(body: Body, key: ApiKey, terms: Terms) -> Taken | Refused:
    """The one event of a request, whose attributes may stand in its headers."""
    try:
        raw = _document(body)
    except Unreadable as refusal:
        return _refused(refusal, None)
    return examine(raw, key, terms)


def _document(body: Body) -> bytes:
    attributes = attributes_of_http(body.headers)
    if body.data_only:
        return structured(attributes, body.raw)
    if attributes:
        check_agreement(attributes, body.raw)
    return body.raw


def _refused(refusal: Unreadable, id_: str | None) -> Refused:
    status = STATUS_OF.get(refusal.code, 422)
    return Refused(id_, status, refusal.code, _sentence(refusal.problems), refusal.problems)


def _take(raw: bytes, key: ApiKey, terms: Terms) -> Taken:
    event = read_inbound(raw, INPUT_TYPES)
    admit(event, now=terms.now, ahead=terms.ahead, behind=terms.behind)
    if not key.may_send_as(event.source):
        reason = (
            f"{event.source!r} is not a source of this key; its sources are {', '.join(sorted(key.sources)) or 'none'}"
        )
        raise Unreadable("source-not-yours", [Problem("source", reason)])
    if isinstance(event.data, Measures) and Scope.ADMIN not in key.scopes:
        reason = f"measures hold for every customer: it takes a key with the scope '{Scope.ADMIN}', too"
        raise Unreadable("scope-missing", [Problem("type", reason)])
    headers = () if event.traceparent else ((TRACEPARENT, terms.trace.encode()),)
    topic = inbox(OWNER_OF[event.type])
    places = _places(event, raw, terms.partitions)
    return Taken(event.id, [Outgoing(topic, number, key_, value, headers) for number, key_, value in places])


def _places(event: Inbound, raw: bytes, partitions: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Partition, key and value of each record."""
    if not isinstance(event.data, Measures):
        yield partition_of(event.subject, partitions), event.subject.encode(), raw
        return
    for number, subject in enumerate(catalogue_subjects(partitions)):
        yield number, subject.encode(), write_inbound(replace(event, subject=subject))


def trace_of(header: str | None) -> str:
    """The caller's W3C trace context; a new one if there is none or it is not right."""
    if header and _W3C.fullmatch(header):
        return header
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def _sentence(problems: Sequence[Problem]) -> str:
    first = problems[0]
    more = f" And {len(problems) - 1} more." if len(problems) > 1 else ""
    return f"{clip(first.path)}: {clip(first.reason)}.{more}" if first.path else f"{clip(first.reason)}.{more}"


def _id_of(raw: bytes) -> str | None:
    """For the sender's eyes: which one was it?"""
    try:
        id_ = json.loads(raw)["id"]
    except (ValueError, RecursionError, LookupError, TypeError):
        return None
    return id_ if isinstance(id_, str) and len(id_) <= MAX_ID else None
