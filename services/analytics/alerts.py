"""What becomes of a customer's alert when signs come up and go down, and when somebody takes it in hand?

In: the life of the alert so far, the signs that are up, an instant. Out: at most one transition; the life is changed
with it. A sign is said once an episode, unless it is taken out of what has been said, and nothing is cleared before it
has been calm for the dwell time, so a customer who swings around a threshold for a month gives one alert. A purchase
that takes every sign down ends it at once; a lapse, declared or evident, when there was time enough to win them back.
"""

from enum import Enum

from services.analytics.record import Observation
from services.analytics.rules import Rules
from services.analytics.state import DAY, NEVER, Customer, Life, heard_at
from shared.contracts.analytics import alert_id

COMMANDS = ("alert-acknowledged", "alert-snoozed")


class Transition(Enum):
    """Why a message is written. Several reasons may lead to one kind of message."""

    RAISED = "raised"
    JOINED = "another sign joined"
    CROSSED_AGAIN = "up again soon after it was cleared"
    SNOOZE_ENDED = "still up when the snooze ended"
    CALMED = "nothing has been up for the dwell time"
    BACK = "the customer is back, and nothing is up any more"
    LAPSED = "the customer has lapsed"
    ACKNOWLEDGED = "somebody took it in hand"
    SNOOZED = "somebody asked for quiet"


def judged(
    life: Life,
    up: int,
    at: int,
    sequence: int,
    rules: Rules,
    *,
    is_heard: bool = False,
    is_back: bool = False,
    is_admitted: bool = True,
) -> Transition | None:
    """After the detectors: `up` has a bit for each sign. `sequence` is the number that a message would have.
    `is_heard`: something has come of the customer, `is_back`: and it is an occasion. `is_admitted`: there is a place
    for another alert."""
    life.is_over = life.is_over and not is_heard
    if life.is_over:
        life.reasons = up  # what is still up when something is heard of them is no news
        return None
    if not life.is_open:
        life.reasons &= up
        return _opened(life, up, at, sequence, rules) if is_admitted and waits(life, up) else None
    if up:
        life.calm_since = NEVER
        return _still_up(life, up, at)
    if is_back:
        return _closed(life, at, Transition.BACK)
    life.calm_since = min(life.calm_since, at)
    return _closed(life, at, Transition.CALMED) if at - life.calm_since >= _dwell(rules) else None


def waits(life: Life, up: int) -> bool:
    """A sign is up that no alert has told."""
    return not (life.is_open or life.is_over) and up & ~life.reasons > 0


def lapsed(life: Life) -> Transition | None:
    """The customer is gone: the alert is over, and if they come back it is another story."""
    was_open, life.is_over = life.is_open, True
    _closed(life, -NEVER, Transition.LAPSED)
    return Transition.LAPSED if was_open else None


def commanded(life: Life, o: Observation, at: int, sequence: int, rules: Rules) -> Transition | None:
    """An acknowledgement or a snooze. One that is meant for another alert, or comes too late, changes nothing."""
    if o.kind not in COMMANDS or not (life.is_open and _means(life, o, sequence, rules)):
        return None
    if o.kind == "alert-acknowledged" and not life.is_acknowledged:
        life.is_acknowledged = True
        return Transition.ACKNOWLEDGED
    if o.kind == "alert-snoozed" and o.until is not None and o.until > at and o.until != life.snoozed_until:
        life.snoozed_until = min(o.until, NEVER)
        return Transition.SNOOZED
    return None


def awaits(life: Life, rules: Rules) -> int:
    """The next instant at which the life may change by time alone."""
    if not life.is_open:
        return NEVER
    if life.calm_since < NEVER:
        return life.calm_since + _dwell(rules)
    return life.snoozed_until or NEVER


def ends_at(c: Customer, rules: Rules) -> int:
    """When an alert is over though signs are up: there was time to win them back since a declared lapse, or nothing has
    been heard of them for long, and all that while there was an alert."""
    gone = c.lapsed_at if c.lapsed_at is not None else max(c.life.turned_at, heard_at(c))
    return gone + round(rules.give_up_days * DAY)


def _opened(life: Life, up: int, at: int, sequence: int, rules: Rules) -> Transition:
    again = life.episode > 0 and at - life.turned_at <= round(rules.reopen_days * DAY)
    life.episode = life.episode if again else sequence
    life.is_open, life.is_acknowledged, life.snoozed_until, life.calm_since = True, False, 0, NEVER
    life.turned_at, life.reasons = at, up
    return Transition.CROSSED_AGAIN if again else Transition.RAISED


def _still_up(life: Life, up: int, at: int) -> Transition | None:
    if life.snoozed_until > at:
        return None
    ended, joined = life.snoozed_until > 0, up & ~life.reasons
    life.snoozed_until = 0
    life.reasons |= up
    if ended:
        return Transition.SNOOZE_ENDED
    return Transition.JOINED if joined else None


def _closed(life: Life, cleared_at: int, why: Transition) -> Transition:
    life.is_open, life.is_acknowledged, life.snoozed_until, life.calm_since = False, False, 0, NEVER
    life.turned_at, life.reasons = cleared_at, 0
    return why


def _means(life: Life, o: Observation, sequence: int, rules: Rules) -> bool:
    """The id of any message of this episode will do: of an open alert they run without a gap to the newest one."""
    prefix, _, number = (o.alert or "").rpartition("/")
    same_customer = prefix == alert_id(rules.name, o.customer, 0).rpartition("/")[0]
    return same_customer and number.isdecimal() and life.episode <= int(number) < sequence


def _dwell(rules: Rules) -> int:
    return round(rules.dwell_days * DAY)
