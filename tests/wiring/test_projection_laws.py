"""Whatever fails, however often the log is delivered: one story comes out."""

from itertools import chain

import hypothesis.strategies as st
from hypothesis import given

from services.projection.records import read_arrival
from services.projection.store import MemoryStore
from services.projection.timeline import Query
from services.projection.view import View, fold
from shared.memory_broker import MemoryRecord
from tests.stories import a_story, numbered
from tests.wiring.test_projection import Projection

STORY = {producer: list(records) for producer, records in a_story("c-1").items()}
EXPECTED = fold(View(), [arrival.entry for r in chain(*STORY.values()) if (arrival := read_arrival(r))])


@st.composite
def logs(draw: st.DrawFn) -> list[MemoryRecord]:
    """The story as it may stand in the log: any merge of the producers, stretches of it published twice."""
    turns = draw(st.permutations([producer for producer, said in STORY.items() for _ in said]))
    left = {producer: iter(said) for producer, said in STORY.items()}
    merged = [next(left[producer]) for producer in turns]
    for _ in range(draw(st.integers(0, 2))):
        end = draw(st.integers(1, len(merged)))
        start = draw(st.integers(0, end - 1))
        merged[end:end] = merged[start:end]
    return numbered(merged)


@given(log=logs(), sizes=st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=12))
async def test_crashes_redelivery_and_owners_in_turn_leave_one_story(
    log: list[MemoryRecord], sizes: list[tuple[int, bool]]
) -> None:
    """A crash: saved, but the offsets were not committed, and another owner reads the batch again."""
    store, start = MemoryStore(), 0
    for size, crashed in [*sizes, (len(log), True), (len(log), False)]:
        await Projection(store).handle(*log[start : start + size])
        start += 0 if crashed else size
    customer = store.customers["c-1"]
    assert EXPECTED == customer.view
    assert Query().in_order(set(customer.tail)) == Query().in_order(customer.tail)
    assert sum(map(len, STORY.values())) == len(customer.tail)
