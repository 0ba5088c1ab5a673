"""What is remembered of one customer is constant in size, however long the history."""

import msgspec
import pytest

from services.analytics.core import AlertOut, Core, Rules
from services.analytics.state import HOUR
from shared.contracts.analytics import read_alert, read_risk
from tests.unit.attrition import BEGINNING, every, observation, play

CURRENCIES = ("EUR", "USD", "JPY", "CHF", "SEK")


@pytest.mark.parametrize("events", [8_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_state_does_not_grow_with_the_history(events: int) -> None:
    size = len(busy(events))
    assert size <= len(busy(800)) + 64
    assert size < 2_500  # an account with the most buyers and currencies there may be


def busy(events: int) -> bytes:
    """What is saved of one customer who does everything, four a day, for as long as that takes."""
    core, kinds = Core(Rules()), ("purchase", "contact", "enquiry", "complaint")
    for i in range(events):
        kind, at = kinds[i % 4], BEGINNING + i * 6 * HOUR
        bought = {"buyer": f"buyer {i % 41}", "amount_minor": 4_900, "currency": CURRENCIES[i % 5]}
        one = observation(kind, 0, evidence=f"crm|{10_000_000 + i}", **(bought if kind == "purchase" else {}))
        for said in core.observe(msgspec.structs.replace(one, at=at)):
            read_alert(said.value) if isinstance(said, AlertOut) else read_risk(said.value)
    [page] = core.dump_pages(changed_only=False).values()
    return page


def test_an_ordinary_customer_takes_less_than_a_kibibyte() -> None:
    core = Core(Rules())
    play(
        *(
            every(5, kind, 0, 500, evidence=f"crm|{'0' * 12}")
            for kind in ("purchase", "contact", "enquiry", "complaint")
        ),
        until=500,
        core=core,
    )
    assert sum(map(len, core.dump_pages(changed_only=False).values())) < 1024
