"""What is to be known of a customer at a glance, fact by fact."""

from services.projection.timeline import Entry
from services.projection.view import View, fold
from shared.contracts import interaction
from shared.contracts.values import Defector, Direction, to_micros
from tests.stories import (
    ANALYTICS,
    Told,
    a_story,
    cleared,
    contact,
    day,
    entries,
    lapsed,
    opened,
    purchase,
    raised,
    told,
)

C = "c-1"
STORY = {producer: entries(records) for producer, records in a_story(C).items()}
WHOLE = [entry for said in STORY.values() for entry in said]


def view_of(producer: str, *facts: Told) -> View:
    return fold(View(), entries(told(producer, C, *facts)))


def test_spend_is_summed_per_currency() -> None:
    assert {"EUR": 2000, "USD": 5} == view_of(
        "retention", (1, purchase(1999)), (2, purchase(5, "USD")), (3, purchase(1))
    ).purchases.spend


def test_rhythm_is_the_mean_gap_between_purchases() -> None:
    assert 10.0 == view_of("retention", (1, purchase(1)), (2, purchase(1)), (21, purchase(1))).purchases.rhythm_days


def test_one_purchase_has_no_rhythm() -> None:
    assert view_of("retention", (1, purchase(1))).purchases.rhythm_days is None


def test_a_purchase_told_late_becomes_the_first_one() -> None:
    purchases = view_of("retention", (9, purchase(1)), (2, purchase(1))).purchases
    assert (to_micros(day(2)), to_micros(day(9))) == (purchases.first_at, purchases.last_at)


def test_contacts_are_counted_per_direction() -> None:
    contacts = view_of("interaction", (1, contact()), (2, contact()), (3, contact(Direction.OUTBOUND))).contacts
    assert (2, 1, to_micros(day(2))) == (contacts.inbound, contacts.outbound, contacts.last_inbound_at)


def test_a_complaint_is_open_until_it_is_resolved() -> None:
    resolved = interaction.ComplaintResolved(complaint="a", days_open=1)
    complaints = view_of("interaction", (1, opened("a")), (2, opened("b")), (3, resolved)).complaints
    assert (["b"], 2, 1) == ([c.complaint for c in complaints.open], complaints.opened, complaints.resolved)


def test_an_acknowledged_complaint_awaits_only_its_resolution() -> None:
    complaints = view_of(
        "interaction", (1, opened("a")), (2, interaction.ComplaintAcknowledged(complaint="a"))
    ).complaints
    assert (None, to_micros(day(5))) == (complaints.open[0].acknowledge_by, complaints.open[0].resolve_by)


def test_a_breach_is_counted_and_stays_with_the_open_complaint() -> None:
    breach = interaction.ComplaintStandardBreached(complaint="a", standard=interaction.Standard.RESOLVE, due=day(5))
    complaints = view_of("interaction", (1, opened("a")), (5, breach)).complaints
    assert (1, ("resolve",)) == (complaints.breaches, complaints.open[0].breached)


def test_a_reopened_complaint_is_open_again_with_a_new_due_time() -> None:
    resolved = interaction.ComplaintResolved(complaint="a", days_open=1)
    again = interaction.ComplaintReopened(complaint="a", times=1, resolve_by=day(9))
    (open_,) = view_of("interaction", (1, opened("a")), (2, resolved), (3, again)).complaints.open
    assert (1, to_micros(day(9))) == (open_.reopened, open_.resolve_by)


def test_a_follow_up_is_awaited_until_it_is_kept_or_missed() -> None:
    promised = [interaction.FollowUpPromised(due=day(n)) for n in (5, 6, 7)]
    kept, missed = interaction.FollowUpKept(due=day(5)), interaction.FollowUpMissed(due=day(6))
    follow_ups = view_of("interaction", *((1, p) for p in promised), (4, kept), (6, missed)).follow_ups
    assert ((to_micros(day(7)),), 1, 1) == (follow_ups.due, follow_ups.kept, follow_ups.missed)


def test_the_last_score_is_the_last_in_time() -> None:
    scores = [(7, interaction.SatisfactionRecorded(score=90)), (3, interaction.SatisfactionRecorded(score=30))]
    satisfaction = view_of("interaction", *scores).satisfaction
    assert (90, 60.0) == (satisfaction.last_score, satisfaction.mean)


def test_a_customer_is_lapsed_until_they_return() -> None:
    assert view_of("retention", (1, lapsed(Defector.PRODUCT))).lapse.defector == "product"
    back = fold(View(), STORY["retention"]).lapse
    assert (False, 1, to_micros(day(120))) == (back.lapsed, back.times, back.returned_at)


def test_a_lost_acquisition_has_no_stage() -> None:
    acquisition = fold(View(), STORY["acquisition"]).acquisition
    assert (None, "lapsed-customer", 1) == (acquisition.stage, acquisition.origin, acquisition.course)


def test_the_segment_is_the_one_last_said() -> None:
    view = view_of("retention", (9, purchase(1, segment="business")), (2, purchase(1, segment="consumer")))
    assert view.segment is not None
    assert "business" == view.segment.word


def test_an_alert_is_open_until_it_is_cleared() -> None:
    open_ = view_of(ANALYTICS, (5, raised(C, 5)))
    assert open_.open_alert is not None
    assert ("raised", 5000, ("volume_decline",)) == (
        open_.open_alert.state,
        open_.open_alert.value_minor,
        open_.open_alert.signs,
    )
    assert open_.open_alert.recommended is not None
    assert ("personal call", 300) == (open_.open_alert.recommended.name, open_.open_alert.recommended.cost.amount_minor)
    after = view_of(ANALYTICS, (5, raised(C, 5)), (9, cleared(C, 9)))
    assert after.open_alert is None
    assert after.alert is not None
    assert to_micros(day(5)) == after.alert.since


def test_only_what_channels_recorded_is_an_event_of_the_customer() -> None:
    view = fold(View(), WHOLE)
    assert (to_micros(day(0)), to_micros(day(120))) == (view.first_event_at, view.last_event_at)
    assert to_micros(day(1)) == view_of("retention", (1, purchase(1)), (50, lapsed())).last_event_at


def test_a_customer_comes_from_the_channel_of_the_earliest_event_however_late_it_was_told() -> None:
    data = '{"amount_minor":1,"currency":"EUR"}'
    type_ = "tenure.purchase-recorded.v1"
    later = Entry(20, "retention", 1, type_, data, input="web-shop|1")
    earlier = Entry(10, "retention", 2, type_, data, input="till|1")
    view = fold(View(), [later, earlier])
    assert view.source is not None
    assert "till" == view.source.word
