"""Which types stand on which topic, and who says them to whom?

From the topic table and the catalogue of types alone. A topic is *taken* if others write to it and we read, and
*published* if it is the other way about; what may change in a type depends on that (docs/decisions/0019).
"""

from dataclasses import dataclass

from shared.contracts.analytics import ALERT_TYPES, RiskRow
from shared.contracts.catalogue import DOMAIN_SERVICES, FACT_TYPES, INPUTS_OF
from shared.contracts.generate import INBOUND
from shared.contracts.population import POPULATION_TYPES
from shared.contracts.protocol import TICK, Redrive
from shared.contracts.segments import SEGMENT_ALERT_TYPES
from shared.topics import ALERTS, CUSTOMER_EVENTS, POPULATION, RISK, TOPICS, Topic, inbox


@dataclass(frozen=True, slots=True)
class Channel:
    """`types`: of the events on it; none where records stand as they came, whatever they are."""

    topic: Topic
    taken: bool
    types: tuple[str, ...]


_TYPES_ON: dict[str, tuple[str, ...]] = {
    **{inbox(s): (*(c.TYPE for c in INPUTS_OF[s]), Redrive.TYPE, TICK) for s in DOMAIN_SERVICES},
    CUSTOMER_EVENTS: (*FACT_TYPES, TICK),
    ALERTS: (*ALERT_TYPES, *SEGMENT_ALERT_TYPES),
    RISK: (RiskRow.TYPE,),
    POPULATION: tuple(POPULATION_TYPES),
}
_TAKEN = {inbox(service) for service in DOMAIN_SERVICES}

CHANNELS: tuple[Channel, ...] = tuple(Channel(t, t.name in _TAKEN, _TYPES_ON.get(t.name, ())) for t in TOPICS)


def is_taken(type_: str) -> bool:
    """Do others send it? Ticks, which we say ourselves in either place, are published."""
    return type_ in INBOUND


def topics_of(type_: str) -> list[str]:
    return [channel.topic.name for channel in CHANNELS if type_ in channel.types]
