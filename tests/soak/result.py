"""What did a soak come to? Alerts that were due beside those that came, how long each took, and what grew meanwhile."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from shared.broker import Record
from shared.contracts.analytics import AttritionAlertRaised, read_alert
from tests.system.lives import Life


@dataclass(frozen=True, slots=True)
class Delay:
    """Of one alert: `dated_s` from the instant of its silence to the time it bears, `published_s` from the instant of
    the grid at which it was due to the broker's time of its record."""

    customer: str
    dated_s: float
    published_s: float


@dataclass(frozen=True, slots=True)
class Result:
    """`mib`: process -> resident memory, soon after the start and at the end."""

    seconds: float
    events: int
    behind_s: float
    grid_s: float
    due: int
    raised: int
    missing: Sequence[str]
    misdated: Sequence[str]  # whose first alert bears another time than that of its silence
    twice: int  # ids with more than one content; has to be 0
    others: int  # alerts raised for everyday customers
    published_p50_s: float
    published_worst_s: float
    mib: Mapping[str, tuple[float, float]]
    books: Mapping[str, object]

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @property
    def good(self) -> bool:
        """Every alert within one step, dated when it was due, each once, and the books balance."""
        as_planned = not self.missing and not self.misdated and not self.twice
        return as_planned and self.published_worst_s < self.grid_s and bool(self.books["balanced"])


def due_until(lives: Iterable[Life], end: datetime, grid: timedelta) -> list[Life]:
    """Those whose alert has to be there by `end`: a step to be judged in, and another for the way."""
    return [one for one in lives if one.crossing + 2 * grid < end]


def first_alerts(records: Iterable[Record]) -> tuple[dict[str, tuple[datetime, datetime]], int]:
    """Customer -> (time of the first alert raised, the broker's time of its record); and how many ids have two
    contents."""
    first: dict[str, tuple[datetime, datetime]] = {}
    contents: dict[str, bytes] = {}
    twice = 0
    for record in records:
        if record.value is None:
            continue
        alert = read_alert(record.value)
        known = contents.setdefault(alert.id, record.value)
        twice += known != record.value
        if alert.type == AttritionAlertRaised.TYPE:
            first.setdefault(alert.subject, (alert.time, datetime.fromtimestamp(record.timestamp / 1e3, UTC)))
    return first, twice


def delays(lives: Iterable[Life], first: Mapping[str, tuple[datetime, datetime]], grid_s: float) -> list[Delay]:
    """Of those that came."""
    found = []
    for one in lives:
        if one.customer in first:
            time, published = first[one.customer]
            instant = math.ceil(one.crossing.timestamp() / grid_s) * grid_s
            dated = (time - one.crossing).total_seconds()
            found.append(Delay(one.customer, dated, published.timestamp() - instant))
    return found


def middle(figures: Sequence[float]) -> float:
    return sorted(figures)[len(figures) // 2] if figures else math.nan
