"""How sure may one be of a sign? In bases with planted changes, P(change) is held against what has truly changed.

A probability is right only where paces change about as often as in the bases that the rules were made for: a fifth of
the customers changes in a year and a half, in each stream.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from services.analytics.replay import Score
from services.analytics.state import DAY
from shared.contracts.analytics import Alert, Sign
from shared.contracts.envelope import Inbound
from shared.contracts.values import to_micros
from tests.unit.attrition import BEGINNING, day
from tests.unit.bases import happened, name, told
from tests.unit.planted import RATES, Change, Planted, Shape, plant

SEEDS, CUSTOMERS, UNTIL = (2, 3, 4), 600, 560
NEVER = 10**6  # days
BURN_IN, REARM, MONTH = 90, 90, 30.4375  # days: not judged at first; told again is no other alarm
SHARES = {"contact": 0.2, "enquiry": 0.2, "complaint": 0.2, "purchase": 0.2}
BOTH = 0.1  # contacts and enquiries at once
SMALLER = 0.4  # times the usual ticket, with fewer purchases
STREAMS = {  # whose change a sign tells of
    Sign.CONTACT_DECLINE: ("contact",),
    Sign.ENQUIRY_DECLINE: ("enquiry",),
    Sign.COMMUNICATION_DECLINE: ("contact", "enquiry"),
    Sign.COMPLAINT_INCREASE: ("complaint",),
    Sign.VOLUME_DECLINE: ("purchase",),
    Sign.LAPSE: ("contact", "enquiry", "purchase"),
}
MOST_FALSE = 6  # in 1,000 months of unchanged customers; 4 to 5 are meant
MOST_FALSE_OF_ONE = 7  # a base of this size gives 0 to 8 by chance


@dataclass(frozen=True)
class Judged:
    first: Mapping[str, float]  # customer -> day of the first event
    changed: Mapping[tuple[str, Sign], float]  # day
    told: Mapping[tuple[str, Sign], Mapping[float, float]]  # day -> P(change), in order


@pytest.fixture(scope="module")
def bases() -> list[Judged]:
    return [judged_on(_base(seed, since := changes(np.random.default_rng([seed, 3]))), since) for seed in SEEDS]


def judged_on(base: Planted, since: Sequence[Mapping[str, int]]) -> Judged:
    events = happened(base, until=UNTIL)
    first = {event.subject: _day(event) for event in reversed(events)}
    alerts = [said for said in told(events, until=day(UNTIL)) if not isinstance(said, Score)]
    changed = {(name(n), sign): _since(base, since[n], n, sign) for n in range(CUSTOMERS) for sign in STREAMS}
    return Judged(first, changed, _told(alerts))


def changes(rng: np.random.Generator) -> list[dict[str, int]]:
    """Of each customer the streams that change, and on which day."""
    since = [
        {s: int(rng.integers(150, 500)) for s, share in SHARES.items() if rng.random() < share}
        for _ in range(CUSTOMERS)
    ]
    for of in since:
        if rng.random() < BOTH:
            of["contact"] = of["enquiry"] = int(rng.integers(150, 500))
    return since


def _base(seed: int, since: list[dict[str, int]]) -> Planted:
    """In a base whose first weeks are a rush, a season is learnt too late; here there is none."""
    rng = np.random.default_rng([seed, 4])
    factors = {"complaint": (4, 20), "purchase": (0.6, 0.6)}
    planted = [
        Change([n], at, rng.uniform(*factors.get(stream, (0, 0.4))), stream=stream)
        for n, of in enumerate(since)
        for stream, at in of.items()
    ]
    shape = Shape(customers=CUSTOMERS, there_from_the_start=0.8, rush=0)
    base = plant(seed, *planted, shape=shape, streams=tuple(RATES))
    bought, less = base.streams["purchase"], np.array([of.get("purchase", NEVER) for of in since])
    amount = np.where(bought.day < less[bought.customer], bought.amount, (bought.amount * SMALLER).astype(int) + 1)
    return replace(base, streams={**base.streams, "purchase": replace(bought, amount=amount)})


def _since(base: Planted, of: Mapping[str, int], number: int, sign: Sign) -> float:
    """Who leaves for good changes in everything but complaints."""
    leaves = NEVER if sign is Sign.COMPLAINT_INCREASE else int(base.death[number])
    return min(leaves, *(of.get(stream, NEVER) for stream in STREAMS[sign]))


def _day(event: Inbound) -> float:
    return (to_micros(event.time) - BEGINNING) / DAY


def _told(alerts: list[Alert]) -> dict[tuple[str, Sign], dict[float, float]]:
    found = dict[tuple[str, Sign], dict[float, float]]()
    for alert in alerts:
        for proof in alert.data.signs:
            if proof.told_at is not None and proof.probability is not None:
                at = (to_micros(proof.told_at) - BEGINNING) / DAY
                found.setdefault((alert.subject, proof.sign), {}).setdefault(at, proof.probability)
    return found


def test_of_signs_said_to_be_so_sure_about_that_share_is_true(bases: list[Judged]) -> None:
    said = [(*next(iter(days.items())), judged.changed[key]) for judged in bases for key, days in judged.told.items()]
    sure, is_true = np.array([p for _, p, _ in said]), np.array([since <= at for at, _, since in said])
    bands = np.minimum(np.floor(sure * 10), 9)
    judgeable = [band for band in range(10) if (bands == band).sum() >= 60]
    assert [*range(4, 10)] == judgeable
    for band in judgeable:
        inside = bands == band
        assert is_true[inside].mean() == pytest.approx(sure[inside].mean(), abs=0.15), f"from .{band}"


@pytest.mark.parametrize("sign", STREAMS)
def test_customers_who_have_not_changed_give_few_signs(bases: list[Judged], sign: Sign) -> None:
    assert false_in_1000_months(bases, sign) <= MOST_FALSE


def test_who_always_buys_now_for_little_and_now_for_much_is_told_of_no_more_often() -> None:
    shape = Shape(customers=CUSTOMERS, there_from_the_start=0.8, rush=0, unequal=0.5)
    judged = judged_on(plant(SEEDS[0], shape=shape), [{}] * CUSTOMERS)
    assert false_in_1000_months([judged], Sign.VOLUME_DECLINE) <= MOST_FALSE_OF_ONE


def false_in_1000_months(bases: Sequence[Judged], sign: Sign) -> float:
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
