"""The demo's data are what their attribution says, and a neutral line becomes exactly the event it describes."""

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.data import CDNOW
from cli.money import DECIMALS, decimals_of, format_money, to_minor
from cli.sending.lines import Faulty, Line, OutOfOrder, in_order, open_lines, read_lines, sort_lines
from cli.sending.neutral import ROUTES, BadLine, to_cloudevent
from cli.sending.steps import Batch, Tick, batches, history_steps
from cli.wording import money, sentence
from shared.contracts.catalogue import INPUT_TYPES
from shared.contracts.envelope import read_inbound
from shared.contracts.interaction import Route

PURCHASE = {
    "id": "p-1",
    "customer_id": "c-1",
    "type": "purchase",
    "time": "1997-01-01T00:00:00Z",
    "amount": "29.33",
    "currency": "USD",
    "channel": "web",
    "orig": {"cds": 2},
}


def line(**changes: Any) -> bytes:
    return json.dumps({**PURCHASE, **changes}).encode()


def read(*lines: bytes) -> list[Line | Faulty]:
    return list(read_lines(lines, source="web-shop"))


def contact(channel: str) -> dict[str, Any]:
    return {"id": "k-1", "customer_id": "c-1", "type": "contact", "time": "1997-01-01T00:00:00Z", "channel": channel}


def test_the_sample_holds_6919_purchases_of_2357_customers_eight_of_them_of_amount_zero() -> None:
    events = [
        json.loads(item.body) for item in read_lines(open_lines(CDNOW), source="web-shop") if isinstance(item, Line)
    ]
    customers = {event["subject"] for event in events}
    free = [event for event in events if event["data"]["amount_minor"] == 0]
    assert (6_919, 2_357, 8) == (len(events), len(customers), len(free))


def test_every_line_of_the_sample_is_an_event_the_gateway_knows() -> None:
    sample = [item for item in in_order(read_lines(open_lines(CDNOW), source="web-shop")) if isinstance(item, Line)]
    kinds = Counter(read_inbound(item.body, INPUT_TYPES).type for item in sample)
    assert {"tenure.purchase.v1": 6_919} == kinds


def test_a_neutral_purchase_becomes_a_cloudevent_in_minor_units() -> None:
    expected = {
        "specversion": "1.0",
        "id": "p-1",
        "source": "web-shop",
        "type": "tenure.purchase.v1",
        "subject": "c-1",
        "time": "1997-01-01T00:00:00Z",
        "datacontenttype": "application/json",
        "data": {"channel": "web", "amount_minor": 2933, "currency": "USD"},
    }
    assert expected == to_cloudevent(PURCHASE, "web-shop")


def test_a_cloudevent_passes_unchanged() -> None:
    event = {"specversion": "1.0", "id": "x", "anything": [1.5]}
    assert event == to_cloudevent(event, "web-shop")


def test_a_line_may_name_its_own_source_and_say_more_in_data() -> None:
    event = to_cloudevent({**PURCHASE, "source": "crm", "data": {"buyer": "Kay", "items": 3}}, "web-shop")
    assert ("crm", "Kay", 3) == (event["source"], event["data"]["buyer"], event["data"]["items"])


@pytest.mark.parametrize(("channel", "route"), sorted(ROUTES.items()))
def test_every_channel_of_a_contact_has_its_route(channel: str, route: str) -> None:
    data = to_cloudevent(contact(channel), "crm")["data"]
    assert {"channel": channel, "route": route, "direction": "inbound"} == data


def test_of_a_contact_by_another_way_the_route_is_not_known() -> None:
    assert {"channel": "pigeon", "direction": "inbound"} == to_cloudevent(contact("pigeon"), "crm")["data"]
    assert [Line] == [type(item) for item in read(json.dumps(contact("pigeon")).encode())]


def test_where_nobody_says_what_was_paid_it_is_in_no_currency() -> None:
    bare = {name: value for name, value in PURCHASE.items() if name not in ("amount", "currency")}
    data = to_cloudevent(bare, "web-shop")["data"]
    assert {"channel": "web", "amount_minor": 0, "currency": "XXX"} == data
    assert "bought" == sentence({"type": "tenure.purchase-recorded.v1", "data": data})
    unknown, paid = {"amount_minor": 0, "currency": "XXX"}, {"amount_minor": 2000, "currency": "EUR"}
    assert ["an unknown amount", "20.00 EUR", "nothing"] == [money(some) for some in ([unknown], [unknown, paid], [])]


def test_an_amount_in_data_needs_a_currency_there() -> None:
    bare = {name: value for name, value in PURCHASE.items() if name not in ("amount", "currency")}
    assert {"channel": "web", "amount_minor": 500} == to_cloudevent({**bare, "data": {"amount_minor": 500}}, "x")[
        "data"
    ]


def test_every_route_can_be_said() -> None:
    assert set(Route) == set(ROUTES.values())


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("19.99", "EUR", 1999),
        ("19.9", "EUR", 1990),
        ("20", "EUR", 2000),
        ("0.00", "USD", 0),
        ("1999", "JPY", 1999),
        ("1999.0", "JPY", 1999),
        ("1.234", "KWD", 1234),
        ("0.29", "USD", 29),
        ("90071992547409.91", "USD", 9007199254740991),
        ("-3.50", "GBP", -350),
    ],
)
def test_an_amount_becomes_minor_units_of_its_currency(amount: str, currency: str, minor: int) -> None:
    assert minor == to_minor(amount, currency)


