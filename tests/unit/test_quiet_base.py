"""Silence is told of within an hour of its becoming a sign, and dated to the minute, of ten quiet customers as of a
million."""

import pytest

from services.analytics.core import AlertOut, Core, Rules
from services.analytics.risk import expected_gap_days, risk
from services.analytics.state import DAY, HOUR
from shared.contracts.analytics import Sign, read_alert
from shared.contracts.values import to_micros
from tests.unit.attrition import day, purchase

RULES = Rules()
INSTANTS = 24  # of the grid, from the first at which anything falls due
SECOND, MINUTE = HOUR // 3600, HOUR // 60
SAVED_EVERY = 50_000  # customers


def occasions(number: int) -> tuple[float, float]:
    """The days on which a customer has bought; no two of the base on the same ones."""
    first = 0.1 + number * 0.618034 % 1 * 20
    return first, first + 2 + number * 0.414214 % 1 * 5


def base_of(quiet: int) -> Core:
    core = Core(RULES)
    for number in range(quiet):
        for when in occasions(number):
            core.observe(purchase(when, customer=str(number)))
        if number % SAVED_EVERY == 0:
            core.dump_pages(changed_only=True)
    core.dump_pages(changed_only=True)
    return core


def instants(core: Core) -> range:
    due = core.next_due()
    assert due is not None, "everybody is silent by then"
    first = -(-due // HOUR) * HOUR
    return range(first, first + INSTANTS * HOUR, HOUR)


def is_a_sign(number: int, at: int) -> bool:
    """The silence of a customer, by its definition: long enough, and likelier to go on than not."""
    first, last = (day(when) for when in occasions(number))
    tx, age, p = (last - first) / DAY, (at - first) / DAY, RULES.population
    long = max(RULES.silent_share * RULES.horizon_days, RULES.silent_gaps * expected_gap_days(p, 1, tx))
    return age - tx >= long and risk(p, 1, tx, age, RULES.horizon_days) >= RULES.risk_raise


@pytest.mark.parametrize("quiet", [10, 2_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_silence_is_told_of_at_the_first_instant_of_the_grid_after_it_has_become_a_sign(quiet: int) -> None:
    core = base_of(quiet)
    looked_at = instants(core)
    told = [(at, read_alert(said.value)) for at in looked_at for said in core.advance(at) if isinstance(said, AlertOut)]
    assert {int(alert.subject) for _, alert in told} == {n for n in range(quiet) if is_a_sign(n, looked_at[-1])}
    for seen, alert in told:
        at, number = to_micros(alert.data.as_of), int(alert.subject)
        assert seen - HOUR < at <= seen
        assert {proof.sign for proof in alert.data.signs} == {Sign.ATTRITION}
        assert is_a_sign(number, at + SECOND)
        assert not is_a_sign(number, at - MINUTE)
