"""May this event come in? What is asked of an event beyond its schema, at the HTTP door and behind every inbox alike.

In: an event that could be read, and the instant it arrived. Out: nothing, or `Unreadable` with a reason a sender can
act on. The reader of an inbox passes the record's timestamp as `now`. The HTTP door passes its own clock and stricter
limits, so that what it accepts is not refused a moment later behind the inbox, by another clock.
"""

from datetime import datetime, timedelta

from shared.contracts.envelope import Inbound, Problem, Unreadable
from shared.contracts.measures import CATALOGUE, Measures, is_of_catalogue
from shared.contracts.protocol import Redrive
from shared.contracts.values import OUR_SOURCES, format_time

AHEAD = timedelta(minutes=5)  # clocks of channels may run fast by this much
BEHIND = timedelta(days=30)  # older events are an import of the past, and have to say so


def admit(
    inbound: Inbound,
    *,
    now: datetime | None,
    ahead: timedelta = AHEAD,
    behind: timedelta = BEHIND,
    measures_as: str = CATALOGUE,
) -> None:
    """`now`: none in `history` time, where every instant is as good as another. `measures_as`: the subject of measures
    here.

    Raises Unreadable with code `source-reserved`, `wrong-subject`, `time-in-future` or `too-old`.
    """
    if is_reserved(inbound.source) and not isinstance(inbound.data, Redrive):  # an operator's command is ours
        raise _refusal(
            "source-reserved", "source", f"{inbound.source!r} is reserved for the system; use the channel's own name"
        )
    if isinstance(inbound.data, Measures) and inbound.subject != measures_as:
        raise _refusal("wrong-subject", "subject", f"of measures it is {measures_as!r} here")
    if is_of_catalogue(inbound.subject) and not isinstance(inbound.data, Measures | Redrive):
        raise _refusal("wrong-subject", "subject", f"{inbound.subject!r} is for measures, and no customer")
    if now is None:
        return
    if inbound.time - now > ahead:
        raise _refusal("time-in-future", "time", f"lies after {format_time(now)}, the time here, by more than {ahead}")
    if now - inbound.time > behind and not inbound.data.imported:
        raise _refusal(
            "too-old",
            "time",
            f"is older than {round(behind / timedelta(days=1))} days; mark an import of the past as data.import: true",
        )


def is_reserved(source: str) -> bool:
    """`tenure/...` and `clock` are written by the system alone."""
    return any(source == ours or (ours.endswith("/") and source.startswith(ours)) for ours in OUR_SOURCES)


def _refusal(code: str, path: str, reason: str) -> Unreadable:
    return Unreadable(code, [Problem(path, reason)])
