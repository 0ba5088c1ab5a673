"""How interaction keeps contacts, promises and complaints, and what it says of them."""

from services.interaction.complaints import RESOLVED_REMEMBERED
from services.interaction.decider import MAX_PROMISES, decider
from services.interaction.policy import Policy
from shared.contracts.interaction import (
    Complaint,
    ComplaintAcknowledged,
    ComplaintCauseEstablished,
    ComplaintOpened,
    ComplaintProgress,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintStandardBreached,
    Contact,
    ContactRecorded,
    EngagementDeepened,
    EngagementEnded,
    ExitInterview,
    ExitInterviewSuggested,
    FollowUpKept,
    FollowUpMissed,
    FollowUpPromised,
    Purpose,
    Route,
    Satisfaction,
    Standard,
    Step,
    Suggestion,
)
from shared.contracts.retention import Basis, Lapsed
from shared.contracts.values import Defector, Direction, Stage
from shared.decider import Elapsed, Received
from tests.specification import Specification, day, observed, received

stranger = Specification.of(decider())

TALK = Contact(route=Route.TELEPHONE)
OFFER = Contact(route=Route.EMAIL, purpose=Purpose.OFFER)
CALL = Contact(route=Route.TELEPHONE, direction=Direction.OUTBOUND, purpose=Purpose.FOLLOW_UP)
MAILING = Contact(route=Route.MAIL, direction=Direction.OUTBOUND, purpose=Purpose.MARKETING)
LAPSED = observed(Lapsed(basis=Basis.DECLARED), on=50)
COMPLAINT = received(Complaint(), on=0, evidence="shop|c7")


def promising(by: float) -> Contact:
    return Contact(route=Route.CHAT, follow_up_by=day(by))


def progress(step: Step, on: float, *, about: Defector | None = None, complaint: str = "c7") -> Received:
    return received(ComplaintProgress(complaint=complaint, step=step, about=about), on, evidence=f"desk|{step}")


def test_a_contact_is_recorded_with_its_route_direction_purpose_and_who_handled_it() -> None:
    said = Contact(
        route=Route.VISIT, direction=Direction.OUTBOUND, purpose=Purpose.SERVICE, handled_by="Agency", words="Tea."
    )
    expected = ContactRecorded(
        route=Route.VISIT, direction=Direction.OUTBOUND, purpose=Purpose.SERVICE, handled_by="Agency", words="Tea."
    )
    assert stranger.when(received(said)).facts[0] == expected


def test_the_first_contact_is_an_interaction() -> None:
    stranger.when(received(TALK)).then_also(EngagementDeepened(stage=Stage.INTERACTION))


def test_the_second_contact_deepens_nothing() -> None:
    stranger.given(received(TALK)).when(received(TALK, on=1)).then_also()


def test_an_offer_is_an_exchange_and_an_agreement_coordination() -> None:
    customer = stranger.given(received(TALK))
    customer.when(received(OFFER, on=1)).then_also(EngagementDeepened(stage=Stage.EXCHANGE))
    agreement = Contact(route=Route.VISIT, purpose=Purpose.AGREEMENT)
    customer.when(received(agreement, on=1)).then_also(EngagementDeepened(stage=Stage.COORDINATION))


def test_talk_after_an_offer_leads_back_to_nothing() -> None:
    stranger.given(received(OFFER)).when(received(TALK, on=1)).then_also()


def test_marketing_that_we_send_engages_nobody() -> None:
    stranger.when(received(MAILING)).then_also()


def test_after_a_lapse_the_next_contact_is_the_first_of_another_course() -> None:
    stranger.given(received(OFFER), LAPSED).when(received(TALK, on=60)).then_also(
        EngagementDeepened(stage=Stage.INTERACTION)
    )


def test_a_follow_up_promised_is_awaited_until_its_time() -> None:
    customer = stranger.given(received(TALK))
    customer.when(received(promising(by=3), on=1)).then_also(FollowUpPromised(due=day(3)))
    customer.given(received(promising(by=3), on=1)).when_time_comes().then(FollowUpMissed(due=day(3)))


def test_a_promise_said_twice_is_one_promise() -> None:
    stranger.given(received(promising(by=3), on=0)).when(received(promising(by=3), on=1)).then_also()


def test_a_call_from_us_in_time_keeps_every_promise_that_waited_for_it() -> None:
    customer = stranger.given(received(promising(by=3), on=0), received(promising(by=5), on=1))
    customer.when(received(CALL, on=3)).then_also(FollowUpKept(due=day(3)), FollowUpKept(due=day(5)))


