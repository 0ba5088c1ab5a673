"""What must hold after every run, whatever happened in it. Each function answers the violations, in words; none is
good."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.event_store import Commit
from shared.memory_broker import MemoryRecord
from shared.topics import ALERTS, CUSTOMER_EVENTS, POPULATION, dead_letters, inbox
from tests.simulation.stepping import run
from tests.simulation.world import World

Chain = tuple[str, str]  # producer, customer


def violations(world: World) -> list[str]:
    """All that can be said of one run alone."""
    return [
        *world.problems,
        *applied_once(world),
        *contiguous(world),
        *copies_equal(world),
        *log_is_store(world),
        *nothing_unpublished(world),
        *judged_once(world),
    ]


def applied_once(world: World) -> Iterator[str]:
    """I1, I5: every input that was accepted stands in its service's store once, and nothing else does."""
    for service in DOMAIN_SERVICES:
        wanted = {(s.customer, f"shop|{s.id}") for s in world.file if s.owner == service and s not in world.fast}
        got = Counter((c.customer, c.cause) for c in commits(world, service) if c.cause.startswith("shop|"))
        yield from (f"{service} lost {cause}" for cause in sorted(wanted - got.keys()))
        yield from (f"{service} recorded {cause} {n} times" for cause, n in got.items() if n > 1)
        fast = {s.raw for s in world.fast if s.owner == service}
        aside = {record.value for record in world.broker.records(dead_letters(service))}
        if aside != fast:
            yield f"{service} set {len(aside - fast)} good events aside, and took {len(fast - aside)} dated ahead"


def contiguous(world: World) -> Iterator[str]:
    """I2, I4: first copies stand in the log in order, from 1, without a gap."""
    last: dict[Chain, int] = defaultdict(int)
    for event in facts(world):
        chain, sequence = chain_of(event), int(event["sequence"])
        if sequence > last[chain] + 1:
            yield f"{chain} has {sequence} after {last[chain]}"
        last[chain] = max(last[chain], sequence)


def copies_equal(world: World) -> Iterator[str]:
    """I3: whatever stands under one id is the same, byte for byte. But in `wall` time a week of the whole base may be
    given up by one owner and answered by another; the first of them counts."""
    first: dict[str, bytes] = {}
    for topic in (CUSTOMER_EVENTS, ALERTS, POPULATION):
        for record in world.broker.records(topic):
            if record.key is not None and record.value is not None:
                id_ = json.loads(record.value)["id"]
                if not world.history and "/model/" in id_:
                    continue
                if first.setdefault(id_, record.value) != record.value:
                    yield f"{id_} stands in {topic} with two contents"


def log_is_store(world: World) -> Iterator[str]:
    """I5: what is stored is published, and what is published is stored, byte for byte."""
    published = {record.value for record in log(world) if record.key is not None}
    stored = {raw for service in DOMAIN_SERVICES for commit in commits(world, service) for raw in commit.events}
    yield from (f"stored, never published: {raw!r}" for raw in stored - published)
    yield from (f"published, not stored: {raw!r}" for raw in published - stored)


def nothing_unpublished(world: World) -> Iterator[str]:
    """I6: once the system is quiet, every commit is marked."""
    for service in DOMAIN_SERVICES:
        yield from (f"{service} left {c.key} unmarked" for c in commits(world, service) if not c.published)
    for group in DOMAIN_SERVICES:
        for tp, offset in world.broker.committed(group).items():
            if tp.topic == inbox(group) and offset != world.broker.highwater(tp):
                yield f"{group} stopped at {offset} of {world.broker.highwater(tp)} in {tp}"


def judged_once(world: World) -> Iterator[str]:
    """I1 for analytics: every recorded input counted once, compared with a fold of the log that shares no code with
    it."""
    inputs: Counter[str] = Counter()
    seen: set[str] = set()
    for event in facts(world):
        if event["id"] not in seen and event["causeid"].startswith("shop|") and event["type"].endswith(RECORDED):
            inputs[event["subject"]] += 1
        seen.add(event["id"])
    judged = {c: book.inputs for p in world.live_reader().values() for c, book in p.books.items() if book.inputs}
    if judged != dict(inputs):
        yield f"analytics judged {judged}, the log holds {dict(inputs)}"


RECORDED = tuple(
    f"{kind}-recorded.v1" for kind in ("enquiry", "contact", "complaint", "satisfaction", "purchase", "lapse")
)


def alerts(world: World) -> dict[str, bytes]:
    """Id -> bytes, of every alert on the topic."""
    return {json.loads(r.value)["id"]: r.value for r in world.broker.records(ALERTS) if r.value is not None}


def stored(world: World) -> dict[str, bytes]:
    """Id -> bytes, of every fact in the stores."""
    return {
        json.loads(raw)["id"]: raw for s in DOMAIN_SERVICES for commit in commits(world, s) for raw in commit.events
    }


def traces(world: World) -> dict[str, tuple[int, int]]:
    """Customer -> how many inputs analytics judged, and a hash of their order."""
    return {c: (b.inputs, b.trace) for p in world.live_reader().values() for c, b in p.books.items()}


def differences(what: str, expected: dict[str, Any], got: dict[str, Any]) -> Iterator[str]:
    """I7, I8: two runs say the same."""
    for key in sorted(expected.keys() | got.keys()):
        if expected.get(key) != got.get(key):
            yield f"{what} {key}: {expected.get(key)!r} in an undisturbed run, {got.get(key)!r} here"


def commits(world: World, service: str) -> list[Commit]:
    found: list[Commit] = []

    async def collect() -> None:
        found.extend([commit async for commit in world.stores[service].scan()])

    run(collect())
    return found


def log(world: World) -> list[MemoryRecord]:
    return world.broker.records(CUSTOMER_EVENTS)


def facts(world: World) -> Iterable[dict[str, Any]]:
    return [json.loads(record.value) for record in log(world) if record.key is not None and record.value is not None]


def chain_of(event: dict[str, Any]) -> Chain:
    return event["source"], event["subject"]
