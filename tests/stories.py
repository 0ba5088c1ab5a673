"""Customers' stories for the tests of what reads the log: facts and alerts as their owners publish them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from services.projection.records import read_arrival
from services.projection.timeline import Entry
from shared.contracts import acquisition, interaction, retention
from shared.contracts.analytics import (
    AttritionAlert,
    AttritionAlertCleared,
    AttritionAlertRaised,
    Contribution,
    Recommendation,
    Sign,
    SignEvidence,
    alert_bytes,
    alert_id,
)
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.contracts.envelope import Event, Fact, write_fact
from shared.contracts.measures import MeasuresRecorded
from shared.contracts.retention import Basis
from shared.contracts.tick import write_tick
from shared.contracts.values import Defector, Direction, Money, Stage
from shared.memory_broker import MemoryRecord
from shared.topics import ALERTS, CUSTOMER_EVENTS

START = datetime(2026, 1, 1, tzinfo=UTC)
RULES = "r1"
ANALYTICS = f"analytics/{RULES}"

Told = tuple[int, Fact]  # a day, and what is said on it


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def purchase(amount_minor: int, currency: str = "EUR", **said: str) -> retention.PurchaseRecorded:
    return retention.PurchaseRecorded.model_validate({"amount_minor": amount_minor, "currency": currency, **said})


def contact(direction: Direction = Direction.INBOUND) -> interaction.ContactRecorded:
    return interaction.ContactRecorded(route=interaction.Route.EMAIL, direction=direction)


def opened(complaint: str, on: float = 0) -> interaction.ComplaintOpened:
    return interaction.ComplaintOpened(complaint=complaint, acknowledge_by=day(on + 1), resolve_by=day(on + 5))


def breached(complaint: str, on: float) -> interaction.ComplaintStandardBreached:
    standard = interaction.Standard.ACKNOWLEDGE
    return interaction.ComplaintStandardBreached(complaint=complaint, standard=standard, due=day(on))


def measures(*names: str, success: int = 500) -> MeasuresRecorded:
    """Each costs one euro."""
    cost = {"amount_minor": 100, "currency": "EUR"}
    said = [{"name": name, "words": f"do {name}", "cost": cost, "success_thousandths": success} for name in names]
    return MeasuresRecorded.model_validate({"measures": said})


def stage(name: Stage) -> acquisition.StageEntered:
    return acquisition.StageEntered(stage=name, previous=None)


def lapsed(defector: Defector | None = None) -> retention.Lapsed:
    return retention.Lapsed(basis=Basis.SILENCE, defector=defector)


def euros(amount_minor: int) -> Money:
    return Money(amount_minor=amount_minor, currency="EUR")


CALL = Recommendation(
    name="personal call",
    words="a call by somebody who knows the customer",
    success=0.1,
    cost=euros(300),
    benefit=euros(500),
    net=euros(200),
    is_worth_it=True,
    break_even_success=0.06,
)


def raised(
    customer: str, on: float, *, value_minor: int = 5000, sign: Sign = Sign.VOLUME_DECLINE, is_declared: bool = False
) -> AttritionAlertRaised:
    evidence = SignEvidence(sign=sign, since=day(on - 30), observed=1, expected=4, window_days=30, strength=2.5)
    if is_declared:
        evidence = SignEvidence(sign=Sign.LAPSE, since=day(on), observed=0, expected=0, window_days=0, strength=0)
    return AttritionAlertRaised(
        alert=alert_id(RULES, customer, 1),
        risk=0.9,
        contributions=(Contribution(reason="silent for 41 days, own rhythm is 9", weight=1.5),),
        signs=(evidence,),
        value_at_risk=(euros(value_minor),),
        recommended=CALL,
        probable_cause=Defector.PRICE,
        rules=RULES,
        as_of=day(on),
    )


def cleared(customer: str, on: float) -> AttritionAlertCleared:
    return AttritionAlertCleared(alert=alert_id(RULES, customer, 1), risk=0.1, rules=RULES, as_of=day(on))


def fact_bytes(producer: str, customer: str, sequence: int, fact: Fact, at: datetime) -> bytes:
    if isinstance(fact, AttritionAlert):
        return alert_bytes(customer, sequence, fact)
    cause = f"web-shop|{producer}-{sequence}"
    event = Event(producer, customer, sequence, sequence, sequence, at, cause, None, cause, None, fact.TYPE, fact)
    return write_fact(event)


def record(value: bytes | None, *, customer: str | None = "c-1", topic: str = CUSTOMER_EVENTS, partition: int = 0,
           offset: int = 0) -> MemoryRecord:  # fmt: skip
    key = None if customer is None else customer.encode()
    return MemoryRecord(topic, partition, offset, 0, key, value)


def ticks(number: float) -> list[MemoryRecord]:
    """All three services have said everything before that day."""
    return [record(write_tick(f"tenure/{service}", day(number)), customer=None) for service in DOMAIN_SERVICES]


def told(producer: str, customer: str, *facts: Told, first: int = 1) -> list[MemoryRecord]:
    """What a producer says of a customer, from sequence `first` on; the offsets are still to be given."""
    topic = ALERTS if producer.startswith("analytics/") else CUSTOMER_EVENTS
    return [
        record(fact_bytes(producer, customer, sequence, fact, day(on)), customer=customer, topic=topic)
        for sequence, (on, fact) in enumerate(facts, start=first)
    ]


def numbered(records: Iterable[MemoryRecord], *, start: int = 0) -> list[MemoryRecord]:
    """The records at the offsets that they have in this order, per topic."""
    offsets: dict[str, int] = {}
    placed = []
    for r in records:
        offset = offsets.get(r.topic, start)
        offsets[r.topic] = offset + 1
        placed.append(MemoryRecord(r.topic, r.partition, offset, r.timestamp, r.key, r.value, r.headers))
    return placed


def a_story(customer: str) -> dict[str, Sequence[MemoryRecord]]:
    """Producer -> what it says: a customer is won, buys, complains, is alerted about, lapses and comes back."""
    return {
        "acquisition": told(
            "acquisition", customer,
            (0, acquisition.EnquiryRecorded(campaign=acquisition.RecordedCampaign(name="spring"))),
            (0, acquisition.ProspectOpened(origin=acquisition.Origin.REFERRAL, course=1)),
            (0, stage(Stage.ENQUIRY)),
            (1, stage(Stage.ADOPTION)),
            (90, acquisition.AcquisitionLost(origin=acquisition.Origin.LAPSED_CUSTOMER)),
        ),
        "interaction": told(
            "interaction", customer,
            (2, contact()),
            (3, contact(Direction.OUTBOUND)),
            (3, interaction.FollowUpPromised(due=day(8))),
            (4, interaction.ComplaintRecorded(complaint="broken")),
            (4, opened("broken", 4)),
            (6, breached("broken", 6)),
            (7, interaction.SatisfactionRecorded(score=80)),
            (7, interaction.SatisfactionRecorded(score=40)),
            (8, interaction.FollowUpMissed(due=day(8))),
        ),
        "retention": told(
            "retention", customer,
            (1, purchase(1999, segment="consumer")),
            (1, retention.FirstPurchase()),
            (11, purchase(1)),
            (21, purchase(300, "USD", segment="business")),
            (90, lapsed()),
            (91, retention.DefectorClassified(defector=Defector.PRICE, evidence="crm|7")),
            (120, purchase(500)),
            (120, retention.Returned(away_days=30)),
        ),
        ANALYTICS: told(ANALYTICS, customer, (60, raised(customer, 60)), (90, cleared(customer, 90))),
    }  # fmt: skip


def entries(records: Sequence[MemoryRecord]) -> list[Entry]:
    """As they stand on a timeline; what is said of a partition is left out."""
    arrivals = [read_arrival(r) for r in records]
    return [arrival.entry for arrival in arrivals if arrival is not None]