@pytest.mark.parametrize("amount", ["19.999", "1e3", "", " 1", "NaN", "1,000.00", "+1", ".5", "5.", "٣"])
def test_an_amount_that_cannot_be_kept_exactly_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match=r"decimal|finer"):
        to_minor(amount, "EUR")


@given(st.integers(-(2**53), 2**53), st.sampled_from(["EUR", *DECIMALS]))
def test_what_is_formatted_reads_back_as_the_same_amount(minor: int, currency: str) -> None:
    text = format_money(minor, currency).removesuffix(f" {currency}").replace(",", "")
    assert minor == to_minor(text, currency) == int(Decimal(text).scaleb(decimals_of(currency)))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": 29.33}, "amount: expected a string"),
        ({"amount": None}, "amount: is missing"),
        ({"type": "gift"}, "type 'gift' is none of"),
        ({"customer_id": None}, "customer_id: is missing"),
        ({"time": "1997-01-01"}, "time: expected an RFC 3339 time"),
        ({"time": 852076800}, "time: expected a string"),
        ({"currency": None}, "currency: is missing"),
        ({"data": [1]}, "data: expected a JSON object"),
        ({"id": "\ud800"}, "no Unicode"),
    ],
)
def test_a_bad_line_is_named_and_its_neighbours_go_on(changes: dict[str, Any], reason: str) -> None:
    before, bad, after = read(line(), line(**changes), line(id="p-2"))
    assert isinstance(before, Line)
    assert isinstance(after, Line)
    assert isinstance(bad, Faulty)
    assert (2, True) == (bad.number, reason in bad.reason)


@given(st.binary())
def test_no_bytes_whatever_break_the_reading(raw: bytes) -> None:
    assert len(read(raw)) == (1 if raw.strip() else 0)


def test_a_history_whose_times_run_backwards_is_refused_at_its_line() -> None:
    with pytest.raises(OutOfOrder, match="line 2"):
        list(in_order(read(line(time="1997-01-02T00:00:00Z"), line())))


def test_sorting_keeps_the_order_of_one_instant() -> None:
    later = line(id="late", time="1997-01-02T00:00:00Z")
    ordered = sort_lines(read(later, line(id="a"), line(id="b")))
    assert ["a", "b", "late"] == [item.id for item in ordered if isinstance(item, Line)]


def test_a_day_is_sent_before_the_tick_that_ends_it_and_an_empty_day_has_its_tick() -> None:
    lines = [
        item
        for item in read(line(id="a"), line(id="b"), line(id="c", time="1997-01-03T10:00:00Z"))
        if isinstance(item, Line)
    ]
    said = [
        [item.id for item in step.lines] if isinstance(step, Batch) else (step.to.day, step.last)
        for step in history_steps(lines, 200)
    ]
    assert [(1, False), ["a", "b"], (2, False), (3, False), ["c"], (4, True)] == said


def test_an_event_at_midnight_belongs_to_the_day_that_begins() -> None:
    lines = [item for item in read(line(time="1997-01-02T00:00:00Z")) if isinstance(item, Line)]
    ticks = [step.to.isoformat() for step in history_steps(lines, 200) if isinstance(step, Tick)]
    assert ["1997-01-02T00:00:00+00:00", "1997-01-03T00:00:00+00:00"] == ticks


def test_a_time_with_an_offset_belongs_to_its_day_in_utc() -> None:
    lines = [item for item in read(line(time="1997-01-02T00:30:00+01:00")) if isinstance(item, Line)]
    ticks = [step.to.isoformat() for step in history_steps(lines, 200) if isinstance(step, Tick)]
    assert ["1997-01-01T00:00:00+00:00", "1997-01-02T00:00:00+00:00"] == ticks


@given(st.lists(st.integers(1, 1_000_000), max_size=40), st.integers(1, 7))
def test_batches_hold_every_line_once_in_order_and_none_is_too_large(sizes: list[int], size: int) -> None:
    lines = [Line(n, _at(), str(n), b"x" * weight) for n, weight in enumerate(sizes)]
    made = list(batches(lines, size))
    assert lines == [item for batch in made for item in batch.lines]
    assert all(
        0 < len(batch.lines) <= size and sum(len(item.body) for item in batch.lines) <= 4 * 1024 * 1024
        for batch in made
    )


def _at() -> Any:
    return next(item.at for item in read(line()) if isinstance(item, Line))


def test_a_bad_line_says_so_in_one_sentence() -> None:
    with pytest.raises(BadLine, match=r"^amount: 1\.234 is finer than USD allows \(2 decimals\)$"):
        to_cloudevent({**PURCHASE, "amount": "1.234"}, "web-shop")


def test_a_cloudevent_leaves_byte_for_byte_as_it_was_written() -> None:
    written = b'{"specversion": "1.0",  "id": "x", "time": "1997-01-01T00:00:00Z", "data": {"n": 1.10}}'
    assert [written] == [item.body for item in read(b"\xef\xbb\xbf" + written + b"\r\n") if isinstance(item, Line)]
