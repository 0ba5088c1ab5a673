"""The life of an alert: one episode however many signs join, and each transition with what it has to say."""

from datetime import timedelta

import pytest

from services.analytics.alerts import Transition, judged
from services.analytics.core import Core, Observation, Output, RiskOut, Rules
from services.analytics.population.model import Model
from services.analytics.population.part import next_look
from services.analytics.rules import Population
from services.analytics.state import DAY, HOUR, WEEK, Life
from services.analytics.value import occasions_in_a_year
from shared.contracts.analytics import Alert, AttritionAlertSnoozed, Sign, read_risk
from shared.contracts.population import model_id
from shared.contracts.values import Defector, format_time, from_micros
from tests.unit.attrition import alerts, course, day, every, observation, play, purchase, signs, turns
from tests.unit.population import AS_THE_OFFSET

WEEKLY = every(7, "purchase", 0, 200)
IDS = "analytics/r1/c-1"


def silent(*more: Observation, until: float = 400) -> list[Output]:
    """A weekly customer who stops buying after day 200."""
    return play(WEEKLY, list(more), until=until)


def at_stake(alert: Alert) -> dict[str, int]:
    return {money.currency: money.amount_minor for money in alert.data.value_at_risk}


def test_silence_beyond_the_own_rhythm_raises_and_a_sign_that_joins_escalates() -> None:
    outputs = silent(until=300)
    assert ["raised", "escalated", "escalated"] == course(outputs)
    assert [{Sign.ATTRITION}, {Sign.ATTRITION}, {Sign.ATTRITION, Sign.LAPSE}] == [signs(a) for a in alerts(outputs)]


def test_the_highest_band_of_risk_escalates_though_no_sign_joins() -> None:
    *_, before, deepest = alerts(play(every(40, "purchase", 0, 200), until=400))
    assert signs(before) == signs(deepest)
    assert before.data.risk is not None
    assert deepest.data.risk is not None
    assert before.data.risk < Rules().risk_deep <= deepest.data.risk


def test_every_message_of_an_episode_names_the_one_that_raised_it() -> None:
    found = alerts(silent())
    assert [alert.id for alert in found] == [f"{IDS}/{n}" for n in range(1, len(found) + 1)]
    assert {alert.data.alert for alert in found} == {f"{IDS}/1"}


def test_a_message_names_the_segment_that_a_channel_said_last() -> None:
    moved = [purchase(50.6, segment="private"), purchase(100.6, segment="trade")]
    assert {"trade"} == {alert.data.segment for alert in alerts(silent(*moved))}
    assert {None} == {alert.data.segment for alert in alerts(silent())}


def test_a_message_says_in_plain_words_how_long_the_silence_is() -> None:
    assert any(c.reason.startswith("silent for ") for c in alerts(silent())[0].data.contributions)


def test_the_risk_before_is_that_of_the_message_before() -> None:
    found = alerts(silent())
    assert [None, *(alert.data.risk for alert in found[:-1])] == [alert.data.risk_before for alert in found]


def test_a_message_names_the_fit_by_which_the_risk_was_judged() -> None:
    core, week = silence(), day(200) // WEEK * WEEK
    core.known = core.known._replace(model=Model(week, Population(), AS_THE_OFFSET, AS_THE_OFFSET))
    fitted = alerts(core.look(next_look(day(240)), core.known))
    assert {model_id("r1", format_time(from_micros(week)))} == {alert.data.model for alert in fitted}
    assert {None} == {alert.data.model for alert in alerts(silence().advance(day(240)))}


def test_a_message_is_dated_when_the_silence_became_a_sign_however_late_anybody_looks() -> None:
    often, late = silence(), silence()
    looks = [message for hour in range(200 * 24, 600 * 24) for message in often.advance(day(hour / 24))]
    assert late.advance(day(600)) == looks
    raised, *_ = alerts(looks)
    assert raised.time == raised.data.as_of == from_micros(every(7, "purchase", 0, 200)[-1].at + round(35.1 * DAY))


