"""What holds for every sequence of observations and instants, however absurd, before anything has been learnt of a base
and after: totality, determinism, what is due."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.analytics.calendar import Calendar
from services.analytics.core import PAGES, AlertOut, Core, RiskOut, Rules
from services.analytics.pages import OtherState, page_of
from services.analytics.population.model import unfitted
from services.analytics.population.part import Known, next_look
from services.analytics.state import Customer, Strengths
from shared.contracts.analytics import AttritionAlertRaised, AttritionAlertReopened, read_alert, read_risk
from shared.contracts.values import Defector
from tests.unit.attrition import every, observation, play
from tests.unit.bases import learnt
from tests.unit.sequences import YEAR_9999, Step, absurd, core_under, lives, messages, outcome, restarted, step


@pytest.fixture(scope="module", params=["unfitted", "fitted"])
def known(request: pytest.FixtureRequest) -> Known:
    """What has been learnt of the base: nothing, or as much as there is."""
    return learnt() if request.param == "fitted" else Known(unfitted(Rules()), Calendar({}))


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, list):
        for one in value:
            yield from numbers(one)
    elif isinstance(value, (int, float)):
        yield float(value)


@settings(deadline=None)
@given(absurd)
def test_nothing_is_refused_and_no_number_is_lost(known: Known, steps: list[Step]) -> None:
    core = core_under(known)
    for output in outcome(steps, core):
        read_alert(output.value) if isinstance(output, AlertOut) else read_risk(output.value)
    assert all(0 <= risk <= 1 for _, [risk] in core.risks([YEAR_9999]))
    state = [msgspec.msgpack.decode(page) for page in core.dump_pages(changed_only=False).values()]
    assert all(math.isfinite(number) for number in numbers(state))


@settings(deadline=None, max_examples=25)
@given(lives())
def test_messages_of_a_customer_are_numbered_without_a_gap_and_dated_in_order(known: Known, steps: list[Step]) -> None:
    for alerts in messages(outcome(steps, core_under(known))).values():
        assert list(range(1, len(alerts) + 1)) == [alert.sequence for alert in alerts]
        assert all(one.time <= two.time for one, two in pairwise(alerts))


@settings(deadline=None, max_examples=25)
@given(lives())
def test_an_alert_is_open_from_raised_or_reopened_to_cleared(known: Known, steps: list[Step]) -> None:
    begins = (AttritionAlertRaised.TYPE, AttritionAlertReopened.TYPE)
    for alerts in messages(outcome(steps, core_under(known))).values():
        assert alerts[0].type == AttritionAlertRaised.TYPE
        for one, two in pairwise(alerts):
            assert (two.type in begins) or "cleared" not in one.type
            assert two.type != AttritionAlertRaised.TYPE or "cleared" in one.type
            assert (two.data.alert == two.id) == (two.type == AttritionAlertRaised.TYPE)


@settings(deadline=None, max_examples=25)
@given(lives(), st.data())
def test_a_restart_anywhere_changes_nothing(known: Known, steps: list[Step], data: st.DataObject) -> None:
    cuts = data.draw(st.sets(st.integers(0, len(steps)), max_size=4))
    core, outputs = core_under(known), []
    for number, one in enumerate(steps):
        core = restarted(core) if number in cuts else core
        outputs += step(core, one)
    whole = core_under(known)
    assert outcome(steps, whole) == outputs
    assert whole.dump_pages(changed_only=False) == core.dump_pages(changed_only=False)


@settings(deadline=None, max_examples=25)
@given(lives(), st.data())
def test_pages_changed_since_the_last_dump_are_enough_to_restart(steps: list[Step], data: st.DataObject) -> None:
    cuts = data.draw(st.sets(st.integers(0, len(steps)), max_size=4))
    core, saved = Core(Rules()), dict[int, bytes]()
    for number, one in enumerate(steps):
        step(core, one)
        if number in cuts:
            saved |= core.dump_pages(changed_only=True)
    saved |= core.dump_pages(changed_only=True)
    assert core.dump_pages(changed_only=False) == saved
    again = Core(Rules())
    again.load_pages(saved)
    assert again.dump_pages(changed_only=False) == saved


@settings(deadline=None, max_examples=25)
@given(lives())
def test_looking_only_at_who_is_due_is_as_good_as_looking_at_everybody_always(known: Known, steps: list[Step]) -> None:
    watched = core_under(known)
    found = []
    for one in steps:
        if isinstance(one, int):
            look_at_everybody(watched, one)
        found += [output for output in step(watched, one) if isinstance(output, AlertOut)]
    assert found == [output for output in outcome(steps, core_under(known)) if isinstance(output, AlertOut)]


def look_at_everybody(core: Core, at: int) -> None:
    """Everything of everybody is due by then: what the lazy core would have passed over is judged, too."""
    pages = core.dump_pages(changed_only=False)
    for number, page in pages.items():
        form, rules, rows = msgspec.msgpack.decode(page, type=tuple[int, str, list[tuple[Strengths, Customer]]])
        for _, c in rows:
            if c.lapsed_at is None and c.now < at:
                c.dues, c.due = [min(due, at) for due in c.dues], min(c.due, at)
        pages[number] = msgspec.msgpack.encode([form, rules, rows])
    core.load_pages(pages)


@settings(deadline=None, max_examples=25)
@given(lives())
def test_customers_are_judged_in_order_of_id_and_once_an_instant(steps: list[Step]) -> None:
    core = Core(Rules())
    for one in steps:
        if not isinstance(one, int):
            core.observe(one)
            continue
        fallen = core.advance(one)
        looked_at = core.look(one, core.known) if next_look(one - 1) == one else []
        for outputs in (fallen, looked_at):
            assert sorted(outputs, key=lambda output: output.customer) == outputs
        assert core.advance(one) == []


@settings(deadline=None, max_examples=25)
@given(lives())
def test_before_the_next_due_instant_time_alone_changes_nothing(steps: list[Step]) -> None:
    core = Core(Rules())
    for one in steps:
        due = core.next_due()
        if isinstance(one, int) and (due is None or one < due):
            assert core.advance(one) == []
        else:
            step(core, one)


def test_who_is_long_gone_costs_no_look() -> None:
    core = Core(Rules())
    gone = [every(9, kind, 0, 150, customer=f"{kind} {n}") for kind in ("purchase", "contact") for n in range(20)]
    play(*gone, until=2000, core=core)
    assert core.next_due() is None


def test_state_of_other_rules_is_refused_and_nothing_is_replaced() -> None:
    core = Core(Rules())
    play(every(5, "contact", 0, 100), until=100, core=core)
    before = core.dump_pages(changed_only=False)
    for other in (Core(Rules(name="r2")), Core(Rules(risk_raise=0.6))):
        other.observe(observation("contact", 1))
        with pytest.raises(OtherState):
            core.load_pages(other.dump_pages(changed_only=False))
    assert core.dump_pages(changed_only=False) == before


def test_state_of_another_release_is_refused() -> None:
    core = Core(Rules())
    play(every(5, "contact", 0, 100), until=100, core=core)
    for number, page in core.dump_pages(changed_only=False).items():
        format_, *rest = msgspec.msgpack.decode(page)
        with pytest.raises(OtherState, match=f"format {format_ - 1}"):
            core.load_pages({number: msgspec.msgpack.encode([format_ - 1, *rest])})


def test_a_customer_lies_on_the_same_page_in_every_process() -> None:
    assert [page_of("a"), page_of("b"), page_of("ü/ü")] == [3, 57, 3]
    assert 64 == PAGES


def test_the_bytes_of_an_alert_are_what_they_were() -> None:
    outputs = play(every(7, "purchase", 0, 200, defector=Defector.PRICE.value), until=300)
    first = next(output for output in outputs if isinstance(output, AlertOut))
    assert first.value.decode() == EXAMPLE


def test_a_row_of_risk_is_made_when_the_risk_leaves_its_step() -> None:
    rows = [
        read_risk(output.value).data
        for output in play(every(7, "purchase", 0, 200), until=200)
        if isinstance(output, RiskOut)
    ]
    assert all(one.risk != two.risk for one, two in pairwise(rows))


EXAMPLE = (
    '{"specversion":"1.0","id":"analytics/r1/c-1/1","source":"tenure/analytics","type":"tenure.attrition-alert-raised.'
    'v1","subject":"c-1","time":"2024-08-19T12:00:00Z","datacontenttype":"application/json","dataschema":"urn:tenure:s'
    'chema:tenure.attrition-alert-raised.v1","partitionkey":"c-1","sequence":"0000000001","data":{"alert":"analytics/r'
    '1/c-1/1","risk":0.599007,"contributions":[{"reason":"silent for 35 days, own rhythm is 11","weight":3.901197}],"s'
    'igns":[{"sign":"attrition","since":"2024-07-15T09:36:00Z","observed":0.0,"expected":3.332278,"window_days":35.1,"'
    'strength":3.901197,"evidence":["crm|purchase-196.4","crm|purchase-189.4","crm|purchase-182.4"],"last_before":"crm'
    '|purchase-196.4"}],"value_at_risk":[{"amount_minor":23912,"currency":"EUR"}],"recommended":{"name":"voucher","wor'
    'ds":"a voucher for a tenth of a usual purchase","success":0.05,"cost":{"amount_minor":141,"currency":"EUR"},"bene'
    'fit":{"amount_minor":1195,"currency":"EUR"},"net":{"amount_minor":1054,"currency":"EUR"},"is_worth_it":true,"brea'
    'k_even_risk":0.123819,"break_even_success":0.005305},"probable_cause":"price","rules":"r1","as_of":"2024-08-19T12'
    ':00:00Z"}}'
)
