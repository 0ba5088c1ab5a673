"""The log in, timelines out: what the projection's reader does with whatever comes."""

import json
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial

import pytest

from services.projection.ledger import Change, Customer
from services.projection.reader import ProjectionReader
from services.projection.store import MemoryStore
from shared.broker import Handler, TopicPartition
from shared.contracts.tick import write_tick
from shared.memory_broker import MemoryBroker, MemoryRecord
from shared.topics import ALERTS, CUSTOMER_EVENTS, dead_letters
from tests.stories import (
    ANALYTICS,
    contact,
    day,
    fact_bytes,
    numbered,
    purchase,
    raised,
    record,
    told,
)
from tests.wiring.operators import said_to_operators

EVENTS_0 = TopicPartition(CUSTOMER_EVENTS, 0)
EVENTS_1 = TopicPartition(CUSTOMER_EVENTS, 1)
ALERTS_0 = TopicPartition(ALERTS, 0)
LETTERS = dead_letters("projection")


class Projection:
    """One owner: a reader over a store, and the topic of its dead letters."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = MemoryStore() if store is None else store
        self.broker = MemoryBroker()
        self.broker.create_topic(LETTERS, 1)
        self.reader = ProjectionReader(self.store, self.broker.publisher())

    async def handle(self, *records: MemoryRecord) -> dict[TopicPartition, int]:
        return dict(await self.reader.handle(records))

    def letters(self) -> list[tuple[str, bytes | None]]:
        """Reason and original bytes of everything set aside."""
        return [(json.loads(dict(r.headers)["reason"])["code"], r.value) for r in self.broker.records(LETTERS)]

    def types(self, customer: str = "c-1") -> list[str]:
        return [entry.type.split(".")[1] for entry in self.store.customers[customer].tail]


@pytest.fixture
def projection() -> Projection:
    return Projection()


THREE = numbered(told("retention", "c-1", (1, purchase(1)), (2, purchase(2)), (3, purchase(3))))


def test_the_reader_is_a_handler(projection: Projection) -> None:
    handler: Handler = projection.reader
    assert [] == list(handler.full())


async def test_records_become_timelines_and_offsets(projection: Projection) -> None:
    alert = record(fact_bytes(ANALYTICS, "c-1", 1, raised("c-1", 5), day(5)), topic=ALERTS, offset=7)
    assert {EVENTS_0: 3, ALERTS_0: 8} == await projection.handle(*THREE, alert)
    assert {"retention": 3, ANALYTICS: 1} == projection.store.customers["c-1"].last


async def test_what_is_delivered_again_changes_nothing(projection: Projection) -> None:
    await projection.handle(*THREE)
    before = projection.store.customers["c-1"]
    assert {EVENTS_0: 3} == await projection.handle(*THREE)
    assert before is projection.store.customers["c-1"]


async def test_a_copy_within_a_batch_is_dropped(projection: Projection) -> None:
    await projection.handle(*THREE[:2], *numbered(THREE, start=2))
    assert 3 == projection.store.customers["c-1"].view.purchases.count


async def test_a_copy_with_other_content_raises_an_alarm_and_changes_nothing(projection: Projection) -> None:
    other = record(fact_bytes("retention", "c-1", 2, purchase(999), day(2)), offset=3)
    with said_to_operators() as logs:
        await projection.handle(*THREE, other)
    assert ["retention/c-1/2"] == [line["id"] for line in logs if line["event"] == "sequence_content_differs"]
    assert {"EUR": 6} == projection.store.customers["c-1"].view.purchases.spend


async def test_a_copy_of_what_stands_on_an_old_page_is_compared_too(projection: Projection) -> None:
    many = numbered(told("retention", "c-1", *((n, purchase(n)) for n in range(250))))
    await projection.handle(*many)
    other = record(fact_bytes("retention", "c-1", 2, purchase(999), day(1)), offset=250)
    with said_to_operators() as logs:
        await projection.handle(many[0], other)
    assert ["retention/c-1/2"] == [line["id"] for line in logs if line["event"] == "sequence_content_differs"]


async def test_an_equal_copy_raises_no_alarm(projection: Projection) -> None:
    await projection.handle(*THREE)
    with said_to_operators() as logs:
        await projection.handle(*THREE)
    assert [] == logs


async def test_a_tick_is_passed_over(projection: Projection) -> None:
    tick = record(write_tick("tenure/retention", day(1)), customer=None, offset=0)
    assert {EVENTS_0: 1} == await projection.handle(tick)
    assert ({}, []) == (projection.store.customers, projection.letters())


async def test_an_unreadable_record_is_set_aside_whole_and_its_neighbours_go_on(projection: Projection) -> None:
    bad = record(b"\xff not json", offset=3)
    assert {EVENTS_0: 4} == await projection.handle(*THREE, bad)
    assert [("invalid-envelope", b"\xff not json")] == projection.letters()
    assert 3 == projection.store.customers["c-1"].view.purchases.count


async def test_a_dead_letter_says_where_it_stood(projection: Projection) -> None:
    await projection.handle(record(None, partition=1, offset=9))
    (letter,) = projection.broker.records(LETTERS)
    headers = dict(letter.headers)
    assert (b"customer.events", b"1", b"9") == (headers["topic"], headers["partition"], headers["offset"])


async def test_a_fact_with_unreadable_data_is_set_aside_and_its_sequence_counts(projection: Projection) -> None:
    raw = fact_bytes("retention", "c-1", 1, purchase(1), day(1)).replace(b'"amount_minor":1', b'"amount_minor":"x"')
    after = record(fact_bytes("retention", "c-1", 2, purchase(2), day(2)), offset=1)
    assert {EVENTS_0: 2} == await projection.handle(record(raw), after)
    assert [("invalid-data", raw)] == projection.letters()
    assert ["purchase-recorded", "purchase-recorded"] == projection.types()
    assert {"EUR": 2} == projection.store.customers["c-1"].view.purchases.spend


async def test_a_type_of_a_newer_release_stands_on_the_timeline_and_its_sequence_counts(projection: Projection) -> None:
    raw = fact_bytes("retention", "c-1", 1, purchase(1), day(1)).replace(b"purchase-recorded", b"gift-recorded")
    after = record(fact_bytes("retention", "c-1", 2, purchase(2), day(2)), offset=1)
    await projection.handle(record(raw), after)
    assert (["gift-recorded", "purchase-recorded"], []) == (projection.types(), projection.letters())


async def test_a_log_that_is_almost_wholly_unreadable_stops_the_reader(projection: Projection) -> None:
    with pytest.raises(RuntimeError, match="unreadable"):
        await projection.handle(*(record(b"junk", offset=n) for n in range(100)))
    assert [] == projection.letters()


async def test_a_gap_stops_its_partition_before_it(projection: Projection) -> None:
    with said_to_operators() as logs:
        assert {EVENTS_0: 2} == await projection.handle(THREE[0], record(None, offset=1), THREE[2])
    (line,) = [line for line in logs if line["event"] == "sequence_gap_found"]
    assert (CUSTOMER_EVENTS, 0, 2, "c-1", 2, 3) == tuple(
        line[name] for name in ("topic", "partition", "offset", "customer_id", "expected", "found")
    )


async def test_nothing_of_a_partition_with_a_gap_is_committed_any_more(projection: Projection) -> None:
    await projection.handle(THREE[0], THREE[2])
    more = numbered(told("retention", "c-2", (1, purchase(1))), start=3)
    assert {} == await projection.handle(*more)
    assert [EVENTS_0] == list(projection.reader.full())


async def test_other_partitions_go_on_beside_a_gap(projection: Projection) -> None:
    elsewhere = record(fact_bytes("retention", "c-2", 1, purchase(1), day(1)), customer="c-2", partition=1, offset=4)
    alert = record(fact_bytes(ANALYTICS, "c-1", 1, raised("c-1", 5), day(5)), topic=ALERTS)
    done = await projection.handle(THREE[0], THREE[2], elsewhere, alert)
    assert {EVENTS_0: 2, EVENTS_1: 5, ALERTS_0: 1} == done
    assert {"retention": 1, ANALYTICS: 1} == projection.store.customers["c-1"].last


async def test_of_two_gaps_in_a_partition_the_first_stops_it(projection: Projection) -> None:
    late = record(fact_bytes("retention", "c-2", 5, purchase(1), day(1)), customer="c-2", offset=9)
    early = record(fact_bytes("retention", "c-3", 5, purchase(1), day(1)), customer="c-3", offset=4)
    assert {EVENTS_0: 4} == await projection.handle(early, late)


async def test_a_process_with_a_gap_is_not_ready_and_says_why(projection: Projection) -> None:
    assert [] == projection.reader.standing_still()
    await projection.handle(THREE[0], THREE[2])
    (reason,) = projection.reader.standing_still()
    assert "customer.events/0 stands at offset 2: retention/c-1 goes on with 3 where 2 is expected" == reason


async def test_a_new_assignment_looks_again(projection: Projection) -> None:
    await projection.handle(THREE[0], THREE[2])
    assert {} == await projection.reader.assigned({0})
    assert {EVENTS_0: 3} == await projection.handle(*THREE)
    assert 3 == projection.store.customers["c-1"].view.purchases.count


class Interrupted(MemoryStore):
    """A store in which somebody else comes in between, once per entry of `before_load` and `before_save`."""

    def __init__(self) -> None:
        super().__init__()
        self.before_load: list[Callable[[], Awaitable[object]]] = []
        self.before_save: list[Callable[[], Awaitable[object]]] = []

    async def load(self, customers: Collection[str]) -> dict[str, Customer]:
        found = await super().load(customers)
        if self.before_load:  # what was loaded is old before it is handed over
            await self.before_load.pop()()
        return found

    async def save(self, changes: Sequence[Change]) -> set[str]:
        if self.before_save:
            await self.before_save.pop()()
        return await super().save(changes)


def beside(store: MemoryStore) -> Projection:
    """Another owner of the same customers, whom nobody interrupts."""
    return Projection(MemoryStore(store.customers, store.refs, store.pages))


async def test_a_gap_that_another_owner_has_filled_meanwhile_is_none() -> None:
    store = Interrupted()
    stale, owner = Projection(store), beside(store)
    store.before_load = [lambda: owner.handle(*THREE[:2])]
    assert {EVENTS_0: 3} == await stale.handle(THREE[2])
    assert (3, []) == (store.customers["c-1"].view.purchases.count, list(stale.reader.full()))


async def test_who_loses_a_save_takes_again_from_what_the_other_stored() -> None:
    store = Interrupted()
    stale, owner = Projection(store), beside(store)
    more = numbered(told("interaction", "c-1", (1, contact())), start=3)
    store.before_save = [lambda: owner.handle(*THREE, *more)]
    assert {EVENTS_0: 2} == await stale.handle(*THREE[:2])
    customer = store.customers["c-1"]
    assert ({"retention": 3, "interaction": 1}, 4) == (customer.last, len(customer.tail))


async def test_a_stale_owner_with_more_records_adds_only_what_is_missing() -> None:
    store = Interrupted()
    stale, owner = Projection(store), beside(store)
    store.before_save = [lambda: owner.handle(THREE[0])]
    await stale.handle(*THREE)
    assert ["purchase-recorded"] * 3 == stale.types()


async def test_who_loses_every_save_gives_the_batch_back() -> None:
    store = Interrupted()
    stale, owner = Projection(store), beside(store)
    others = numbered(told("interaction", "c-1", *((n, contact()) for n in range(9))))
    store.before_save = [partial(owner.handle, other) for other in reversed(others)]
    with pytest.raises(RuntimeError, match="another owner"):
        await stale.handle(*THREE)
    assert "retention" not in store.customers["c-1"].last


class Broken(MemoryStore):
    """A store that cannot be reached when something is to be saved."""

    async def save(self, changes: Sequence[Change]) -> set[str]:
        raise ConnectionError("the database is away")


async def test_a_store_that_fails_leaves_the_batch_to_be_read_again() -> None:
    with pytest.raises(ConnectionError):
        await Projection(Broken()).handle(*THREE)


async def test_a_thousand_customers_in_one_batch_are_taken(projection: Projection) -> None:
    many = numbered([r for n in range(1000) for r in told("retention", f"c-{n}", (1, purchase(n)))])
    assert {EVENTS_0: 1000} == await projection.handle(*many)
    assert 1000 == len(projection.store.customers)