def test_what_has_fallen_due_waits_for_the_clock_and_not_for_the_next_event() -> None:
    core, crossing = silence(), every(7, "purchase", 0, 200)[-1].at + round(35.1 * DAY)
    asked = Observation("c-1", crossing + HOUR, "satisfaction", "crm|asked")
    assert [] == core.observe(asked), "somebody who was away may still say that they have bought before"
    [raised] = alerts(core.advance(crossing + 2 * HOUR))
    assert from_micros(asked.at) == raised.time


def silence() -> Core:
    """After a purchase every week for 200 days."""
    core = Core(Rules())
    for bought in every(7, "purchase", 0, 200):
        core.observe(bought)
    return core


def test_value_at_risk_is_the_risk_times_the_margin_of_a_year_to_be_expected() -> None:
    raised, rules = alerts(silent())[0], Rules()
    assert raised.data.risk is not None
    expected = occasions_in_a_year(rules.population, 28, 196)
    assert at_stake(raised)["EUR"] == pytest.approx(raised.data.risk * expected * 5_000 * 0.3 / 1.1**0.5, rel=0.001)


def test_an_open_alert_recommends_the_measure_that_is_worth_most() -> None:
    (early, late, *_), complaint = alerts(silent()), observation("complaint", 190.4, defector="service")
    wronged = alerts(silent(complaint))[0]
    for alert, name in ((early, "voucher"), (late, "personal call"), (wronged, "service recovery")):
        said = alert.data.recommended
        assert said is not None
        assert (name, True, "EUR") == (said.name, said.is_worth_it, said.net.currency)
        assert 0 < said.net.amount_minor < at_stake(alert)["EUR"] * said.success


def test_the_recommendation_is_in_the_currency_of_most_purchases() -> None:
    dollars = every(3, "purchase", 0, 190, currency="USD", amount_minor=900)
    said = alerts(play(WEEKLY, dollars, until=300))[0].data.recommended
    assert said is not None
    assert "USD" == said.cost.currency


def test_of_a_cleared_alert_and_of_who_never_bought_nothing_is_recommended() -> None:
    cleared, never = silent(observation("lapse", 290.4), until=700), play(every(5, "contact", 0, 200), until=300)
    assert [None, None] == [alerts(outputs)[-1].data.recommended for outputs in (cleared, never)]


def test_value_at_risk_is_said_in_each_currency() -> None:
    dollars = every(30, "purchase", 3, 190, currency="USD", amount_minor=900)
    assert {"EUR", "USD"} == set(at_stake(alerts(play(WEEKLY, dollars, until=300))[0]))


def test_the_probable_cause_is_what_the_customer_complained_of_last() -> None:
    found = alerts(
        silent(observation("complaint", 150.4, defector="price"), observation("complaint", 190.4, defector="service"))
    )
    assert {Defector.SERVICE} == {alert.data.probable_cause for alert in found}


def test_a_customer_who_never_bought_has_signs_but_no_risk() -> None:
    raised = alerts(play(every(5, "contact", 0, 200), until=300))[0]
    assert (None, ()) == (raised.data.risk, raised.data.value_at_risk)


def test_one_purchase_is_no_rhythm_to_fall_out_of() -> None:
    assert alerts(play(purchase(3.4), until=1000)) == []


def test_a_purchase_that_takes_every_sign_down_clears_at_once() -> None:
    back = [purchase(number + 0.4, 12_000) for number in range(290, 320, 2)]
    found = alerts(silent(*back, until=330))
    assert "cleared" == course(silent(*back, until=330))[-1]
    assert "the customer is back, and nothing is up any more" == found[-1].data.contributions[0].reason
    assert found[-1].data.signs == ()


