"""What is remembered of one customer is constant in size: however long the history, and whatever the ids, as long as
the contracts allow them."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.analytics.core import AlertOut, Core, Observation, Rules
from services.analytics.record import KEPT
from services.analytics.state import DAY, HOUR, MAX_BUYERS, MAX_WALLETS
from shared.contracts.analytics import MAX_EVIDENCE, read_alert, read_risk
from shared.contracts.values import MAX_CUSTOMER_ID, MAX_ID, CustomerId, EventId, Name, Source
from tests.unit.attrition import BEGINNING, every, observation, play
from tests.unit.sequences import YEAR_1, YEAR_9999

CURRENCIES = ("EUR", "USD", "JPY", "CHF", "SEK")
MAX_NAME = 128  # characters of a segment or a buyer
WIDEST = 4  # bytes of a character, as UTF-8
HEAD = 5  # bytes at most that say that a text follows, and how long it is
EVIDENCE = HEAD + WIDEST * (2 * MAX_ID + 1)  # `<source>|<id>`
KEPT_IDS = 3 * KEPT + MAX_EVIDENCE + MAX_BUYERS + 1  # of contacts, enquiries, purchases; complaints; buyers; the lapse
TEXTS = KEPT_IDS * EVIDENCE + 2 * HEAD + WIDEST * (MAX_CUSTOMER_ID + MAX_NAME)
MOST_TEXTS = KEPT_IDS + 2 + MAX_WALLETS + 2 + 2  # customer, segment; currencies; the cause, and the name of the rules
NUMBERS = 2_048  # bytes for everything else
MOST = TEXTS + NUMBERS


def text(number: int, length: int, filling: str) -> str:
    """One of many, as long as it may be."""
    return f"{number:x}".ljust(length, filling)


@st.composite
def observations(draw: st.DrawFn) -> list[Observation]:
    """What one customer does, in rounds that come again and again, each event with an id of its own."""
    filling = draw(st.sampled_from(("x", "ü", "€", "\U0001f600")))
    kinds = st.sampled_from(("purchase", "purchase", "contact", "enquiry", "complaint", "complaint", "lapse"))
    one_round = draw(st.lists(st.tuples(kinds, st.integers(0, 20), st.integers(0, 60 * 24)), min_size=1, max_size=12))
    begins = draw(st.sampled_from((BEGINNING, BEGINNING, YEAR_1, YEAR_9999 - 10_000 * DAY)))
    is_late, rounds = draw(st.booleans()), draw(st.integers(1, 25))
    found, at = list[Observation](), begins
    for number, (kind, who, hours) in enumerate(one_round * rounds):
        at += hours * HOUR
        found.append(said(kind, number, at, buyer=who * number % 41, filling=filling))
    return found[::-1] if is_late else found


def said(kind: str, number: int, at: int, *, buyer: int, filling: str) -> Observation:
    """With everything that has a limit at it."""
    return Observation(
        customer=text(0, MAX_CUSTOMER_ID, filling),
        at=at,
        kind=kind,
        evidence=f"{text(number, MAX_ID, filling)}|{text(number, MAX_ID, filling)}",
        amount_minor=2**53,
        currency=CURRENCIES[number % len(CURRENCIES)],
        account=text(number, MAX_NAME, filling),
        buyer=text(buyer, MAX_NAME, filling),
        segment=text(number, MAX_NAME, filling),
        defector="organisational",
    )


def saved(some: list[Observation]) -> bytes:
    """The customer in a page, with the page around it."""
    core = Core(Rules())
    for one in some:
        core.observe(one)
    [page] = core.dump_pages(changed_only=False).values()
    return page


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize(
    ("allowed", "most"), [(CustomerId, MAX_CUSTOMER_ID), (EventId, MAX_ID), (Source, MAX_ID), (Name, MAX_NAME)]
)
def test_no_text_that_is_kept_may_be_longer_than_is_said_here(allowed: Any, most: int) -> None:
    read = TypeAdapter(allowed).validate_python
    assert read(text(7, most, "\U0001f600"))
    with pytest.raises(ValidationError, match="at most"):
        read(text(7, most + 1, "\U0001f600"))


@settings(deadline=None, max_examples=60)
@given(observations())
def test_whatever_is_observed_of_a_customer_takes_no_more_than_so_many_bytes(some: list[Observation]) -> None:
    page = saved(some)
    kept = list(texts(msgspec.msgpack.decode(page)))
    heard = {text for one in some for text in (one.customer, one.evidence, one.segment)} | {Rules().version}
    assert all(text in heard for text in kept if len(text) > len("organisational"))
    assert len(kept) <= MOST_TEXTS
    assert len(page) - sum(len(text.encode()) for text in kept) <= NUMBERS
    assert len(page) <= MOST


def test_the_longest_ids_in_every_place_take_nearly_as_much() -> None:
    assert MOST * 0.95 < len(saved(full(2_000))) <= MOST


def full(events: int) -> list[Observation]:
    """Of a customer who fills every place there is, and whose lapse is declared."""
    kinds = ("purchase", "contact", "enquiry", "complaint")
    lived = [(kinds[n % 4], BEGINNING + n * 6 * HOUR) for n in range(events)] + [("lapse", BEGINNING + events * DAY)]
    return [said(kind, n, at, buyer=n % 41, filling="\U0001f600") for n, (kind, at) in enumerate(lived)]


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
