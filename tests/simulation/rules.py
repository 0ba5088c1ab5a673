"""Rules of judgement under which two months of a handful of events give alerts of several kinds."""

from dataclasses import replace

from services.analytics.rules import Population, Rules

_QUICK = replace(Rules().contact, strength=1.0)

RULES = Rules(
    name="simulation",
    population=Population(alpha_days=5, gap_days=3),
    horizon_days=10,
    silent_gaps=1.0,
    contact=_QUICK,
    enquiry=_QUICK,
    communication=_QUICK,
    volume=_QUICK,
    complaint=_QUICK,
    lapse=_QUICK,
    change_clear=0.8,
    give_up_days=15,
    told_again_days=12,
    dwell_days=2,
    reopen_days=4,
)
