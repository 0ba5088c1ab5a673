"""Does all that an alert cites stand on its customer's timeline, and had it happened by then?

In: messages of alerts, and timelines as the read API tells them. Out: what does not.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from shared.contracts.analytics import Sign, read_alert
from shared.contracts.values import parse_time

Timeline = Iterable[Mapping[str, Any]]


def unproven(alerts: Iterable[bytes], timeline: Callable[[str], Timeline]) -> list[tuple[str, Sign, set[str]]]:
    """The alert's id, the sign, and what it cites in vain; a sign that cites nothing at all is there, too."""
    found = []
    for alert in map(read_alert, alerts):
        known = _recorded(timeline(alert.subject), alert.data.as_of)
        for sign in alert.data.signs:
            cited = {*sign.evidence, *filter(None, [sign.last_before])}
            if not cited or cited - known:
                found.append((alert.id, sign.sign, cited - known))
    return found


def _recorded(timeline: Timeline, until: datetime) -> set[str]:
    """`source|id` of the channels' events."""
    return {entry["input"] for entry in timeline if entry["input"] and parse_time(entry["time"]) <= until}
