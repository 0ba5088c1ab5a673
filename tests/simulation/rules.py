"""Rules of judgement under which two months of a handful of events give alerts of several kinds."""

from dataclasses import replace

from services.analytics.rules import Population, Rules

_QUICK = replace(
    Rules().contact, window_days=3, memory_days=15, prior_days=5, strength=0.3, raise_ratio=0.7, clear_ratio=0.9
)

RULES = Rules(
    name="simulation",
    population=Population(alpha_days=5, gap_days=3),
    horizon_days=10,
    risk_raise=0.5,
    risk_clear=0.4,
    risk_lift=0.2,
    silent_gaps=1.0,
    min_age_days=3,
    contact=_QUICK,
    enquiry=_QUICK,
    communication=_QUICK,
    volume=_QUICK,
    complaint=replace(_QUICK, raise_ratio=1.5, clear_ratio=1.2),
    complaints_min=0.5,
    dwell_days=2,
    reopen_days=4,
)