def test_a_declared_lapse_is_told_at_once_and_ends_the_watch_when_there_is_no_more_to_be_won_back() -> None:
    lapse = observation("lapse", 290.4, defector="market")
    outputs = silent(lapse, until=2000)
    told = next(alert for alert in alerts(outputs) if alert.time == from_micros(lapse.at))
    proof = next(proof for proof in told.data.signs if proof.sign is Sign.LAPSE)
    assert ((lapse.evidence,), 1.0, True) == (proof.evidence, proof.probability, proof.is_declared)
    *_, last = alerts(outputs)
    assert ("cleared", "the customer has lapsed") == (course(outputs)[-1], last.data.contributions[0].reason)
    assert last.time == from_micros(lapse.at + 365 * DAY)
    assert Defector.MARKET is told.data.probable_cause is last.data.probable_cause


def test_an_alert_ends_when_nothing_is_heard_of_the_customer_for_a_year() -> None:
    raised, *_, last = alerts(silent(until=2000))
    assert ("cleared", "the customer has lapsed") == (course(silent(until=2000))[-1], last.data.contributions[0].reason)
    assert last.time == raised.time + timedelta(days=365)


def test_as_long_as_something_is_heard_of_them_it_stays_open() -> None:
    *_, last = alerts(silent(*every(60, "complaint", 230, 900), until=1200))
    assert last.data.contributions[0].reason != "the customer has lapsed"
    *_, last = alerts(silent(*every(60, "complaint", 230, 900), until=1300))
    assert last.data.contributions[0].reason == "the customer has lapsed"


def test_who_has_been_given_up_and_comes_back_may_be_lost_a_second_time() -> None:
    outputs = silent(*every(7, "purchase", 700, 900), until=1100)
    first, second = (
        alert for alert, step in zip(alerts(outputs), course(outputs), strict=True) if step in ("raised", "reopened")
    )
    assert (second.data.alert, second.id) == (second.id, second.data.alert)
    assert first.time < from_micros(day(700)) < from_micros(day(900)) < second.time


def test_a_lapse_is_told_though_the_customer_has_been_given_up() -> None:
    outputs = silent(observation("lapse", 900.4), until=950)
    assert ["cleared", "raised"] == course(outputs)[-2:]


def test_a_customer_who_buys_rarely_and_speaks_with_us_as_ever_is_not_drifting_away() -> None:
    assert "raised" in course(play(every(30, "purchase", 0, 200), until=400))
    assert [] == alerts(play(every(30, "purchase", 0, 200), every(5, "contact", 0, 400), until=400))


def test_a_lapsed_customer_who_buys_again_begins_anew() -> None:
    again = every(7, "purchase", 500, 700)
    outputs = silent(observation("lapse", 290.4), *again, until=900)
    raised = [alert for alert, step in zip(alerts(outputs), course(outputs), strict=True) if step == "raised"]
    assert 2 == len(raised)
    assert raised[1].data.alert == raised[1].id


def test_a_purchase_from_before_the_lapse_that_comes_late_brings_nobody_back() -> None:
    core = Core(Rules())
    play(WEEKLY, observation("lapse", 210.4), until=600, core=core)
    assert core.observe(purchase(205.4)) == []
    assert core.next_due() is None


def test_a_lapse_from_before_the_last_purchase_is_news_of_the_past() -> None:
    core = Core(Rules())
    play(WEEKLY, until=201, core=core)
    core.observe(observation("lapse", 100.4))
    assert "raised" in course(play(until=400, core=core))


def test_an_acknowledgement_is_said_once() -> None:
    acknowledged = [observation("alert-acknowledged", number, alert=f"{IDS}/1") for number in (290.4, 291.4)]
    assert 1 == course(silent(*acknowledged, until=292)).count("acknowledged")


@pytest.mark.parametrize("other", [None, "", "x", f"{IDS}/99", f"{IDS}/0", "analytics/r1/c-2/1", "analytics/r0/c-1/1"])
def test_an_acknowledgement_of_another_alert_changes_nothing(other: str | None) -> None:
    acknowledged = observation("alert-acknowledged", 290.4, alert=other)
    assert course(silent(until=300)) == course(silent(acknowledged, until=300))


