"""Bases in which some customers change on purpose: which signs are told of whom, and how many of them are false?

A fifth of the customers changes in each stream within a year and a half, and a tenth writes and calls no more at once.
The changes are drawn, not chosen: somebody may leave before theirs, or have done nothing that could grow less.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.analytics.replay import Score
from services.analytics.rules import Rules
from services.analytics.state import DAY
from shared.contracts.analytics import Alert, Sign
from shared.contracts.envelope import Inbound
from shared.contracts.values import to_micros
from tests.unit.attrition import BEGINNING, day
from tests.unit.bases import RULES, happened, name, told
from tests.unit.planted import RATES, Change, Planted, Shape, plant

UNTIL = 560
NEVER = 10**6  # days
BURN_IN, REARM, MONTH = 90, 90, 30.4375  # days: not judged at first; told again is no other alarm
IN_TIME = 120  # days after the change
SHARES = {"contact": 0.2, "enquiry": 0.2, "complaint": 0.2, "purchase": 0.2}
BOTH = 0.1  # contacts and enquiries at once
FIRST, LAST = 150, 500  # day on which a change may begin
FACTORS = {"complaint": (4, 20), "purchase": (0.6, 0.6)}  # times what was usual, from and to; of the others 0 to 0.4
SMALLER = 0.4  # times the usual ticket, with fewer purchases
STREAMS = {  # whose change a sign tells of
    Sign.CONTACT_DECLINE: ("contact",),
    Sign.ENQUIRY_DECLINE: ("enquiry",),
    Sign.COMMUNICATION_DECLINE: ("contact", "enquiry"),
    Sign.COMPLAINT_INCREASE: ("complaint",),
    Sign.VOLUME_DECLINE: ("purchase",),
    Sign.LAPSE: ("contact", "enquiry", "purchase"),
}

Since = Mapping[str, int]  # stream -> day from which on one customer has changed


@dataclass(frozen=True)
class Judged:
    first: Mapping[str, float]  # customer -> day of the first event
    changed: Mapping[tuple[str, Sign], float]  # day of whatever changes what the sign is of
    meant: Mapping[tuple[str, Sign], float]  # day of the change that the sign is the name of
    told: Mapping[tuple[str, Sign], Mapping[float, float]]  # day -> P(change), in order


def judged_base(seed: int, shape: Shape, rules: Rules = RULES) -> Judged:
    """A base of that seed in which customers change."""
    since = _changes(np.random.default_rng([seed, 3]), shape.customers)
    return judged_on(_changed_base(seed, since, shape), since, rules)


def _changes(rng: np.random.Generator, customers: int) -> list[Since]:
    """Of each customer the streams that change, and on which day."""
    since = [
        {s: int(rng.integers(FIRST, LAST)) for s, share in SHARES.items() if rng.random() < share}
        for _ in range(customers)
    ]
    for of in since:
        if rng.random() < BOTH:
            of["contact"] = of["enquiry"] = int(rng.integers(FIRST, LAST))
    return [*since]


def _changed_base(seed: int, since: Sequence[Since], shape: Shape) -> Planted:
    rng = np.random.default_rng([seed, 4])
    planted = [
        Change([n], at, rng.uniform(*FACTORS.get(stream, (0, 0.4))), stream=stream)
        for n, of in enumerate(since)
        for stream, at in of.items()
    ]
    base = plant(seed, *planted, shape=shape, streams=tuple(RATES))
    bought, less = base.streams["purchase"], np.array([of.get("purchase", NEVER) for of in since])
    amount = np.where(bought.day < less[bought.customer], bought.amount, (bought.amount * SMALLER).astype(int) + 1)
    return replace(base, streams={**base.streams, "purchase": replace(bought, amount=amount)})


def judged_on(base: Planted, since: Sequence[Since], rules: Rules = RULES) -> Judged:
    events = happened(base, until=UNTIL)
    alerts = [said for said in told(events, until=day(UNTIL), rules=rules) if not isinstance(said, Score)]
    who = [(n, sign) for n in range(len(since)) for sign in STREAMS]
    return Judged(
        first={event.subject: _day(event) for event in reversed(events)},
        changed={(name(n), sign): _changed(int(base.death[n]), since[n], sign) for n, sign in who},
        meant={(name(n), sign): _meant(int(base.death[n]), since[n], sign) for n, sign in who},
        told=_told(alerts),
    )


def _changed(death: int, of: Since, sign: Sign) -> float:
    """Who leaves for good changes in everything but complaints."""
    leaves = NEVER if sign is Sign.COMPLAINT_INCREASE else death
    return min(leaves, *(of.get(stream, NEVER) for stream in STREAMS[sign]))


def _meant(death: int, of: Since, sign: Sign) -> float:
    """A lapse is that somebody leaves; whoever ends both at once has a decline of communication, of neither alone."""
    if sign is Sign.LAPSE:
        return death
    days = {of.get(stream, NEVER) for stream in STREAMS[sign]}
    is_both = of.get("contact") == of.get("enquiry")
    if len(days) > 1 or (is_both and sign in (Sign.CONTACT_DECLINE, Sign.ENQUIRY_DECLINE)):
        return NEVER
    return days.pop()


def _day(event: Inbound) -> float:
    return (to_micros(event.time) - BEGINNING) / DAY


def _told(alerts: Iterable[Alert]) -> dict[tuple[str, Sign], dict[float, float]]:
    found = dict[tuple[str, Sign], dict[float, float]]()
    for alert in alerts:
        for proof in alert.data.signs:
            if proof.told_at is not None and proof.probability is not None:
                at = (to_micros(proof.told_at) - BEGINNING) / DAY
                found.setdefault((alert.subject, proof.sign), {}).setdefault(at, proof.probability)
    return found


def false_in_1000_months(bases: Sequence[Judged], sign: Sign) -> float:
    """Signs of customers in whom nothing has changed yet, whom we have known for a while."""
    found = [_false_and_months(judged, sign) for judged in bases]
    months = sum(months for _, months in found)
    assert months > 1000
    return sum(false for false, _ in found) / months * 1000


def _false_and_months(judged: Judged, sign: Sign) -> tuple[int, float]:
    false, months = 0, 0.0
    for who, first in judged.first.items():
        since = judged.changed[who, sign]
        months += max(0.0, min(since, UNTIL) - first - BURN_IN) / MONTH
        last = -float(NEVER)
        for at in sorted(judged.told.get((who, sign), {})):
            if first + BURN_IN <= at < since and at - last >= REARM:
                false, last = false + 1, at
    return false, months


def found_in_time(bases: Sequence[Judged], sign: Sign) -> float:
    """Share of the changes that the sign is the name of, of customers whom we had known for a while."""
    found = [
        any(since <= at <= since + IN_TIME for at in judged.told.get((who, sign), {}))
        for judged in bases
        for who, first in judged.first.items()
        if first + BURN_IN <= (since := judged.meant[who, sign]) <= UNTIL - IN_TIME
    ]
    return sum(found) / len(found)
