"""Which figures the judgement goes by: one version of the rules, complete, with units.

State is kept in the terms of these figures (decay times), so state of one version is never read by another.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from pydantic import TypeAdapter

from shared.contracts.analytics import MAX_EVIDENCE, RulesName

Target = Literal["purchase", "contact"]
TARGETS = get_args(Target)


@dataclass(frozen=True, slots=True)
class Watch:
    """How a stream of events is watched: an exponential window against an exponential memory of the time before it."""

    window_days: float  # mean age of what counts as now
    memory_days: float  # mean age of what counts as the customer's own past
    prior_events: float  # what is taken for granted before anything is known: so many events
    prior_days: float  # in so many days
    dispersion: float  # variance of a count over that of a Poisson count
    strength: float  # nats: log likelihood ratio from which the sign comes up
    raise_ratio: float  # observed over expected beyond which it may come up
    clear_ratio: float  # and within which it goes down again
    kept: int = 3  # ids of the newest events, as evidence


@dataclass(frozen=True, slots=True)
class Population:
    """MBG/NBD parameters, in days, as published for the CDNOW sample (weeks x 7): for a base nobody has seen yet."""

    r: float = 0.525
    alpha_days: float = 6.183 * 7
    a: float = 0.891
    b: float = 1.614
    gap_days: float = 60.0  # between two purchases; weighs as much as two gaps of the customer's own


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that may differ between two versions of the judgement.

    The thresholds were chosen by looking at the CDNOW sample and at one synthetic base; figures measured there flatter.
    """

    name: RulesName = "r1"
    population: Population = Population()
    target: Target = "purchase"  # whose absence is the lapse; a contact: by the customer
    horizon_days: float = 90.0  # risk is of no such event within
    risk_raise: float = 0.80
    risk_deep: float = 0.95  # escalates
    risk_clear: float = 0.65
    risk_lift: float = 1.0  # nats of log odds above the customer's own risk right after the last purchase
    silent_gaps: float = 2.5  # own gaps of silence before the risk may raise an alert
    min_age_days: float = 90.0  # a decline needs that much past
    contact: Watch = Watch(45, 360, 0.5, 30, 1.0, 2.5, 0.55, 0.75)
    enquiry: Watch = Watch(45, 360, 0.5, 30, 1.0, 2.5, 0.55, 0.75)
    communication: Watch = Watch(45, 360, 0.5, 30, 1.0, 2.5, 0.55, 0.75)
    complaint: Watch = Watch(45, 270, 0.5, 180, 1.0, 3.0, 2.5, 1.4, MAX_EVIDENCE)
    complaints_min: float = 1.5  # in the window, below which there is no increase
    volume: Watch = Watch(60, 360, 0.5, 30, 1.0, 2.5, 0.55, 0.75)
    ticket_shape: float = 1.5  # of a Gamma law of ticket sizes: the inverse of their squared coefficient of variation
    ticket_cap: float = 4.0  # usual tickets; a single big order must not make its absence a decline
    buyer_silent_days: float = 45.0  # a buyer is gone after this and after so many of their own gaps:
    buyer_silent_gaps: float = 3.0
    buyers_min: int = 3  # regular buyers below which an account is not judged
    buyers_gone_raise: float = 0.4  # share of the regular buyers
    buyers_gone_clear: float = 0.2
    margin: float = 0.3  # what is left of a purchase after the cost of what was sold, as a share
    discount_rate: float = 0.1  # a year: by how much money later is worth less
    dwell_days: float = 14.0  # nothing up for so long before an alert is cleared
    reopen_days: float = 30.0  # after clearing, a new sign reopens the alert instead of raising another


def read_rules(text: str) -> Rules:
    """What of the rules of this release is otherwise, as TOML; a table `[contact]` changes a figure of that watch. They
    have to have a name of their own, because ids of alerts bear it. Raises ValueError."""
    said = tomllib.loads(text)
    known = asdict(Rules())
    if said.get("name", known["name"]) == known["name"]:
        raise ValueError(f"name: say one that is not {known['name']!r}")
    return TypeAdapter(Rules).validate_python(_over(known, said, ""))


def _over(known: Mapping[str, Any], said: Any, path: str) -> dict[str, Any]:
    if not isinstance(said, Mapping):
        raise ValueError(f"{path[:-1]}: expected a table")
    if unknown := sorted(said.keys() - known.keys()):
        raise ValueError(f"{path}{unknown[0]}: there is no such figure")
    for name, value in said.items():
        if isinstance(value, int | float) and not 0 < value < math.inf:
            raise ValueError(f"{path}{name}: expected a figure above zero, and finite")
    tables = {name: _over(known[name], said[name], f"{path}{name}.") for name in said if isinstance(known[name], dict)}
    return {**known, **said, **tables}
