"""What is to be known of a customer at a glance?

`evolve` gives the view after one more entry: pure and total. Promise: producers may come in any merge; only the order
within one producer counts, and a late event changes what it says and nothing else. So every part below either belongs
to one producer or is a sum, a first or a last by time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace
from pydantic import ValidationError

from services.projection.attrition import AlertView, alert_after
from services.projection.care import Complaints, FollowUps, after_matter, after_promise
from services.projection.timeline import Entry, Place, place_of
from shared.contracts import acquisition, interaction, retention
from shared.contracts.analytics import ALERT_TYPES, AttritionAlert
from shared.contracts.envelope import Fact, Input, Problem, Unreadable
from shared.contracts.values import Direction, Model

VERSION = "3"  # of the view and its fold: a stored view of another version is folded anew from the entries

_TYPES: Mapping[str, type[Model]] = {
    fact.TYPE: fact for fact in (*acquisition.FACTS, *interaction.FACTS, *retention.FACTS)
} | dict(ALERT_TYPES)


class Mark(msgspec.Struct, frozen=True):
    """A word, and the entry that says it."""

    word: str
    place: Place


class Acquisition(msgspec.Struct, frozen=True):
    """Where the customer comes from, and how far along. Times in microseconds since 1970, here and below."""

    origin: str | None = None
    stage: str | None = None
    stage_since: int | None = None
    course: int = 0


class Purchases(msgspec.Struct, frozen=True):
    count: int = 0
    first_at: int | None = None
    last_at: int | None = None
    spend: dict[str, int] = {}  # currency -> minor units

    @property
    def rhythm_days(self) -> float | None:
        """Mean gap between two purchases; none before the second."""
        if self.count < 2 or self.first_at is None or self.last_at is None:
            return None
        return (self.last_at - self.first_at) / (self.count - 1) / 86_400_000_000


class Contacts(msgspec.Struct, frozen=True):
    inbound: int = 0
    outbound: int = 0
    last_inbound_at: int | None = None
    last_outbound_at: int | None = None


class Satisfaction(msgspec.Struct, frozen=True):
    count: int = 0
    total: int = 0
    last_score: int | None = None
    last_at: int | None = None

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None


class Lapse(msgspec.Struct, frozen=True):
    since: int | None = None  # none: not lapsed
    basis: str | None = None
    defector: str | None = None
    times: int = 0
    returned_at: int | None = None

    @property
    def lapsed(self) -> bool:
        return self.since is not None


class View(msgspec.Struct, frozen=True):
    counts: dict[str, int] = {}  # type -> entries of it
    first_event_at: int | None = None  # events are what channels recorded; what services derive is none
    last_event_at: int | None = None
    source: Mark | None = None  # of the earliest event
    segment: Mark | None = None  # as last said
    account: Mark | None = None
    campaign: Mark | None = None
    acquisition: Acquisition = Acquisition()
    purchases: Purchases = Purchases()
    contacts: Contacts = Contacts()
    complaints: Complaints = Complaints()
    follow_ups: FollowUps = FollowUps()
    satisfaction: Satisfaction = Satisfaction()
    lapse: Lapse = Lapse()
    alerts: dict[str, AlertView] = {}  # rules -> the newest of that version of the rules

    @property
    def alert(self) -> AlertView | None:
        """The newest of all rules."""
        return max(self.alerts.values(), key=lambda a: (a.as_of, a.rules), default=None)

    @property
    def open_alert(self) -> AlertView | None:
        return self.alert if self.alert is not None and self.alert.is_open else None

    @property
    def risk(self) -> float | None:
        return self.alert.risk if self.alert is not None else None


def interpret(entry: Entry) -> Model | Unreadable | None:
    """What the entry says, or what is wrong with it. None: a type that changes nothing here, or a newer release's."""
    model = _TYPES.get(entry.type)
    if model is None:
        return None
    try:
        return model.model_validate_json(entry.data)
    except ValidationError as error:
        problems = [Problem(".".join(map(str, ("data", *e["loc"]))), e["msg"]) for e in error.errors(include_url=False)]
        return Unreadable("invalid-data", problems)


def fold(view: View, entries: Iterable[Entry]) -> View:
    for entry in entries:
        view = evolve(view, entry, interpret(entry))
    return view


def evolve(view: View, entry: Entry, said: Model | Unreadable | None) -> View:
    """`said` is what `interpret` answers. An entry that says nothing readable is counted and changes nothing else."""
    changed: dict[str, Any] = {"counts": {**view.counts, entry.type: view.counts.get(entry.type, 0) + 1}}
    if isinstance(said, Input):
        changed |= _after_event(view, entry, said)
    if (part := _PARTS.get(type(said))) is not None:
        name, after = part
        changed[name] = after(getattr(view, name), said, entry)
    return replace(view, **changed)


