"""How customers of a partition come back: each as they were, and in hardly more memory than they take afterwards."""

import tracemalloc
from math import copysign

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.analytics.core import Core, Rules
from services.analytics.pages import FORMAT, MOST_IN_HAND, Pages
from services.analytics.state import NEVER, Customer
from tests.unit.attrition import purchase

MANY = 2_000


def pages() -> dict[int, bytes]:
    core = Core(Rules())
    for number in range(MANY):
        for n in range(3):
            core.observe(purchase(10 * n, customer=f"c-{number}"))
    return core.dump_pages(changed_only=False)


def test_whoever_is_taken_over_is_saved_as_before() -> None:
    saved, core = pages(), Core(Rules())
    core.load_pages(saved)
    assert saved == core.dump_pages(changed_only=False)


def test_what_has_never_come_up_takes_no_place_on_a_page() -> None:
    core = Core(Rules())
    core.observe(purchase(0))
    [page] = core.dump_pages(changed_only=False).values()
    _, _, [[_, fields]] = msgspec.msgpack.decode(page)
    assert len(fields) < len(Customer.__struct_fields__) - 1
    assert NEVER not in fields


def test_what_equals_a_default_and_is_not_the_same_comes_back_all_the_same() -> None:
    pages = Pages(Rules().version)
    pages.add(Customer("c-1", since=0, now=0, changes=(-0.0,) * 6))
    saved = pages.dump(changed_only=False)
    [c] = Pages(Rules().version).load(saved)
    assert {-1.0} == {copysign(1.0, strength) for strength in c.changes}


def test_strengths_are_kept_of_who_is_in_hand_and_of_who_is_not() -> None:
    pages, strengths = of_newcomers(2), (0.5, 1.0, 0.0, 2.25, 0.0, 11.0625)
    pages.dump(changed_only=True)
    one, other = pages.everybody()
    pages.add(one)
    for c in (one, other):
        pages.strengthen(c, strengths)
    one.rows = 3
    again = list(Pages(Rules().version).load(pages.dump(changed_only=True)))
    assert {(c.id, c.rows, c.changes) for c in again} == {(one.id, 3, strengths), (other.id, 0, strengths)}


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(("meet", "strengthen", "look", "save")), st.integers(0, 3)), max_size=30))
def test_what_is_saved_is_what_became_of_everybody_however_often_it_is_saved(steps: list[tuple[str, int]]) -> None:
    pages, became = of_newcomers(4), of_newcomers(4)
    for what, n in steps:
        who, strengths = f"c-{n:06}", (float(n), 1.0, 0.0, 0.0, 0.0, 2.0)
        if what == "meet":
            for of in (pages, became):
                met(of, who).rows += 1
        elif what == "strengthen":
            pages.strengthen(next(c for c in pages.everybody() if c.id == who), strengths)
            met(became, who).changes = strengths
        elif what == "look":
            assert list(pages.everybody()) == list(became.everybody())
        else:
            pages.dump(changed_only=True)
    assert pages.dump(changed_only=False) == became.dump(changed_only=False)


def test_customers_are_not_all_unpacked_at_once_to_be_taken_over() -> None:
    saved, taken = pages(), Pages(Rules().version)
    tracemalloc.start()
    for _ in taken.load(saved):
        pass
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.5 * kept, f"{peak:,} bytes at most for {kept:,} in format {FORMAT}"


def test_whoever_is_changed_while_everybody_is_looked_at_is_saved() -> None:
    pages, again = of_newcomers(3 * MOST_IN_HAND), Pages(Rules().version)
    pages.dump(changed_only=True)
    count_a_row_of_everybody(pages)
    assert [1] * 3 * MOST_IN_HAND == [c.rows for c in again.load(pages.dump(changed_only=True))]


def test_of_those_changed_in_a_look_at_everybody_only_so_many_are_unpacked_at_once() -> None:
    def at_most(number: int) -> int:
        pages = of_newcomers(number)
        pages.dump(changed_only=True)
        tracemalloc.start()
        count_a_row_of_everybody(pages)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    def most(number: int) -> int:
        """The least of some runs: the interpreter's own table of names is copied, now and then, while it grows."""
        return min(at_most(number) for _ in range(3))

    first, second, third = (most(times * MOST_IN_HAND) for times in (1, 2, 3))
    assert max(second - first, third - second) < first / 2


def met(pages: Pages, who: str) -> Customer:
    c = pages.get(who)
    assert c is not None
    return c


def count_a_row_of_everybody(pages: Pages) -> None:
    for looked_at in pages.everybody():
        met(pages, looked_at.id).rows += 1


def of_newcomers(number: int) -> Pages:
    pages = Pages(Rules().version)
    for n in range(number):
        pages.add(Customer(f"c-{n:06}", since=n, now=n))
    return pages
