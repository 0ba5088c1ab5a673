"""Whatever was counted, the factors of a change of pace are figures, and point the right way."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.analytics.pace import (
    Before,
    Prior,
    Split,
    Table,
    Tickets,
    Weeks,
    before,
    begun_afresh,
    changed_by,
    fall_of,
    mean_of,
    smaller,
    summed,
)
from services.analytics.state import RING_WEEKS

RATIOS = (0.05, 0.25, 0.5, 0.75, 4.0, 9.0)
DECLINES = tuple(ratio for ratio in RATIOS if ratio < 1)
counts = st.integers(0, 10**6)
lengths = st.one_of(st.just(0.0), st.floats(0, 20))
priors = st.builds(Prior, st.floats(1e-3, 1e3), st.floats(1e-3, 1e5), st.floats(0, 2))
columns = st.lists(st.tuples(counts, lengths), min_size=RING_WEEKS, max_size=RING_WEEKS)
earlier = st.tuples(counts, st.floats(0, 1e4))
ratios = st.sampled_from(RATIOS)
windows = st.integers(1, RING_WEEKS - 1)

Week = tuple[float, float]  # events, days


def counted(weeks: Sequence[Week], older: Week, prior: Prior) -> Before:
    """One customer: the newest weeks, and all before them together."""
    events, days = (np.array([column], dtype=np.float64) for column in zip(*weeks, strict=True))
    return before(Weeks(events, events.sum(axis=1) + older[0]), Weeks(days, days.sum(axis=1) + older[1]), prior)


def is_figure(*tables: Table) -> bool:
    """Neither NaN nor +inf; -inf is the logarithm of what cannot be."""
    return all(bool((table < np.inf).all()) for table in tables)


@given(columns, earlier, priors)
def test_no_count_makes_a_factor_that_is_no_figure(weeks: list[Week], older: Week, prior: Prior) -> None:
    b = counted(weeks, older, prior)
    assert is_figure(b.events, b.days, b.length, b.seen)
    assert (b.events > 0).all()
    assert (b.days > 0).all()
    factors = [*(changed_by(b, ratio) for ratio in RATIOS), begun_afresh(b)]
    assert np.isfinite(factors).all()
    told = np.where(b.is_known, mean_of(factors), -np.inf)
    assert is_figure(mean_of(factors), told, summed(told))


sizes = st.floats(-50, 50)
splits = st.lists(st.tuples(sizes, counts, sizes, counts, st.floats(0, 1e6)), min_size=1, max_size=RING_WEEKS)
laws = st.builds(Tickets, sizes, st.floats(0.01, 100), st.floats(0.01, 100), st.floats(5, 104))
LAW = Tickets(8.0, 0.4, 0.3, 20.0)


def split(*windows: tuple[float, float, float, float, float]) -> Split:
    return Split(*(np.array([column], dtype=np.float64) for column in zip(*windows, strict=True)))


@given(splits, laws, st.floats(0, 5))
def test_no_size_makes_a_factor_that_is_no_figure(
    seen: list[tuple[float, int, float, int, float]], law: Tickets, by: float
) -> None:
    t = split(*seen)
    factors = smaller(fall_of(t, law), by)
    assert np.isfinite(factors).all()
    assert (factors[t.number == 0] == 0).all(), "nothing to compare says nothing"


@given(st.floats(0, 3), st.integers(1, 50), st.integers(1, 50))
def test_a_usual_ticket_of_the_base_proves_the_more_the_longer_a_customer_has_bought_for_more(
    above: float, bought: int, more: int
) -> None:
    as_usual = [(8.0, 1, 8 + above, number, LAW.within * (number - 1)) for number in (bought, bought + more)]
    [[few, many]] = smaller(fall_of(split(*as_usual), LAW), 0.5)
    assert many >= few or few < 0


@given(st.floats(0.5, 3), st.integers(1, 10), st.integers(1, 50), st.floats(0, 10), st.floats(0, 10))
def test_a_fall_proves_the_less_the_more_unequal_tickets_have_always_been(
    fall: float, number: int, earlier: int, squares: float, more: float
) -> None:
    fallen = [(8 - fall, number, 8.0, earlier, all_squares) for all_squares in (squares, squares + more)]
    [[equal, unequal]] = smaller(fall_of(split(*fallen), LAW), 0.5)
    assert 0 <= unequal <= equal


@given(st.lists(st.one_of(st.just(-np.inf), st.floats(-1e6, 1e6)), min_size=1, max_size=RING_WEEKS))
def test_a_sum_over_windows_lies_between_the_greatest_factor_and_as_many_of_it(factors: list[float]) -> None:
    most, told = max(factors), summed(np.array([factors]))[0]
    assert most <= told + 1e-9
    assert told <= most + np.log(len(factors)) + 1e-9


@given(columns, earlier, priors, windows, ratios, st.data())
def test_the_order_of_weeks_before_a_window_does_not_matter(
    weeks: list[Week], older: Week, prior: Prior, window: int, ratio: float, data: st.DataObject
) -> None:
    mixed = [*weeks[:window], *data.draw(st.permutations(weeks[window:]))]
    one, other = (counted(some, older, prior) for some in (weeks, mixed))
    for of in (lambda b: changed_by(b, ratio), begun_afresh):
        np.testing.assert_allclose(of(one)[0, :window], of(other)[0, :window], rtol=1e-9, atol=1e-6)


@given(columns, earlier, priors, windows, st.sampled_from(DECLINES), st.integers(1, 1000), st.data())
def test_more_events_in_a_window_never_speak_for_a_decline(
    weeks: list[Week], older: Week, prior: Prior, window: int, ratio: float, more: int, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, window - 1))
    fuller = [(events + more * (n == place), days) for n, (events, days) in enumerate(weeks)]
    less, said = (changed_by(counted(some, older, prior), ratio)[0, window - 1] for some in (weeks, fuller))
    assert said <= less + 1e-9 * (1 + abs(less))
