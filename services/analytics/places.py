"""Who would be given an alert in the week to come, if there were room for all?

Where no more alerts are wanted than can be looked after, each partition names customers at the beginning of a week, and
the result of the week those of all partitions for whom there is a place. Nobody else is given an alert in the week that
follows; who still shows a sign then is named again. So there are never more, however many partitions there are and
whatever happens meanwhile; there may be fewer.
"""

from collections.abc import Iterator, Sequence

from services.analytics import changes
from services.analytics.population.model import Model
from services.analytics.population.part import Candidate, Known, next_look
from services.analytics.record import ATTRITION, BUYERS, DEEP
from services.analytics.rules import WHOLE_BASE, Rules
from services.analytics.silence import outlooks, risk_at
from services.analytics.state import DAY, WEEK, Customer, heard_at


def candidates(some: Sequence[Customer], at: int, rules: Rules, known: Known) -> Iterator[Candidate]:
    """Of customers without an alert, who shows a sign that none has been raised for, or will in the week from the next
    look on if nothing is heard of them; what the week was like that has just ended, nobody knows yet."""
    few = [c for c in some if rules.place_of(c.segment) is not None and _may_be_told_of(c, at, rules)]
    if not few:
        return
    look = next_look(at)
    strengths = changes.strengths(few, look, known.model.paces, known.calendar).tolist()
    risks = _risks(few, look, rules, known.model)
    for place, (c, strength) in enumerate(zip(few, strengths, strict=True)):
        new = changes.up_with(c.up, changes.SIGNS, strength, rules) & ~c.life.reasons
        said = [changes.probability(n, s, rules) for n, s in zip(changes.SIGNS, strength, strict=True) if new >> n & 1]
        said += [1.0] if new >> BUYERS & 1 else []
        said += [risks[place]] if place in risks else []
        if said:
            yield Candidate(c.id, round(max(said), 6), rules.place_of(c.segment) or WHOLE_BASE, _is_new(c, at))


def _may_be_told_of(c: Customer, at: int, rules: Rules) -> bool:
    """Who has been waiting, and silent on every side for a whole horizon, has lapsed for everybody to see: a place for
    them would be one less for somebody who may still be kept."""
    if c.lapsed_at is not None or c.life.is_open or c.life.is_over:
        return False
    return _is_new(c, at) or heard_at(c) > at - round(rules.horizon_days * DAY)


def _is_new(c: Customer, at: int) -> bool:
    """No sign has been waiting for more than a week."""
    return c.waits_since == 0 or c.waits_since > at - WEEK


def _risks(few: Sequence[Customer], look: int, rules: Rules, model: Model) -> dict[int, float]:
    """By place, of who shows the sign of the risk already, or will by silence."""
    untold = {place for place, c in enumerate(few) if c.up & ~c.life.reasons & (1 << ATTRITION | 1 << DEEP)}
    bought = [place for place, c in enumerate(few) if c.occasions is not None]
    if not model.is_fitted:  # what will come up is not looked for, for as long as that is
        return {place: risk_at(few[place], look, rules, model) or 0.0 for place in bought if place in untold}
    seen = zip(bought, outlooks([few[place] for place in bought], look, rules, model), strict=True)
    return {
        place: outlook.highest
        for place, outlook in seen
        if place in untold or (outlook.matters and not few[place].up >> ATTRITION & 1)
    }
