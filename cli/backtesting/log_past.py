"""What does the log know of alerts and of what followed? Who bought or called, what was raised, what time it is."""

from services.analytics.outcomes import Raised
from services.analytics.rules import Target
from shared.broker import Record
from shared.contracts.analytics import AttritionAlertRaised, read_alert
from shared.contracts.catalogue import DOMAIN_SERVICES, FACT_TYPES
from shared.contracts.envelope import Event, Unreadable, read_fact
from shared.contracts.interaction import ContactRecorded
from shared.contracts.retention import PurchaseRecorded
from shared.contracts.tick import read_tick
from shared.contracts.values import Direction, to_micros
from shared.topics import ALERTS, CUSTOMER_EVENTS

TOPICS = (CUSTOMER_EVENTS, ALERTS)
AWAITED: dict[Target, str] = {"purchase": PurchaseRecorded.TYPE, "contact": ContactRecorded.TYPE}
INBOUND = Direction.INBOUND
RAISED = AttritionAlertRaised.TYPE.encode()


class LogPast:
    """Gathered record by record. A copy of a record changes nothing. `target`: what the lapse is the absence of."""

    def __init__(self, target: Target = "purchase") -> None:
        self._awaited = AWAITED[target].encode()
        self._done: dict[str, set[int]] = {}
        self._ticks: dict[tuple[int, str], int] = {}  # partition, service -> its highest
        self._seen: set[str] = set()
        self.unreadable = 0
        self.raised: dict[str, list[Raised]] = {}  # by name of the rules, in order of time per customer

    def take(self, record: Record) -> None:
        """What cannot be read is counted: analytics, too, has set it aside and gone on."""
        try:
            self._take(record, record.value or b"")
        except Unreadable:
            self.unreadable += 1

    def _take(self, record: Record, value: bytes) -> None:
        if record.key is None:
            self._take_tick(record.partition, value)
        elif record.topic == ALERTS and RAISED in value:
            self._take_alert(value)
        elif self._awaited in value:
            self._take_fact(read_fact(value, FACT_TYPES))

    def occasions(self) -> dict[str, list[int]]:
        """By customer, micros."""
        return {customer: sorted(times) for customer, times in self._done.items()}

    def clock(self) -> int:
        """Micros up to which all is known: the lowest clock of a partition; 0 before all services have spoken."""
        heard = {partition for partition, _ in self._ticks}
        ticks = [self._ticks.get((partition, service), 0) for partition in heard for service in DOMAIN_SERVICES]
        return min(ticks, default=0)

    def _take_tick(self, partition: int, value: bytes) -> None:
        tick = read_tick(value)
        if tick is not None and tick.at is not None:
            place = partition, tick.source.removeprefix("tenure/")
            self._ticks[place] = max(to_micros(tick.at), self._ticks.get(place, 0))

    def _take_fact(self, fact: Event) -> None:
        """What we began ourselves is left out."""
        if fact.type.encode() == self._awaited and getattr(fact.data, "direction", INBOUND) == INBOUND:
            self._done.setdefault(fact.subject, set()).add(to_micros(fact.time))

    def _take_alert(self, value: bytes) -> None:
        alert = read_alert(value)
        if alert.type == AttritionAlertRaised.TYPE and alert.id not in self._seen:
            self._seen.add(alert.id)
            raised = Raised(alert.subject, to_micros(alert.time), alert.data.risk)
            self.raised.setdefault(alert.data.rules, []).append(raised)
