"""One result a week out of the parts of all partitions: the same whoever is fast, however many there are."""

import random
from collections.abc import Iterator, Sequence

import msgspec
import pytest

from services.analytics.population.numbers import Numbers
from services.analytics.population.part import (
    MOST_ROWS,
    Part,
    Result,
    chosen,
    is_chosen,
    known_as_of,
    next_look,
    skipped,
)
from services.analytics.population.refit import LEAST_CUSTOMERS, Refit
from services.analytics.population.training import Training
from services.analytics.rules import Rules
from services.analytics.state import DAY, WEEK
from tests.unit.population import START, row

RULES = Rules()
FIRST = -(-START // 7) * WEEK  # the first week that begins in the time of the tests


def base(week: int, customers: int = 120) -> list[Numbers]:
    """As it is at a week: everybody's own gap, and every third stops after half a year."""
    today = week // DAY - START
    rows = []
    for n in range(customers):
        first, gap = n % 5, 3 + n % 29
        end = min(today - 1, 180 if n % 3 == 0 else today - 1)
        repeats = (end - first) // gap
        if today > first:
            last = first + repeats * gap
            opens = max(last - (last + START) % 7, first)
            opened = next(d for d in range(opens, last + 1) if (d - first) % gap == 0)
            rows.append(row(f"c-{n:04}", first, last, repeats, opened=opened))
    return rows


def parts(week: int, partitions: int, rows: Sequence[Numbers], *, is_first: bool) -> list[Part]:
    split = [[r for r in rows if int(r.customer[2:]) % partitions == n] for n in range(partitions)]
    samples = map(chosen, split)
    return [
        Part(RULES.name, RULES.digest, week, n, is_first, len(own), sample.one_in, sample.rows())
        for n, (own, sample) in enumerate(zip(split, samples, strict=True))
    ]


def weeks(number: int) -> Iterator[int]:
    return (FIRST + n * WEEK for n in range(1, number + 1))


def results(
    partitions: int, number: int, *, seed: int | None = None, twice: bool = False, empty: int = 0
) -> list[Result]:
    """Of so many weeks; `seed`: parts of two weeks come in any order, where partitions run ahead of one another;
    `empty`: so many weeks before them have nobody in them, and are not told."""
    refit, said = Refit(RULES, partitions), []
    ahead = [week - empty * WEEK for week in weeks(empty)]
    for n, week in enumerate([*ahead, *weeks(number)]):
        some = parts(week, partitions, [] if week in ahead else base(week), is_first=n == 0)
        some = some * 2 if twice else some
        if seed is not None:
            random.Random(seed + n).shuffle(some)
        for part in some:
            refit.take_part(part)
        result = refit.due()
        assert result is not None
        assert refit.due() == result, "until it is in the log"
        refit.take_result(result)
        said.append(result)
    return said[empty:]


def test_the_number_of_partitions_shows_nowhere() -> None:
    one = msgspec.json.encode(results(1, 20))
    assert one == msgspec.json.encode(results(4, 20)) == msgspec.json.encode(results(7, 20))


def test_weeks_before_the_first_customer_are_none_of_the_base() -> None:
    assert msgspec.json.encode(results(2, 20)) == msgspec.json.encode(results(2, 20, empty=5))


def test_copies_and_any_order_of_the_parts_change_nothing() -> None:
    assert msgspec.json.encode(results(4, 20)) == msgspec.json.encode(results(4, 20, seed=5, twice=True))


def test_a_base_that_has_been_seen_for_a_horizon_has_both_models() -> None:
    said = results(1, 20)
    assert said[0].model is not None
    assert (None, None) == (said[0].model.hazard, said[0].model.stack), "nothing is over yet"
    assert said[1].model is not None
    assert said[1].model.hazard is not None
    last = said[-1].model
    assert last is not None
    assert last.stack is not None
    assert last.week == said[-1].week


def test_a_base_is_fitted_to_every_week_in_its_first_year_and_then_every_fourth() -> None:
    said = results(1, 61)
    fitted = [n for n, result in enumerate(said) if result.model is not None and result.model.week == result.week]
    assert [*range(52), 52, 56, 60] == fitted


def test_few_customers_are_judged_by_the_published_figures() -> None:
    refit = Refit(RULES, 1)
    refit.take_part(Part(RULES.name, RULES.digest, FIRST, 0, True, 9, 1, base(FIRST + 9 * WEEK, LEAST_CUSTOMERS - 1)))
    result = refit.due()
    assert result is not None
    assert result.model is not None
    assert result.model.population == RULES.population


def test_a_week_is_waited_for_until_every_partition_has_spoken() -> None:
    refit = Refit(RULES, 2)
    one, two = parts(FIRST, 2, base(FIRST + WEEK), is_first=True)
    refit.take_part(one)
    assert refit.due() is None
    assert refit.missing() == (FIRST, [1])
    refit.take_part(two)
    assert refit.missing() is None
    assert refit.due() is not None


def test_a_partition_that_begins_later_was_empty_before() -> None:
    refit = Refit(RULES, 2)
    refit.take_part(Part(RULES.name, RULES.digest, FIRST, 0, True, 0, 1, []))
    refit.take_part(Part(RULES.name, RULES.digest, FIRST + 3 * WEEK, 1, True, 0, 1, []))
    result = refit.due()
    assert result is not None
    assert result.week == FIRST
    refit.take_result(result)
    assert refit.due() is None, "the first partition has not spoken of the second week"
    refit.take_part(Part(RULES.name, RULES.digest, FIRST + WEEK, 0, False, 0, 1, []))
    following = refit.due()
    assert following is not None
    assert following.week == FIRST + WEEK


def test_a_week_that_is_skipped_leaves_the_model_and_its_late_part_counts_for_nothing() -> None:
    refit = Refit(RULES, 2)
    for n, week in enumerate(weeks(3)):
        for part in parts(week, 2, base(week), is_first=n == 0):
            refit.take_part(part)
        result = refit.due()
        assert result is not None
        refit.take_result(result)
    skipped, following = FIRST + 4 * WEEK, FIRST + 5 * WEEK
    one, two = parts(skipped, 2, base(skipped), is_first=False)
    refit.take_part(one)
    decision = refit.skip()
    assert (decision.week, decision.model) == (skipped, None)
    refit.take_result(decision)
    refit.take_part(two)
    for part in parts(following, 2, base(following), is_first=False):
        refit.take_part(part)
    result = refit.due()
    assert result is not None
    assert result.week == following
    assert result.model is not None


def test_of_two_results_of_a_week_the_first_counts() -> None:
    refit = Refit(RULES, 1)
    (part,) = parts(FIRST, 1, base(FIRST + WEEK), is_first=True)
    refit.take_part(part)
    result = refit.due()
    assert result is not None
    refit.take_result(skipped(RULES, FIRST))
    refit.take_result(result)
    (part,) = parts(FIRST + WEEK, 1, base(FIRST + WEEK), is_first=False)
    refit.take_part(part)
    following = refit.due()
    assert following is not None
    assert following.model is not None
    assert following.model.hazard is None, "nothing has been learnt of the week that was given up"


def test_a_large_base_is_sampled_by_the_customer_whatever_the_partitions() -> None:
    many = [row(f"c-{n:06}", 0, 9, 3) for n in range(3 * MOST_ROWS)]
    whole = chosen(many)
    assert MOST_ROWS / 3 < len(whole.rows()) <= MOST_ROWS
    split = [chosen(r for n, r in enumerate(many) if n % 4 == k) for k in range(4)]
    together = chosen((r for one in split for r in one.rows()), max(one.one_in for one in split))
    assert (together.one_in, together.rows()) == (whole.one_in, whole.rows())
    assert all(is_chosen(r.customer, whole.one_in) for r in whole.rows())


def test_a_base_that_has_grown_is_sampled_alike_from_the_rows_that_it_used_before() -> None:
    many = [row(f"c-{n:06}", 0, 9, 3) for n in range(5 * MOST_ROWS)]
    before = chosen(many[: 2 * MOST_ROWS]).one_in
    assert before > 1
    split = [
        chosen((r for n, r in enumerate(many) if n % 4 == k and is_chosen(r.customer, before)), before)
        for k in range(4)
    ]
    together = chosen((r for one in split for r in one.rows()), max(one.one_in for one in split))
    assert (together.one_in, together.rows()) == (chosen(many).one_in, chosen(many).rows())


def test_what_came_of_a_customer_is_told_by_the_weeks_after() -> None:
    horizon = 10.0  # days: a week and three days
    training, week = Training(horizon), START + 28
    for n, last in enumerate([(0, 0), (0, 33), (37, 40)]):
        rows = [row("a", 0, last[0], 1), row("b", 0, last[1], 1, opened=last[1] if n < 2 else 40)]
        training = training.after(week + 7 * n, rows)
    first = training.snapshots[0]
    assert first.next_week is not None
    assert first.next_week.tolist() == [0.0, 1.0], "b came back on day 33"
    assert first.silent.tolist() == [False, False], "a came back on day 37, within ten days of day 28"
    assert first.is_over


@pytest.mark.parametrize("offset", [0, 1, WEEK - 1, DAY, 5 * DAY])
def test_a_result_counts_from_a_day_after_its_week_on(offset: int) -> None:
    look = next_look(FIRST + offset)
    assert look % WEEK == DAY
    assert FIRST + offset < look <= FIRST + offset + WEEK


def test_the_newest_model_up_to_a_week_is_in_force() -> None:
    said = {result.week: result for result in results(1, 3)}
    second, third = list(said)[1:]
    said[third] = skipped(RULES, third)
    assert known_as_of(said, third, RULES).model == said[second].model
    assert not known_as_of(said, FIRST - WEEK, RULES).model.is_fitted
