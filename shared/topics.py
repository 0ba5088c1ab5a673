"""Every topic, what it is for, and how it is kept. Which partition a customer has: the same in all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import count

from aiokafka.partitioner import murmur2

from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.contracts.measures import OF_CATALOGUE

CUSTOMER_EVENTS = "customer.events"
ALERTS = "attrition.alerts"
RISK = "attrition.risk"
POPULATION = "attrition.population"
READERS = ("projection", "analytics")
DEAD_LETTER_MAX_BYTES = 8 * 1024 * 1024
LARGE: Mapping[str, str] = {"max.message.bytes": str(DEAD_LETTER_MAX_BYTES)}
FOR_EVER: Mapping[str, str] = {"retention.ms": "-1", "retention.bytes": "-1"}
COMPACTED: Mapping[str, str] = {"cleanup.policy": "compact"}


def inbox(service: str) -> str:
    return f"{service}.inbox"


def dead_letters(service: str) -> str:
    return f"{service}.dead-letters"


@dataclass(frozen=True, slots=True)
class Topic:
    """`keyed`: by customer, with the deployment's number of partitions; otherwise one partition."""

    name: str
    purpose: str
    keyed: bool = True
    config: Mapping[str, str] = field(default_factory=dict)


TOPICS: tuple[Topic, ...] = (
    *(Topic(inbox(s), f"what channels send to {s}", config=FOR_EVER) for s in DOMAIN_SERVICES),
    Topic(CUSTOMER_EVENTS, "the log: every fact of every service", config=FOR_EVER),
    Topic(ALERTS, "alerts, as they are raised, cleared and so on", config=FOR_EVER),
    Topic(RISK, "one current row of risk per customer", config=COMPACTED),
    Topic(POPULATION, "what partitions tell week by week, and what follows", keyed=False,
          config={**FOR_EVER, **LARGE}),
    *(
        Topic(dead_letters(s), f"what {s} could not read, with the reason", keyed=False,
              config={**FOR_EVER, **LARGE})
        for s in (*DOMAIN_SERVICES, *READERS)
    ),
)  # fmt: skip


@lru_cache(maxsize=200_000)
def partition_of(customer: str, partitions: int) -> int:
    """The partition of a customer: murmur2 of the key, as Kafka's Java client computes it."""
    return int(murmur2(customer.encode()) & 0x7FFFFFFF) % partitions


@cache
def catalogue_subjects(partitions: int) -> tuple[str, ...]:
    """By partition, the subject under which a catalogue of measures stands in it: the first that lies there."""
    found: dict[int, str] = {}
    subjects = (f"{OF_CATALOGUE}{number}" for number in count())
    while len(found) < partitions:
        subject = next(subjects)
        found.setdefault(partition_of(subject, partitions), subject)
    return tuple(found[partition] for partition in range(partitions))