def test_neither_the_customers_call_nor_our_mailing_keeps_a_promise() -> None:
    customer = stranger.given(received(promising(by=3), on=0))
    customer.when(received(TALK, on=1)).then_also()
    customer.when(received(MAILING, on=1)).then_also()


def test_a_call_from_before_the_promise_keeps_nothing_when_it_is_heard_late() -> None:
    stranger.given(received(promising(by=3), on=1)).when(received(CALL, on=0)).then_also()


def test_a_call_after_the_time_leaves_the_promise_to_the_clock() -> None:
    stranger.given(received(promising(by=3), on=1)).when(received(CALL, on=4)).then_also()


def test_a_promise_for_a_time_already_over_is_none() -> None:
    stranger.given(received(TALK)).when(received(promising(by=3), on=3)).then_also()


def test_a_kept_promise_is_missed_no_more() -> None:
    kept = stranger.given(received(promising(by=3), on=0), received(CALL, on=1))
    kept.when(Elapsed("follow-up-missed/1", day(3))).then()
    assert kept.due is None


def test_a_promise_made_again_for_the_time_at_which_it_was_missed_is_another_cause() -> None:
    missed = stranger.given(received(promising(by=3), on=0)).until(on=3)
    again = missed.given(received(promising(by=3), on=1)).due
    assert again is not None
    assert ("follow-up-missed/2", day(3)) == (again.what, again.at)


def test_more_promises_than_can_be_kept_in_mind_are_recorded_and_not_awaited() -> None:
    customer = stranger.given(*(received(promising(by=n)) for n in range(1, MAX_PROMISES + 1)))
    customer.when(received(promising(by=99))).then_also()


def test_a_complaint_is_opened_under_the_events_id_with_the_times_of_the_standard() -> None:
    stranger.when(COMPLAINT).then_also(
        ComplaintOpened(complaint="c7", acknowledge_by=day(2), resolve_by=day(10)),
    )


def test_the_standard_is_what_the_policy_says() -> None:
    strict = Specification.of(decider(Policy(acknowledge_days=0.5, resolve_days=1)))
    strict.when(COMPLAINT).then_also(
        ComplaintOpened(complaint="c7", acknowledge_by=day(0.5), resolve_by=day(1)),
    )


def test_two_channels_that_number_alike_open_two_matters() -> None:
    stranger.given(COMPLAINT).when(received(Complaint(), evidence="crm|c7")).then_also(
        ComplaintOpened(complaint="crm|c7", acknowledge_by=day(2), resolve_by=day(10)),
    )


def test_an_open_matter_complained_of_again_is_not_opened_twice() -> None:
    stranger.given(COMPLAINT).when(received(Complaint(complaint="c7"), on=1)).then_also()


def test_a_resolved_matter_complained_of_again_is_reopened() -> None:
    customer = stranger.given(COMPLAINT, progress(Step.RESOLVED, on=1))
    customer.when(received(Complaint(complaint="c7"), on=20)).then_also(
        ComplaintReopened(complaint="c7", times=1, resolve_by=day(30))
    )


def test_a_complaint_is_acknowledged_once() -> None:
    customer = stranger.given(COMPLAINT)
    customer.when(progress(Step.ACKNOWLEDGED, on=1)).then_also(ComplaintAcknowledged(complaint="c7"))
    customer.given(progress(Step.ACKNOWLEDGED, on=1)).when(progress(Step.ACKNOWLEDGED, on=2)).then_also()


def test_a_call_from_us_does_not_acknowledge_by_itself() -> None:
    assert stranger.given(COMPLAINT, received(CALL, on=1)).due == stranger.given(COMPLAINT).due


def test_a_resolved_complaint_says_how_long_it_was_open() -> None:
    stranger.given(COMPLAINT).when(progress(Step.RESOLVED, on=4.5)).then_also(
        ComplaintResolved(complaint="c7", days_open=4)
    )


def test_a_resolved_complaint_waits_for_nothing() -> None:
    assert stranger.given(COMPLAINT, progress(Step.RESOLVED, on=1)).due is None


def test_each_standard_is_breached_at_its_own_time() -> None:
    customer = stranger.given(COMPLAINT)
    customer.when_time_comes().then(
        ComplaintStandardBreached(complaint="c7", standard=Standard.ACKNOWLEDGE, due=day(2))
    )
    customer.until(on=2).when_time_comes().then(
        ComplaintStandardBreached(complaint="c7", standard=Standard.RESOLVE, due=day(10))
    )
    assert customer.until(on=10).due is None


