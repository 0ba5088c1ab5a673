"""The published language of acquisition: where customers come from, and how far along they are."""

from enum import StrEnum
from typing import ClassVar

from pydantic import ConfigDict, Field

from shared.contracts.envelope import Fact, Input
from shared.contracts.values import Count, Defector, Minor, Model, Name, Stage, Words


class Origin(StrEnum):
    """The ten inputs of acquisition: what the person was to us when they came."""

    SUSPECT = "suspect"
    ENQUIRY = "enquiry"
    LAPSED_CUSTOMER = "lapsed-customer"
    FORMER_CUSTOMER = "former-customer"
    COMPETITORS_CUSTOMER = "competitors-customer"
    COMPETITORS_LAPSED_CUSTOMER = "competitors-lapsed-customer"
    COMPETITORS_ENQUIRY = "competitors-enquiry"
    COMPETITORS_FORMER_CUSTOMER = "competitors-former-customer"
    REFERRAL = "referral"
    EXISTING_CUSTOMER = "existing-customer"


class Stance(StrEnum):
    """How the person stands to the brand."""

    KNOWER = "knower"
    PREFERER = "preferer"
    INDIFFERENT = "indifferent"
    REJECTER = "rejecter"


class Campaign(Model):
    """A campaign that reached the person, and what they answered."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    responded: bool = Field(default=True, strict=True)
    cost_minor: Minor | None = Field(
        default=None, ge=0, description="cost of this contact, minor units of the currency"
    )
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")


class Enquiry(Input):
    """Somebody asked."""

    TYPE: ClassVar[str] = "tenure.enquiry.v1"
    origin: Origin = Origin.ENQUIRY
    stance: Stance | None = None
    topic: Name | None = None
    words: Words | None = None
    campaign: Campaign | None = None
    referred_by: Name | None = None


class RecordedCampaign(Campaign):
    """The same in a fact, where what a newer writer adds is ignored."""

    model_config = ConfigDict(extra="ignore")


class EnquiryRecorded(Enquiry, Fact):
    """An enquiry was taken; it says all that the channel said."""

    TYPE: ClassVar[str] = "tenure.enquiry-recorded.v1"
    campaign: RecordedCampaign | None = None


class ProspectOpened(Fact):
    """A course of acquisition began. A customer who lapsed and comes back begins another.

    `origin` is what the enquiry says, or `suspect` if the person came without one; after a lapse, what
    `acquisition-lost` said.
    """

    TYPE: ClassVar[str] = "tenure.prospect-opened.v1"
    origin: Origin
    course: Count = Field(description="1 for the first, 2 for the first after a lapse")


class StageEntered(Fact):
    """The prospect came one or more stages further; never back."""

    TYPE: ClassVar[str] = "tenure.stage-entered.v1"
    stage: Stage
    previous: Stage | None = None
    skipped: tuple[Stage, ...] = Field(default=(), description="stages passed over, in order; said, never hidden")
    days_in_previous: Count | None = Field(default=None, description="whole days; none: there was no stage before")


class AcquisitionLost(Fact):
    """A customer who had been won is one no longer; the next course begins from `origin`."""

    TYPE: ClassVar[str] = "tenure.acquisition-lost.v1"
    origin: Origin
    defector: Defector | None = None


INPUTS: tuple[type[Input], ...] = (Enquiry,)
RECORDED_AS: dict[type[Input], type[Fact]] = {Enquiry: EnquiryRecorded}
FACTS: tuple[type[Fact], ...] = (EnquiryRecorded, ProspectOpened, StageEntered, AcquisitionLost)
