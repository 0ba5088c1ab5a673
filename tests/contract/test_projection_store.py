"""What the projection's memory promises, in this process and on MongoDB."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.projection import mongo_store
from services.projection.ledger import PAGE_ENTRIES, Change, Customer, take
from services.projection.mongo_store import MongoStore
from services.projection.records import read_arrival
from services.projection.store import AlertPlace, MemoryStore, TimelineStore
from services.projection.timeline import Entry
from services.projection.view import View, fold
from shared.contracts.analytics import Sign
from shared.contracts.measures import FIRST_OF_CATALOGUE
from shared.mongo import Database
from tests.stories import ANALYTICS, Told, cleared, measures, purchase, raised, told

ODD_IDS = ["a/b", "a.b", "$set", "ä ö", "c?x=1#y", "x" * 128, "日本", "a\u00a0b"]


@pytest.fixture
async def timelines(database: Database | None) -> TimelineStore:
    if database is None:
        return MemoryStore()
    store = MongoStore(database)
    await store.prepare()
    return store


def said(producer: str, customer: str, *facts: Told, first: int = 1) -> list[Entry]:
    arrivals = [read_arrival(r) for r in told(producer, customer, *facts, first=first)]
    return [arrival.entry for arrival in arrivals if arrival is not None]


def purchases(customer: str, count: int, *, first: int = 1) -> list[Entry]:
    return said("retention", customer, *((n, purchase(n)) for n in range(first, first + count)), first=first)


async def tell(store: TimelineStore, customer: str, entries: Sequence[Entry]) -> Change:
    change = take((await store.load([customer]))[customer], entries).change
    assert set() == await store.save([change])
    return change


async def test_an_unknown_customer_is_loaded_empty_and_not_found(timelines: TimelineStore) -> None:
    assert {"c-1": Customer("c-1")} == await timelines.load(["c-1"])
    assert await timelines.find("c-1") is None


async def test_what_is_saved_is_loaded(timelines: TimelineStore) -> None:
    change = await tell(timelines, "c-1", [*purchases("c-1", 3), *said(ANALYTICS, "c-1", (5, raised("c-1", 5)))])
    assert {"c-1": change.customer} == await timelines.load(["c-1"])


async def test_a_second_save_of_a_customer_works(timelines: TimelineStore) -> None:
    await tell(timelines, "c-1", purchases("c-1", 2))
    change = await tell(timelines, "c-1", purchases("c-1", 2, first=3))
    assert (2, {"retention": 4}) == (change.customer.rev, change.customer.last)
    assert {"c-1": change.customer} == await timelines.load(["c-1"])


async def test_of_two_owners_the_later_one_is_told_and_nothing_of_it_counts(timelines: TimelineStore) -> None:
    seen = (await timelines.load(["c-1"]))["c-1"]
    first, second = take(seen, purchases("c-1", 2)).change, take(seen, purchases("c-1", 250)).change
    other = take(Customer("c-2"), purchases("c-2", 1)).change
    assert set() == await timelines.save([first])
    assert {"c-1"} == await timelines.save([second, other])
    found = await timelines.find("c-1")
    assert found is not None
    assert (first.customer, []) == (found[0], list(found[1]))
    assert {"c-2": other.customer} == await timelines.load(["c-2"])


async def test_a_stale_owner_is_told_also_when_the_revision_is_far_ahead(timelines: TimelineStore) -> None:
    stale = (await tell(timelines, "c-1", purchases("c-1", 1))).customer
    await tell(timelines, "c-1", purchases("c-1", 1, first=2))
    await tell(timelines, "c-1", purchases("c-1", 1, first=3))
    assert {"c-1"} == await timelines.save([take(stale, purchases("c-1", 9, first=2)).change])


async def test_full_pages_are_listed_in_order_and_read_as_they_were(timelines: TimelineStore) -> None:
    entries = purchases("c-1", 350)
    pages = [
        p for start in range(0, 350, 90) for p in (await tell(timelines, "c-1", entries[start : start + 90])).pages
    ]
    found = await timelines.find("c-1")
    assert found is not None
    customer, refs = found
    assert [page.ref for page in pages] == list(refs)
    read = await timelines.read_pages([ref.id for ref in refs])
    assert entries == [*(e for ref in refs for e in read[ref.id]), *customer.tail]
    assert PAGE_ENTRIES == len(read[refs[0].id])


async def test_pages_of_a_save_that_was_lost_are_on_no_list(timelines: TimelineStore) -> None:
    entries = purchases("c-1", 300)
    lost = take(Customer("c-1"), entries).change
    await tell(timelines, "c-1", entries[:150])
    assert {"c-1"} == await timelines.save([lost])
    await tell(timelines, "c-1", entries[150:])
    found = await timelines.find("c-1")
    assert found is not None
    read = await timelines.read_pages([ref.id for ref in found[1]])
    assert entries == [*(e for ref in found[1] for e in read[ref.id]), *found[0].tail]


async def test_a_page_that_is_not_there_is_an_error(timelines: TimelineStore) -> None:
    with pytest.raises(KeyError):
        await timelines.read_pages(["c-1/0/none"])


@pytest.mark.parametrize("customer", ODD_IDS)
async def test_any_customer_id_is_kept(timelines: TimelineStore, customer: str) -> None:
    change = await tell(timelines, customer, purchases(customer, 150))
    found = await timelines.find(customer)
    assert found is not None
    assert (change.customer, [change.pages[0].ref]) == (found[0], list(found[1]))


async def test_any_json_is_kept_exactly(timelines: TimelineStore) -> None:
    data = '{"a.b":1,"$c":123456789012345678901234567890,"":"\\u0000 ä","deep":[[1.10]]}'
    change = await tell(timelines, "c-1", [Entry(-1, "retention", 1, "tenure.newer.v1", data)])
    assert data == (await timelines.load(["c-1"]))["c-1"].tail[0].data
    assert {"c-1": change.customer} == await timelines.load(["c-1"])


async def test_sums_beyond_64_bits_are_kept(timelines: TimelineStore) -> None:
    huge = replace(Customer("c-1"), rev=1, view=View(counts={"x": 2**70}))
    assert set() == await timelines.save([Change(huge)])
    assert {"c-1": huge} == await timelines.load(["c-1"])


async def test_many_customers_are_saved_and_loaded_at_once(timelines: TimelineStore) -> None:
    changes = [take(Customer(f"c-{n}"), purchases(f"c-{n}", 2)).change for n in range(500)]
    assert set() == await timelines.save(changes)
    loaded = await timelines.load([f"c-{n}" for n in range(501)])
    assert {**{c.customer.id: c.customer for c in changes}, "c-500": Customer("c-500")} == loaded
    assert 500 == len([view async for view in timelines.views()])


async def test_nothing_to_save_is_saved(timelines: TimelineStore) -> None:
    assert set() == await timelines.save([])


async def test_customers_are_listed_in_order_from_a_place_on(timelines: TimelineStore) -> None:
    for customer in ("b", "a-2", "a-1", "a", "ä"):
        await tell(timelines, customer, purchases(customer, 1))
    assert ["a", "a-1", "a-2", "b", "ä"] == await timelines.list_customers(limit=10)
    assert ["a-1", "a-2"] == await timelines.list_customers(after="a", limit=2)
    assert ["a-1", "a-2"] == await timelines.list_customers(prefix="a-", limit=10)
    assert ["a-2"] == await timelines.list_customers(prefix="a-", after="a-1", limit=10)


async def alerted(store: TimelineStore, **values: int) -> None:
    for customer, value in values.items():
        alert = raised(customer, 5, value_minor=value, sign=Sign.VOLUME_DECLINE if value % 2 else Sign.CONTACT_DECLINE)
        await tell(store, customer, said(ANALYTICS, customer, (5, alert)))


async def test_open_alerts_are_listed_the_most_valuable_first(timelines: TimelineStore) -> None:
    await alerted(timelines, a=5, b=7, c=7, d=8)
    assert ["d", "b", "c", "a"] == [row.customer for row in await timelines.open_alerts(limit=10)]


async def test_open_alerts_go_on_behind_a_place(timelines: TimelineStore) -> None:
    await alerted(timelines, a=5, b=7, c=7, d=8)
    rows = await timelines.open_alerts(after=AlertPlace(7, "b"), limit=1)
    assert ["c"] == [row.customer for row in rows]


async def test_open_alerts_are_found_by_sign(timelines: TimelineStore) -> None:
    await alerted(timelines, a=5, b=6, c=7)
    rows = await timelines.open_alerts(sign="volume_decline", limit=10)
    assert ["c", "a"] == [row.customer for row in rows]


async def test_open_alerts_are_told_apart_by_who_was_declared_lost(timelines: TimelineStore) -> None:
    await alerted(timelines, a=5, b=7)
    await tell(timelines, "c", said(ANALYTICS, "c", (5, raised("c", 5, value_minor=6, is_declared=True))))

    async def listed(lapse_declared: bool | None) -> list[str]:
        return [row.customer for row in await timelines.open_alerts(lapse_declared=lapse_declared, limit=10)]

    assert ["b", "c", "a"] == await listed(None)
    assert (["c"], ["b", "a"]) == (await listed(True), await listed(False))


async def test_a_cleared_alert_is_not_open(timelines: TimelineStore) -> None:
    await alerted(timelines, a=5, b=7)
    await tell(timelines, "b", said(ANALYTICS, "b", (9, cleared("b", 9)), first=2))
    rows = await timelines.open_alerts(limit=10)
    assert [("a", (await timelines.load(["a"]))["a"].view.alert)] == [(row.customer, row.alert) for row in rows]


async def test_a_stale_owner_does_not_bring_back_a_cleared_alert(timelines: TimelineStore) -> None:
    alerts = said(ANALYTICS, "a", (5, raised("a", 5)), (9, cleared("a", 9)))
    await tell(timelines, "a", alerts)
    assert {"a"} == await timelines.save([take(Customer("a"), alerts[:1]).change])
    assert [] == await timelines.open_alerts(limit=10)


async def test_a_catalogue_of_measures_is_kept_and_is_no_customer(timelines: TimelineStore) -> None:
    await tell(timelines, FIRST_OF_CATALOGUE, said("retention", FIRST_OF_CATALOGUE, (1, measures("a call"))))
    neighbours = ["measurer", "measures.", "measures0"]
    for customer in neighbours:
        await tell(timelines, customer, purchases(customer, 1))
    assert neighbours == await timelines.list_customers(prefix="measure", limit=10)
    assert ["measures.", "measures0"] == await timelines.list_customers(after="measurer", limit=10)
    assert len(neighbours) == len([view async for view in timelines.views()])
    assert await timelines.find(FIRST_OF_CATALOGUE) is not None


async def test_views_of_an_older_release_are_folded_anew(
    timelines: TimelineStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = purchases("c-1", 250)
    change = await tell(timelines, "c-1", entries)
    monkeypatch.setattr(mongo_store, "VERSION", "of the next release")
    assert {"c-1": change.customer} == await timelines.load(["c-1"])
    assert [fold(View(), entries)] == [view async for view in timelines.views()]
