"""What a timeline and a customer view promise, whatever order the log came in."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import reduce

import hypothesis.strategies as st
import pytest
from hypothesis import given

from services.projection.cursors import BadCursor, read_cursor, write_cursor
from services.projection.ledger import PAGE_BYTES, PAGE_ENTRIES, Customer, Page, take
from services.projection.reading import read_timeline, read_view
from services.projection.records import read_arrival
from services.projection.store import MemoryStore
from services.projection.timeline import MAX_PAGE_CHARACTERS, Entry, Place, Query, place_of, short_name
from services.projection.view import View, evolve, fold, interpret
from shared.contracts.envelope import Unreadable, compact_json
from shared.contracts.generate import example
from shared.contracts.segments import SEGMENT_ALERT_TYPES
from shared.contracts.tick import write_tick
from shared.contracts.values import Stage, to_micros
from tests.stories import (
    ANALYTICS,
    a_story,
    contact,
    day,
    entries,
    purchase,
    raised,
    record,
    stage,
    told,
)

C = "c-1"


STORY = {producer: entries(records) for producer, records in a_story(C).items()}
WHOLE = [entry for said in STORY.values() for entry in said]


@st.composite
def merges(draw: st.DrawFn) -> list[Entry]:
    """The story in any merge of its producers, with whole stretches delivered again."""
    turns = draw(st.permutations([producer for producer, said in STORY.items() for _ in said]))
    left = {producer: iter(said) for producer, said in STORY.items()}
    merged = [next(left[producer]) for producer in turns]
    for _ in range(draw(st.integers(0, 3))):
        end = draw(st.integers(1, len(merged)))
        start = draw(st.integers(0, end - 1))
        merged[end:end] = merged[start:end]
    return merged


def batches(merged: Sequence[Entry], sizes: Sequence[int]) -> Customer:
    customer, start = Customer(C), 0
    for size in [*sizes, len(merged)]:
        customer = take(customer, merged[start : start + size]).customer
        start += size
    return customer


@given(merged=merges(), sizes=st.lists(st.integers(1, 9), max_size=9))
def test_view_and_timeline_do_not_depend_on_merge_redelivery_or_batches(merged: list[Entry], sizes: list[int]) -> None:
    customer = batches(merged, sizes)
    assert fold(View(), WHOLE) == customer.view
    assert Query().in_order(WHOLE) == Query().in_order(customer.tail)
    assert {producer: len(said) for producer, said in STORY.items()} == customer.last


def test_no_entries_give_the_empty_view() -> None:
    assert View() == fold(View(), [])


def test_copies_change_nothing_and_are_named() -> None:
    customer = batches(WHOLE, [])
    again = take(customer, WHOLE)
    assert customer is again.customer
    assert tuple(WHOLE) == again.copies
    assert not again.is_news


def test_a_gap_stops_its_producer_and_no_other() -> None:
    retention, interaction_ = STORY["retention"], STORY["interaction"]
    taken = take(Customer(C), [retention[0], retention[2], retention[1], interaction_[0], retention[3]])
    assert (retention[2],) == taken.gaps
    assert {"retention": 2, "interaction": 1} == taken.customer.last


def test_entries_at_one_time_stand_with_causes_before_what_follows_from_them() -> None:
    same_day = [
        *entries(told("acquisition", C, (1, stage(Stage.ADOPTION)))),
        *entries(told("retention", C, (1, purchase(1)))),
    ]
    assert ["retention", "acquisition"] == [entry.producer for entry in Query().in_order(same_day)]


def test_an_entry_of_an_unknown_type_is_counted_and_changes_nothing_else() -> None:
    entry = Entry(1, "retention", 1, "tenure.newer.v9", "{}")
    assert interpret(entry) is None
    assert View(counts={"tenure.newer.v9": 1}) == fold(View(), [entry])


def test_an_entry_with_unreadable_data_stays_on_the_timeline_and_says_why() -> None:
    entry = Entry(1, "retention", 1, "tenure.purchase-recorded.v1", '{"currency":"EUR"}')
    taken = take(Customer(C), [entry])
    assert (entry,) == taken.customer.tail
    assert ["data.amount_minor"] == [p.path for _, error in taken.unclear for p in error.problems]
    assert 0 == taken.customer.view.purchases.count


def test_evolving_one_by_one_is_folding() -> None:
    assert fold(View(), WHOLE) == reduce(lambda view, entry: evolve(view, entry, interpret(entry)), WHOLE, View())


def test_a_page_is_full_at_its_number_of_entries() -> None:
    taken = take(Customer(C), many(250))
    assert ([PAGE_ENTRIES, PAGE_ENTRIES], 50) == ([p.ref.count for p in taken.change.pages], len(taken.customer.tail))


def test_a_page_is_full_at_its_number_of_bytes() -> None:
    large = [replace_data(entry, "x" * (PAGE_BYTES // 2 - 2)) for entry in many(5)]
    assert [2, 2] == [p.ref.count for p in take(Customer(C), large).change.pages]


@given(sizes=st.lists(st.integers(1, 120), max_size=8))
def test_pages_do_not_depend_on_batches(sizes: list[int]) -> None:
    customer, left = Customer(C), MANY
    pages: list[Page] = []
    for size in [*sizes, len(MANY)]:
        taken = take(customer, left[:size])
        customer, left = taken.customer, left[size:]
        pages += taken.change.pages
    assert take(Customer(C), MANY).change.pages == tuple(pages)


def many(count: int) -> list[Entry]:
    """Of two producers, every seventh told late by a fortnight or more."""
    facts = [(n if n % 7 else n // 2 - 14, purchase(n)) for n in range(count)]
    mixed = (
        entries(told("retention", C, *facts[::2])),
        entries(told("interaction", C, *((d, contact()) for d, _ in facts[1::2]))),
    )
    return [entry for pair in zip(*mixed, strict=False) for entry in pair] + mixed[0][len(mixed[1]) :]


MANY = many(350)


def replace_data(entry: Entry, words: str) -> Entry:
    return Entry(entry.at, entry.producer, entry.sequence, entry.type, f'"{words}"')


async def stored(count: int) -> tuple[MemoryStore, list[Entry]]:
    store, told_ = MemoryStore(), many(count)
    await store.save([take(Customer(C), told_).change])
    return store, told_


async def read_all(store: MemoryStore, query: Query) -> list[Entry]:
    read: list[Entry] = []
    while True:
        found = await read_timeline(store, C, query)
        assert found is not None
        read += found.entries
        if found.after is None:
            return read
        assert query.limit == len(found.entries)
        query = replace(query, after=read_cursor(write_cursor(found.after), Place))


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("limit", [1, 7, 100, 1000])
async def test_pages_of_any_size_give_the_whole_timeline_in_order(limit: int, newest_first: bool) -> None:
    store, told_ = await stored(1234 if limit > 1 else 130)
    query = Query(limit=limit, newest_first=newest_first)
    assert sorted(told_, key=place_of, reverse=newest_first) == await read_all(store, query)


@pytest.mark.parametrize("size", [MAX_PAGE_CHARACTERS // 10, MAX_PAGE_CHARACTERS + 1])
async def test_a_page_of_large_entries_has_fewer_of_them_and_still_leads_on(size: int) -> None:
    store, large = MemoryStore(), [replace_data(entry, "x" * (size - 2)) for entry in many(25)]
    await store.save([take(Customer(C), large).change])
    read: list[Entry] = []
    query = Query(limit=1000)
    while (found := await read_timeline(store, C, query)) is not None and found.after is not None:
        assert max(1, MAX_PAGE_CHARACTERS // size) == len(found.entries)
        read += found.entries
        query = replace(query, after=found.after)
    assert found is not None
    assert sorted(large, key=place_of) == [*read, *found.entries]


async def test_a_cursor_goes_on_where_it_was_although_more_was_told_since() -> None:
    store, told_ = await stored(300)
    first = await read_timeline(store, C, Query(limit=100))
    assert first is not None
    late = entries(told("acquisition", C, (0, stage(Stage.ENQUIRY)), (299, stage(Stage.ADOPTION))))
    await store.save([take(store.customers[C], late).change])
    rest = await read_all(store, Query(after=first.after))
    expected = sorted([*told_, late[1]], key=place_of)[100:]
    assert [entry for entry in expected if entry is not late[0]] == rest


async def test_a_period_begins_with_its_first_instant_and_ends_before_its_last() -> None:
    store, told_ = await stored(300)
    since, until = to_micros(day(100)), to_micros(day(200))
    expected = [entry for entry in sorted(told_, key=place_of) if since <= entry.at < until]
    assert expected == await read_all(store, Query(since=since, until=until))


async def test_as_of_shows_nothing_that_happened_after_it() -> None:
    store, told_ = await stored(300)
    as_of = to_micros(day(150))
    expected = [entry for entry in sorted(told_, key=place_of) if entry.at <= as_of]
    assert expected == await read_all(store, Query(as_of=as_of))


async def test_the_view_as_of_an_instant_is_the_fold_of_what_had_happened() -> None:
    store, told_ = await stored(300)
    as_of = to_micros(day(150))
    assert fold(View(), [e for e in told_ if e.at <= as_of]) == await read_view(store, C, as_of)


@pytest.mark.parametrize("name", ["purchase-recorded", "tenure.purchase-recorded.v1"])
async def test_a_type_is_found_by_its_short_and_its_full_name(name: str) -> None:
    store, told_ = await stored(300)
    read = await read_all(store, Query(types=frozenset({name}), limit=10))
    assert [e for e in sorted(told_, key=place_of) if e.producer == "retention"] == read


async def test_an_unknown_customer_has_neither_timeline_nor_view() -> None:
    assert (None, None) == (await read_timeline(MemoryStore(), "x", Query()), await read_view(MemoryStore(), "x", None))


@given(st.text(max_size=30))
def test_a_word_that_is_no_cursor_is_refused_or_read(word: str) -> None:
    try:
        place = read_cursor(word, Place)
    except BadCursor:
        return
    assert place == read_cursor(write_cursor(place), Place)


def test_a_fact_is_read_with_the_event_that_it_records() -> None:
    (entry,) = entries(told("retention", "a/b", (1, purchase(1999))))
    assert ("retention/a/b/1", "tenure/retention", "web-shop|retention-1") == (
        entry.id("a/b"),
        entry.source,
        entry.input,
    )
    assert '{"import":false,"amount_minor":1999,"currency":"EUR"}' == entry.data


def test_an_alert_is_read_under_its_rules() -> None:
    (entry,) = entries(told(ANALYTICS, C, (5, raised(C, 5))))
    assert (ANALYTICS, "tenure/analytics", 1) == (entry.producer, entry.source, entry.sequence)


def test_what_is_said_of_a_partition_is_on_no_timeline() -> None:
    tick = record(write_tick("tenure/retention", day(1)), customer=None)
    rules = record(b'{"type":"tenure.rules-activated.v1","data":{}}', customer=None)
    assert [] == entries([tick, rules])


@pytest.mark.parametrize("type_", SEGMENT_ALERT_TYPES)
def test_what_is_said_of_a_segment_is_on_no_timeline(type_: str) -> None:
    assert [] == entries([record(compact_json(example(type_)), customer="segment/B")])


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with suppress(Unreadable):
        read_arrival(record(raw))


@pytest.mark.parametrize(
    "raw",
    [
        None,
        b"",
        b"[1]",
        b"{}",
        b'{"type":"tenure.purchase-recorded.v1","id":"retention/c-1/1","source":"tenure/retention","subject":"c-1"}',
        b'{"type":"x","id":"other/c-1/1","source":"tenure/retention","subject":"c-1","time":"2026-01-01T00:00:00Z","sequence":"1"}',
        b'{"type":"x","id":"retention/c-1/0","source":"tenure/retention","subject":"c-1","time":"2026-01-01T00:00:00Z","sequence":"0"}',
        b'{"type":"x","id":"retention/c-1/1","source":"tenure/retention","subject":"c-1","time":"2026-01-01","sequence":"1"}',
        b'{"type":"x","data":' + b"[" * 100_000,
    ],
)
def test_a_record_that_cannot_be_placed_is_unreadable(raw: bytes | None) -> None:
    with pytest.raises(Unreadable):
        read_arrival(record(raw))


def test_short_names_are_the_words_between_owner_and_version() -> None:
    assert ("purchase-recorded", "odd") == (short_name("tenure.purchase-recorded.v1"), short_name("odd"))