def _after_event(view: View, entry: Entry, said: Input) -> dict[str, Any]:
    source = (entry.input or "").partition("|")[0]
    return {
        "first_event_at": _first(view.first_event_at, entry.at),
        "last_event_at": _last(view.last_event_at, entry.at),
        "source": _earlier(view.source, source, entry),
        "segment": _later(view.segment, said.segment, entry),
        "account": _later(view.account, said.account, entry),
    }


def _after_alert(before: dict[str, AlertView], said: AttritionAlert, entry: Entry) -> dict[str, AlertView]:
    return {**before, said.rules: alert_after(before.get(said.rules), said, entry)}


def _after_enquiry(before: Mark | None, said: acquisition.EnquiryRecorded, entry: Entry) -> Mark | None:
    return before if said.campaign is None else _later(before, said.campaign.name, entry)


def _after_purchase(before: Purchases, said: retention.PurchaseRecorded, entry: Entry) -> Purchases:
    return Purchases(
        count=before.count + 1,
        first_at=_first(before.first_at, entry.at),
        last_at=_last(before.last_at, entry.at),
        spend={**before.spend, said.currency: before.spend.get(said.currency, 0) + said.amount_minor},
    )


def _after_contact(before: Contacts, said: interaction.ContactRecorded, entry: Entry) -> Contacts:
    if said.direction is Direction.INBOUND:
        return replace(before, inbound=before.inbound + 1, last_inbound_at=_last(before.last_inbound_at, entry.at))
    return replace(before, outbound=before.outbound + 1, last_outbound_at=_last(before.last_outbound_at, entry.at))


def _after_survey(before: Satisfaction, said: interaction.SatisfactionRecorded, entry: Entry) -> Satisfaction:
    after = replace(before, count=before.count + 1, total=before.total + said.score)
    if before.last_at is not None and entry.at < before.last_at:
        return after
    return replace(after, last_score=said.score, last_at=entry.at)


def _after_step(before: Acquisition, said: Fact, entry: Entry) -> Acquisition:
    match said:
        case acquisition.ProspectOpened(origin=origin, course=course):
            return Acquisition(origin=origin, course=course)
        case acquisition.StageEntered(stage=stage):
            return replace(before, stage=stage, stage_since=entry.at)
        case acquisition.AcquisitionLost(origin=origin):
            return replace(before, origin=origin, stage=None, stage_since=None)
        case _:
            return before


def _after_lapse(before: Lapse, said: Fact, entry: Entry) -> Lapse:
    match said:
        case retention.Lapsed(basis=basis, defector=defector):
            times, returned_at = before.times + 1, before.returned_at
            return Lapse(since=entry.at, basis=basis, defector=defector, times=times, returned_at=returned_at)
        case retention.DefectorClassified(defector=defector):
            return replace(before, defector=defector)
        case retention.Returned():
            return Lapse(times=before.times, returned_at=entry.at)
        case _:
            return before


def _first(before: int | None, at: int) -> int:
    return at if before is None else min(before, at)


def _last(before: int | None, at: int) -> int:
    return at if before is None else max(before, at)


def _later(before: Mark | None, word: str | None, entry: Entry) -> Mark | None:
    if not word:
        return before
    place = place_of(entry)
    return Mark(word, place) if before is None or place > before.place else before


def _earlier(before: Mark | None, word: str | None, entry: Entry) -> Mark | None:
    if not word:
        return before
    place = place_of(entry)
    return Mark(word, place) if before is None or place < before.place else before


_After = Callable[[Any, Any, Entry], Any]
_BY_PART: Mapping[str, tuple[_After, Sequence[type[Model]]]] = {
    "alerts": (_after_alert, tuple(ALERT_TYPES.values())),
    "purchases": (_after_purchase, (retention.PurchaseRecorded,)),
    "contacts": (_after_contact, (interaction.ContactRecorded,)),
    "satisfaction": (_after_survey, (interaction.SatisfactionRecorded,)),
    "campaign": (_after_enquiry, (acquisition.EnquiryRecorded,)),
    "acquisition": (
        _after_step,
        (acquisition.ProspectOpened, acquisition.StageEntered, acquisition.AcquisitionLost),
    ),
    "complaints": (
        lambda before, said, entry: after_matter(before, said, entry.at),
        (
            interaction.ComplaintOpened,
            interaction.ComplaintAcknowledged,
            interaction.ComplaintResolved,
            interaction.ComplaintReopened,
            interaction.ComplaintStandardBreached,
        ),
    ),
    "follow_ups": (
        lambda before, said, _: after_promise(before, said),
        (interaction.FollowUpPromised, interaction.FollowUpKept, interaction.FollowUpMissed),
    ),
    "lapse": (_after_lapse, (retention.Lapsed, retention.DefectorClassified, retention.Returned)),
}
_PARTS: Mapping[type, tuple[str, _After]] = {
    model: (part, after) for part, (after, models) in _BY_PART.items() for model in models
}
"""Which part of the view a fact changes, and how: at most one, which is found by its type."""