def test_a_reopened_complaint_may_breach_its_standard_again() -> None:
    customer = stranger.given(COMPLAINT).until(on=10).given(progress(Step.RESOLVED, on=11))
    customer.given(progress(Step.REOPENED, on=12)).when_time_comes().then(
        ComplaintStandardBreached(complaint="c7", standard=Standard.RESOLVE, due=day(22))
    )


def test_a_breach_at_the_time_of_an_earlier_one_is_another_cause() -> None:
    customer = stranger.given(COMPLAINT).until(on=10).given(progress(Step.RESOLVED, on=11))
    again = customer.given(progress(Step.REOPENED, on=0)).due
    assert again is not None
    assert ("complaint-standard-breached/c7/resolve/2", day(10)) == (again.what, again.at)


def test_an_open_complaint_is_not_reopened() -> None:
    stranger.given(COMPLAINT).when(progress(Step.REOPENED, on=1)).then_also()


def test_progress_of_a_complaint_nobody_heard_of_is_recorded_and_nothing_more() -> None:
    stranger.when(progress(Step.RESOLVED, on=1, about=Defector.PRICE)).then_also()


def test_several_complaints_run_their_own_courses() -> None:
    customer = stranger.given(COMPLAINT, received(Complaint(complaint="bill"), on=1))
    customer = customer.given(progress(Step.RESOLVED, on=2))
    customer.when(progress(Step.RESOLVED, on=3, complaint="bill")).then_also(
        ComplaintResolved(complaint="bill", days_open=2)
    )


def test_the_cause_of_a_complaint_is_established_when_a_channel_names_it() -> None:
    said = Complaint(complaint="bill", about=Defector.PRICE, words="Too dear.")
    stranger.when(received(said, evidence="shop|9")).then_also(
        ComplaintOpened(complaint="bill", acknowledge_by=day(2), resolve_by=day(10)),
        ComplaintCauseEstablished(about=Defector.PRICE, evidence="shop|9", complaint="bill", words="Too dear."),
    )


def test_a_cause_said_again_is_nothing_new_and_another_one_is() -> None:
    customer = stranger.given(COMPLAINT, progress(Step.ACKNOWLEDGED, on=1, about=Defector.PRICE))
    customer.when(progress(Step.ACKNOWLEDGED, on=2, about=Defector.PRICE)).then_also()
    customer.when(progress(Step.ACKNOWLEDGED, on=2, about=Defector.SERVICE)).then_also(
        ComplaintCauseEstablished(about=Defector.SERVICE, evidence="desk|acknowledged", complaint="c7")
    )


def test_of_the_resolved_the_oldest_is_forgotten_and_of_the_open_none() -> None:
    customer = stranger.given(COMPLAINT)
    for n in range(RESOLVED_REMEMBERED + 1):
        customer = customer.given(received(Complaint(complaint=f"m{n}")), progress(Step.RESOLVED, 1, complaint=f"m{n}"))
    assert list(customer.state.complaints.matters) == ["c7", *(f"m{n}" for n in range(1, RESOLVED_REMEMBERED + 1))]


def test_satisfaction_and_suggestions_are_kept_and_that_is_all() -> None:
    stranger.when(received(Satisfaction(score=80))).then_also()
    stranger.when(received(Suggestion(words="Longer hours."))).then_also()


def test_a_customer_who_lapsed_without_a_word_is_asked_why() -> None:
    stranger.when(LAPSED).then(EngagementEnded(), ExitInterviewSuggested())


def test_a_customer_who_told_us_why_before_is_not_asked() -> None:
    stranger.given(received(ExitInterview(reason=Defector.MARKET))).when(LAPSED).then(EngagementEnded())


def test_an_answer_to_the_question_does_not_answer_the_next_lapse() -> None:
    customer = stranger.given(LAPSED, received(ExitInterview(reason=Defector.MARKET), on=55))
    customer.when(LAPSED).then(EngagementEnded(), ExitInterviewSuggested())


def test_an_exit_interview_establishes_why() -> None:
    said = ExitInterview(reason=Defector.TECHNOLOGICAL, words="It no longer fits.")
    stranger.when(received(said, evidence="desk|3")).then_also(
        ComplaintCauseEstablished(about=Defector.TECHNOLOGICAL, evidence="desk|3", words="It no longer fits.")
    )


def test_a_look_at_what_nobody_waits_for_gives_nothing() -> None:
    stranger.given(COMPLAINT).when(Elapsed("complaint-standard-breached/c7/acknowledge/1", day(3))).then()
