"""The published language of interaction: contacts on every route, complaints and their course, what customers say."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints, model_validator

from shared.contracts.envelope import Fact, Input
from shared.contracts.values import MAX_ID, CleanText, Count, Defector, Direction, Name, Stage, UtcTime, Words

MAX_MATTER = 2 * MAX_ID + 1  # characters: at its longest the whole `source|id` of the complaint that opened it
Matter = Annotated[CleanText, StringConstraints(strict=True, min_length=1, max_length=MAX_MATTER)]


class Route(StrEnum):
    """Every way in which a customer and we meet. Online: e-mail to community; the others are offline."""

    EMAIL = "email"
    CHAT = "chat"
    WEB = "web"
    COMMUNITY = "community"
    TELEPHONE = "telephone"
    FAX = "fax"
    MAIL = "mail"
    TELEVISION = "television"
    VISIT = "visit"


class Purpose(StrEnum):
    """What a contact was for. Three of them carry an acquisition further."""

    CONVERSATION = "conversation"
    OFFER = "offer"  # what each side can give: exchange
    AGREEMENT = "agreement"  # terms, dates, delivery: coordination
    SERVICE = "service"
    MARKETING = "marketing"
    FOLLOW_UP = "follow-up"


class Step(StrEnum):
    """What can happen to an open complaint."""

    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    REOPENED = "reopened"


class Contact(Input):
    """The customer and we met, whoever began."""

    TYPE: ClassVar[str] = "tenure.contact.v1"
    route: Route | None = Field(default=None, description="none: the channel cannot say")
    direction: Direction = Direction.INBOUND
    purpose: Purpose = Purpose.CONVERSATION
    handled_by: Name | None = Field(default=None, description="a third party: the contact was outsourced to it")
    answers: Name | None = Field(default=None, description="id of the contact that this one answers")
    follow_up_by: UtcTime | None = Field(default=None, description="we promised to be in touch again by then")
    words: Words | None = None


class Complaint(Input):
    """The customer complained. `complaint` names the matter, so that later steps find it.

    A complaint that names none opens a matter of its own, named by the event's id (if that is taken, by `source|id`).
    One that names an open matter is said again; one that names a resolved matter opens it again.
    """

    TYPE: ClassVar[str] = "tenure.complaint.v1"
    complaint: Matter | None = None
    route: Route | None = None
    direction: Direction = Direction.INBOUND
    about: Defector | None = Field(default=None, description="its cause, where the channel knows it")
    words: Words | None = Field(default=None, description="in the customer's own words")


class ComplaintProgress(Input):
    """A step in the course of a complaint."""

    TYPE: ClassVar[str] = "tenure.complaint-progress.v1"
    complaint: Matter
    step: Step
    about: Defector | None = Field(default=None, description="its cause, once that is established")
    words: Words | None = None


class Satisfaction(Input):
    """The customer's answer to a survey: 0 is the worst, 100 the best."""

    TYPE: ClassVar[str] = "tenure.satisfaction.v1"
    score: int = Field(ge=0, le=100, strict=True)
    survey: Name | None = None
    words: Words | None = None


class Suggestion(Input):
    """The customer said what could be better."""

    TYPE: ClassVar[str] = "tenure.suggestion.v1"
    words: Words


class ExitInterview(Input):
    """A customer who left told us why."""

    TYPE: ClassVar[str] = "tenure.exit-interview.v1"
    reason: Defector
    words: Words | None = None
    would_return: bool | None = Field(default=None, strict=True)


class ContactRecorded(Contact, Fact):
    TYPE: ClassVar[str] = "tenure.contact-recorded.v1"


class ComplaintRecorded(Complaint, Fact):
    TYPE: ClassVar[str] = "tenure.complaint-recorded.v1"


class ComplaintProgressRecorded(ComplaintProgress, Fact):
    TYPE: ClassVar[str] = "tenure.complaint-progress-recorded.v1"


class SatisfactionRecorded(Satisfaction, Fact):
    TYPE: ClassVar[str] = "tenure.satisfaction-recorded.v1"


class SuggestionRecorded(Suggestion, Fact):
    TYPE: ClassVar[str] = "tenure.suggestion-recorded.v1"


