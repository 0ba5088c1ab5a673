"""How acquisition follows a person from the first sign to adoption, loses them, and begins again."""

from hypothesis import given, settings
from hypothesis import strategies as st

from services.acquisition.decider import STAGES, decider
from shared.contracts.acquisition import (
    AcquisitionLost,
    Campaign,
    Enquiry,
    EnquiryRecorded,
    Origin,
    ProspectOpened,
    RecordedCampaign,
    StageEntered,
)
from shared.contracts.interaction import EngagementDeepened
from shared.contracts.protocol import Redrive
from shared.contracts.retention import Basis, FirstPurchase, Lapsed, Returned
from shared.contracts.values import Defector, Stage
from tests.specification import Specification, observed, received
from tests.strategies import causes_of

DECIDER = decider()
stranger = Specification.of(DECIDER)

ENQUIRY = received(Enquiry(), on=0)
FIRST_PURCHASE = observed(FirstPurchase(), on=9)
LAPSED = observed(Lapsed(basis=Basis.SILENCE, defector=Defector.PRICE), on=400)
RETURNED = observed(Returned(away_days=30), on=430)


def test_the_first_enquiry_opens_a_prospect_with_the_origin_it_names() -> None:
    stranger.when(received(Enquiry(origin=Origin.COMPETITORS_CUSTOMER))).then_also(
        ProspectOpened(origin=Origin.COMPETITORS_CUSTOMER, course=1),
        StageEntered(stage=Stage.ENQUIRY, previous=None),
    )


def test_an_enquiry_is_recorded_with_its_campaign() -> None:
    asked = Enquiry(topic="tents", campaign=Campaign(name="spring", cost_minor=120, currency="EUR"))
    expected = EnquiryRecorded(topic="tents", campaign=RecordedCampaign(name="spring", cost_minor=120, currency="EUR"))
    assert stranger.when(received(asked)).facts[0] == expected


def test_a_second_enquiry_is_recorded_and_moves_nothing() -> None:
    stranger.given(ENQUIRY).when(ENQUIRY).then(EnquiryRecorded())


def test_a_contact_leads_on_and_says_how_long_the_stage_before_took() -> None:
    stranger.given(ENQUIRY).when(observed(EngagementDeepened(stage=Stage.INTERACTION), on=3.5)).then(
        StageEntered(stage=Stage.INTERACTION, previous=Stage.ENQUIRY, days_in_previous=3)
    )


def test_a_purchase_right_after_the_enquiry_says_which_stages_were_skipped() -> None:
    stranger.given(ENQUIRY).when(FIRST_PURCHASE).then(
        StageEntered(
            stage=Stage.ADOPTION,
            previous=Stage.ENQUIRY,
            skipped=(Stage.INTERACTION, Stage.EXCHANGE, Stage.COORDINATION),
            days_in_previous=9,
        )
    )


def test_who_buys_without_a_word_before_was_a_suspect() -> None:
    stranger.when(FIRST_PURCHASE).then(
        ProspectOpened(origin=Origin.SUSPECT, course=1),
        StageEntered(stage=Stage.ADOPTION, previous=None, skipped=STAGES[:-1]),
    )


def test_a_stage_behind_the_present_one_is_never_entered() -> None:
    stranger.given(FIRST_PURCHASE).when(observed(EngagementDeepened(stage=Stage.EXCHANGE), on=10)).then()


def test_a_contact_heard_late_leaves_no_negative_time_in_a_stage() -> None:
    stranger.given(received(Enquiry(), on=5)).when(observed(EngagementDeepened(stage=Stage.INTERACTION), on=1)).then(
        StageEntered(stage=Stage.INTERACTION, previous=Stage.ENQUIRY, days_in_previous=0)
    )


def test_a_customer_who_lapses_is_lost_with_the_cause() -> None:
    stranger.given(FIRST_PURCHASE).when(LAPSED).then(
        AcquisitionLost(origin=Origin.LAPSED_CUSTOMER, defector=Defector.PRICE)
    )


def test_the_lost_are_not_lost_again() -> None:
    stranger.given(FIRST_PURCHASE, LAPSED).when(LAPSED).then()


def test_the_next_enquiry_of_a_lapsed_customer_begins_another_course() -> None:
    stranger.given(FIRST_PURCHASE, LAPSED).when(received(Enquiry(), on=410)).then_also(
        ProspectOpened(origin=Origin.LAPSED_CUSTOMER, course=2),
        StageEntered(stage=Stage.ENQUIRY, previous=None),
    )


def test_a_return_without_a_word_before_is_another_course_won_at_once() -> None:
    stranger.given(FIRST_PURCHASE, LAPSED).when(RETURNED).then(
        ProspectOpened(origin=Origin.LAPSED_CUSTOMER, course=2),
        StageEntered(stage=Stage.ADOPTION, previous=None, skipped=STAGES[:-1]),
    )


def test_who_lapses_a_second_time_is_a_former_customer() -> None:
    stranger.given(FIRST_PURCHASE, LAPSED, RETURNED).when(LAPSED).then(
        AcquisitionLost(origin=Origin.FORMER_CUSTOMER, defector=Defector.PRICE)
    )


def test_a_customer_of_before_our_time_who_lapsed_comes_back_in_a_second_course() -> None:
    stranger.given(LAPSED).when(RETURNED).then(
        ProspectOpened(origin=Origin.LAPSED_CUSTOMER, course=2),
        StageEntered(stage=Stage.ADOPTION, previous=None, skipped=STAGES[:-1]),
    )


def test_what_is_not_an_enquiry_gives_nothing() -> None:
    stranger.when(received(Redrive())).then()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(causes_of(DECIDER.name, *sorted(DECIDER.reacts_to)), max_size=12))
def test_stages_only_run_forward_within_a_course(history: list) -> None:  # type: ignore[type-arg]
    customer, reached = stranger, -1
    for cause in history:
        for fact in customer.when(cause).facts:
            if isinstance(fact, ProspectOpened | AcquisitionLost):
                reached = -1
            if isinstance(fact, StageEntered):
                assert STAGES[reached + 1 : STAGES.index(fact.stage)] == fact.skipped
                reached = STAGES.index(fact.stage)
        customer = customer.given(cause)