def test_a_snoozed_alert_is_not_escalated_and_comes_back_when_the_snooze_ends() -> None:
    raised = alerts(silent())[0]
    soon = (raised.time - from_micros(day(0))) / timedelta(days=1) + 1
    snooze = observation("alert-snoozed", soon, alert=raised.id, until=day(380), reason="on holiday")
    outputs = silent(snooze)
    assert ["raised", "snoozed", "reopened"] == course(outputs)[:3]
    snoozed = alerts(outputs)[1].data
    assert isinstance(snoozed, AttritionAlertSnoozed)
    assert (from_micros(day(380)), "on holiday") == (snoozed.until, snoozed.reason)
    assert from_micros(day(380)) == alerts(outputs)[2].data.as_of


def test_a_snooze_that_is_already_over_changes_nothing() -> None:
    snooze = observation("alert-snoozed", 300.4, alert=f"{IDS}/1", until=day(299), reason="late")
    assert course(silent()) == course(silent(snooze))


def test_what_was_calm_for_the_dwell_time_is_cleared() -> None:
    outputs = play(every(5, "contact", 0, 200), every(2, "contact", 290, 390), until=380)
    assert ["raised", "cleared"] == turns(outputs)
    assert timedelta(days=14) <= alerts(outputs)[-1].time - from_micros(day(290))


def test_a_sign_soon_after_clearing_reopens_the_same_alert() -> None:
    complaints = [observation("contact", 3.4), *(observation("complaint", number) for number in (100.4, 103.4))]
    cleared = next(a for a in alerts(play(complaints, until=400)) if "cleared" in a.type)
    later = (cleared.time - from_micros(day(0))).days + 5.0
    again = [observation("complaint", later + n + 0.4) for n in range(12)]
    outputs = play(complaints, again, until=int(later) + 10)
    assert ["raised", "cleared", "reopened"] == course(outputs)
    assert {f"{IDS}/1"} == {alert.data.alert for alert in alerts(outputs)}


def test_a_sign_long_after_clearing_raises_another_alert() -> None:
    complaints = [observation("complaint", number) for number in (100.4, 103.4, 500.4, 501.4, 502.4)]
    outputs = play(observation("contact", 3.4), complaints, until=505)
    assert ["raised", "cleared", "raised"] == course(outputs)
    assert alerts(outputs)[2].data.alert == f"{IDS}/3"


@pytest.mark.parametrize("spell", [1, 3, 13])
def test_a_customer_who_swings_around_a_threshold_for_a_month_gives_one_alert(spell: int) -> None:
    life, rules = Life(), Rules()
    swings = [judged(life, 1 - number // spell % 2, day(number), 1, rules) for number in range(30)]
    assert [Transition.RAISED] == [why for why in swings if why is not None]


def test_the_row_of_risk_follows_the_alert() -> None:
    rows = [read_risk(output.value) for output in silent() if isinstance(output, RiskOut)]
    assert list(range(1, len(rows) + 1)) == [row.sequence for row in rows]
    assert (f"{IDS}/1", alerts(silent())[-1].data.risk) == (rows[-1].data.alert, rows[-1].data.risk)


def test_the_row_of_a_lapsed_customer_has_no_open_alert() -> None:
    outputs = silent(observation("lapse", 290.4), until=700)
    rows = [read_risk(output.value) for output in outputs if isinstance(output, RiskOut)]
    assert rows[-1].data.alert is None


def test_the_parts_of_a_risk_add_up_to_what_it_has_gained_since_the_last_purchase() -> None:
    core, complaint = Core(Rules()), observation("complaint", 150.4)
    last = alerts(play(WEEKLY, complaint, until=300, core=core))[-1]
    weights = [c.weight for c in last.data.contributions if not c.reason.startswith("since ")]
    proof = next(proof for proof in last.data.signs if proof.sign is Sign.ATTRITION)
    assert sum(weights) == pytest.approx(proof.strength, abs=0.001)
