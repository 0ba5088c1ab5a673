"""Which figures the judgement goes by: one version of the rules, complete, with units.

State is kept in the terms of these figures (a decay time), so state of one version is never read by another: a digest
of them all stands beside the name.
"""

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, Literal, get_args

from pydantic import TypeAdapter

from shared.contracts.analytics import RulesName

Target = Literal["purchase", "contact"]
TARGETS = get_args(Target)
MOST_PLACES = 4_500  # a message names them all
WHOLE_BASE = ""


@dataclass(frozen=True, slots=True)
class Change:
    """From when on a change of pace is a sign."""

    strength: float  # nats: Shiryaev-Roberts sum of Bayes factors from which the sign comes up
    a_week: float  # changes beforehand, per customer and week: strength and this make a probability


@dataclass(frozen=True, slots=True)
class Population:
    """MBG/NBD parameters, in days, as published for the CDNOW sample (weeks x 7): for a base nobody has seen yet."""

    r: float = 0.525
    alpha_days: float = 6.183 * 7
    a: float = 0.891
    b: float = 1.614
    gap_days: float = 60.0  # between two purchases; weighs as much as two gaps of the customer's own


@dataclass(frozen=True)
class Rules:
    """Everything that may differ between two versions of the judgement."""

    name: RulesName = "r1"
    population: Population = Population()
    target: Target = "purchase"  # whose absence is the lapse; a contact: by the customer
    horizon_days: float = 90.0  # risk is of no such event within
    risk_raise: float = 0.5  # it is likelier that they stay away
    risk_raise_of: Mapping[str, float] = field(default_factory=dict)  # by segment, where it is another
    most_a_week: int | None = None  # of customers, of the base: new ones, then the likeliest; declared ones aside
    most_a_week_of: Mapping[str, int] = field(default_factory=dict)  # by segment, with places of its own
    risk_deep: float = 0.8  # escalates
    risk_clear: float = 0.4
    silent_share: float = 0.39  # of the horizon, in silence, before the risk may raise an alert
    silent_gaps: float = 2.5  # and so many own gaps, as long as nothing has been learnt of the base
    communicates_from: int = 3  # contacts and enquiries; from then on a customer who is in touch is not drifting away
    # As tests/strengths.py reads them off simulated bases of twelve kinds: in five kinds of six, customers who have not
    # changed give at most 5 signs per 1,000 months, of a lapse 2.5; and as many are true as the probabilities say.
    contact: Change = Change(5.48, 1 / 65)
    enquiry: Change = Change(5.15, 1 / 60)
    communication: Change = Change(5.79, 1 / 55)
    complaint: Change = Change(5.03, 1 / 170)
    volume: Change = Change(5.36, 1 / 160)
    lapse: Change = Change(6.96, 1 / 90)
    change_clear: float = 3.6  # nats, below which its sign goes down; nothing known is 3.3, the logarithm of 26 weeks
    give_up_days: float = 365.0  # after a declared lapse, or of an alert and nothing heard, after which it is over
    told_again_days: float = 112.0  # a sign that is still up then is told again
    ticket_cap: float = 4.0  # usual tickets, of the value of a segment: one big order is no trend
    buyer_silent_days: float = 45.0  # a buyer is gone after this and after so many of their own gaps:
    buyer_silent_gaps: float = 3.0
    buyers_min: int = 3  # regular buyers below which an account is not judged
    buyers_gone_raise: float = 0.4  # share of the regular buyers
    buyers_gone_clear: float = 0.2
    margin: float = 0.3  # what is left of a purchase after the cost of what was sold, as a share
    discount_rate: float = 0.1  # a year: by how much money later is worth less
    dwell_days: float = 14.0  # nothing up for so long before an alert is cleared
    reopen_days: float = 30.0  # after clearing, a new sign reopens the alert instead of raising another

    @cached_property
    def digest(self) -> str:
        """Of all figures. A name stands for them for good: what has been judged by others is never read as these."""
        return sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def version(self) -> str:
        return f"{self.name}:{self.digest}"

    def raised_at(self, segment: str | None) -> float:
        """The risk from which it may raise an alert."""
        return self.risk_raise if segment is None else self.risk_raise_of.get(segment, self.risk_raise)

    def places(self) -> dict[str, int]:
        """How many alerts a week, by segment; of all others under WHOLE_BASE. What is not there is not limited."""
        whole = {} if self.most_a_week is None else {WHOLE_BASE: self.most_a_week}
        return {**whole, **self.most_a_week_of}

    def place_of(self, segment: str | None) -> str | None:
        """Among whom a customer competes for a place, as `places` names them; none: there is one for everybody."""
        if segment in self.most_a_week_of:
            return segment
        return None if self.most_a_week is None else WHOLE_BASE


def read_rules(text: str) -> Rules:
    """What of the rules of this release is otherwise, as TOML; a table `[contact]` changes a figure of that sign. They
    have to have a name of their own, because ids of alerts bear it. Raises ValueError."""
    said = tomllib.loads(text)
    known = asdict(Rules())
    if said.get("name", known["name"]) == known["name"]:
        raise ValueError(f"name: say one that is not {known['name']!r}")
    rules = TypeAdapter(Rules).validate_python(_over(known, said, ""))
    _check(rules)
    return rules


def _check(rules: Rules) -> None:
    """Raises ValueError where no customer could ever be told of, or one would be told of and cleared at once."""
    raised = [("risk_raise", rules.risk_raise), *((f"risk_raise_of.{s}", r) for s, r in rules.risk_raise_of.items())]
    if sum(rules.places().values()) > MOST_PLACES:
        raise ValueError(f"most_a_week: expected at most {MOST_PLACES} places, those of segments included")
    for name, risk in (*raised, ("risk_deep", rules.risk_deep)):
        if not rules.risk_clear < risk <= 1:
            raise ValueError(f"{name}: expected a risk above risk_clear ({rules.risk_clear:g}), and at most 1")
    if not rules.buyers_gone_clear < rules.buyers_gone_raise <= 1:
        raise ValueError(f"buyers_gone_raise: expected a share above {rules.buyers_gone_clear:g}, and at most 1")
    for sign in ("contact", "enquiry", "communication", "complaint", "volume", "lapse"):
        if getattr(rules, sign).strength <= rules.change_clear:
            raise ValueError(f"{sign}.strength: expected more than change_clear ({rules.change_clear:g})")


def _over(known: Mapping[str, Any], said: Any, path: str) -> dict[str, Any]:
    if not isinstance(said, Mapping):
        raise ValueError(f"{path[:-1]}: expected a table")
    if unknown := sorted(said.keys() - known.keys()):
        raise ValueError(f"{path}{unknown[0]}: there is no such figure")
    for name, value in said.items():
        if isinstance(value, int | float) and not 0 < value < math.inf:
            raise ValueError(f"{path}{name}: expected a figure above zero, and finite")
    tables = {
        name: _over(known[name] or said[name], said[name], f"{path}{name}.")  # a table that is empty may name anything
        for name in said
        if isinstance(known[name], dict)
    }
    return {**known, **said, **tables}
