"""How is a timeline read in the order in which things happened, when it is stored in the order in which they were told?

Every full page says over which times it reaches; late events make these overlap. Pages are read in the direction of
reading, and an entry is handed out once no unread page can hold one that stands before it. So what is read is little
more than what is shown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.projection.ledger import PageRef
from services.projection.store import TimelineStore
from services.projection.timeline import Entry, Query, Slice, cut, is_full
from services.projection.view import View, fold

PAGES_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class _Segment:
    """A full page not read yet, or the tail, which is at hand."""

    first_at: int
    last_at: int
    page: str | None = None
    entries: tuple[Entry, ...] = ()


async def read_timeline(store: TimelineStore, customer: str, query: Query) -> Slice | None:
    """None: no such customer."""
    found = await store.find(customer)
    if found is None:
        return None
    newest_first = query.newest_first
    segments = [s for s in _segments(found[1], found[0].tail) if query.reaches(s.first_at, s.last_at)]
    segments.sort(key=lambda s: s.last_at if newest_first else s.first_at, reverse=newest_first)
    ready: list[Entry] = []
    waiting: list[Entry] = []
    for start in range(0, len(segments), PAGES_AT_ONCE):
        chunk = segments[start : start + PAGES_AT_ONCE]
        waiting += [e for e in await _entries(store, chunk) if query.wants(e)]
        rest = segments[start + PAGES_AT_ONCE :]
        done = [e for e in waiting if not rest or _is_passed(e, rest[0], newest_first)]
        ready += query.in_order(done)
        if is_full(ready, query.limit):
            break
        settled = {e.key for e in done}
        waiting = [e for e in waiting if e.key not in settled]
    return cut(ready, query.limit)


async def read_view(store: TimelineStore, customer: str, as_of: int | None) -> View | None:
    """The view as of that time, by what is known now; None: no such customer."""
    found = await store.find(customer)
    if found is None or as_of is None:
        return None if found is None else found[0].view
    tail, refs = found[0].tail, found[1]
    view = View()
    for start in range(0, len(refs), PAGES_AT_ONCE):
        pages = await store.read_pages([ref.id for ref in refs[start : start + PAGES_AT_ONCE]])
        for entries in pages.values():
            view = fold(view, _until(as_of, entries))
    return fold(view, _until(as_of, tail))


def _segments(refs: Sequence[PageRef], tail: tuple[Entry, ...]) -> list[_Segment]:
    times = [entry.at for entry in tail]
    newest = [_Segment(min(times), max(times), entries=tail)] if tail else []
    return [*(_Segment(ref.first_at, ref.last_at, page=ref.id) for ref in refs), *newest]


async def _entries(store: TimelineStore, segments: Iterable[_Segment]) -> list[Entry]:
    pages = await store.read_pages([s.page for s in segments if s.page is not None])
    at_hand = (entry for s in segments for entry in s.entries)
    return [*(entry for entries in pages.values() for entry in entries), *at_hand]


def _is_passed(entry: Entry, segment: _Segment, newest_first: bool) -> bool:
    """Whether nothing in the segment, nor in those behind it, can stand before the entry."""
    return entry.at > segment.last_at if newest_first else entry.at < segment.first_at


def _until(as_of: int, entries: Iterable[Entry]) -> Iterable[Entry]:
    return (entry for entry in entries if entry.at <= as_of)