class ExitInterviewRecorded(ExitInterview, Fact):
    TYPE: ClassVar[str] = "tenure.exit-interview-recorded.v1"


class EngagementDeepened(Fact):
    """The first contact that carries an acquisition to this stage; said once per stage and course.

    A cause for acquisition.
    """

    TYPE: ClassVar[str] = "tenure.engagement-deepened.v1"
    stage: Stage

    @model_validator(mode="after")
    def _only_by_contact(self) -> "EngagementDeepened":
        if self.stage in (Stage.ENQUIRY, Stage.ADOPTION):
            raise ValueError("a contact leads to interaction, exchange or coordination")
        return self


class EngagementEnded(Fact):
    """The customer lapsed: the next contact is the first of another course."""

    TYPE: ClassVar[str] = "tenure.engagement-ended.v1"


class FollowUpPromised(Fact):
    TYPE: ClassVar[str] = "tenure.follow-up-promised.v1"
    due: UtcTime


class FollowUpKept(Fact):
    """We were in touch before the promised time was over."""

    TYPE: ClassVar[str] = "tenure.follow-up-kept.v1"
    due: UtcTime


class FollowUpMissed(Fact):
    """The promised time passed without a contact from us. Dated at that time, decided by the clock."""

    TYPE: ClassVar[str] = "tenure.follow-up-missed.v1"
    due: UtcTime


class ComplaintOpened(Fact):
    TYPE: ClassVar[str] = "tenure.complaint-opened.v1"
    complaint: str
    acknowledge_by: UtcTime
    resolve_by: UtcTime


class ComplaintAcknowledged(Fact):
    TYPE: ClassVar[str] = "tenure.complaint-acknowledged.v1"
    complaint: str


class ComplaintResolved(Fact):
    TYPE: ClassVar[str] = "tenure.complaint-resolved.v1"
    complaint: str
    days_open: Count = Field(description="whole days since it was opened, or last opened again")


class ComplaintReopened(Fact):
    TYPE: ClassVar[str] = "tenure.complaint-reopened.v1"
    complaint: str
    times: Count = Field(description="how often by now")
    resolve_by: UtcTime


class Standard(StrEnum):
    """What the service standard promises of a complaint."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


class ComplaintStandardBreached(Fact):
    """A promised time passed with the complaint still waiting. Dated at that time, decided by the clock."""

    TYPE: ClassVar[str] = "tenure.complaint-standard-breached.v1"
    complaint: str
    standard: Standard
    due: UtcTime


class ComplaintCauseEstablished(Fact):
    """Why a customer complains or left, by a complaint or by an exit interview. A cause for retention."""

    TYPE: ClassVar[str] = "tenure.complaint-cause-established.v1"
    about: Defector
    evidence: str = Field(description="source|id of the channel's event that says so")
    complaint: str | None = Field(default=None, description="the matter; none: said in an exit interview")
    words: Words | None = None


class ExitInterviewSuggested(Fact):
    """A customer lapsed and has not yet told us why."""

    TYPE: ClassVar[str] = "tenure.exit-interview-suggested.v1"


INPUTS: tuple[type[Input], ...] = (Contact, Complaint, ComplaintProgress, Satisfaction, Suggestion, ExitInterview)
RECORDED_AS: dict[type[Input], type[Fact]] = {
    Contact: ContactRecorded,
    Complaint: ComplaintRecorded,
    ComplaintProgress: ComplaintProgressRecorded,
    Satisfaction: SatisfactionRecorded,
    Suggestion: SuggestionRecorded,
    ExitInterview: ExitInterviewRecorded,
}
FACTS: tuple[type[Fact], ...] = (
    ContactRecorded,
    ComplaintRecorded,
    ComplaintProgressRecorded,
    SatisfactionRecorded,
    SuggestionRecorded,
    ExitInterviewRecorded,
    EngagementDeepened,
    EngagementEnded,
    FollowUpPromised,
    FollowUpKept,
    FollowUpMissed,
    ComplaintOpened,
    ComplaintAcknowledged,
    ComplaintResolved,
    ComplaintReopened,
    ComplaintStandardBreached,
    ComplaintCauseEstablished,
    ExitInterviewSuggested,
)
