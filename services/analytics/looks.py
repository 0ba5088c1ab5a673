"""Everybody is looked at once a week: for whom may there be anything new?

In: customers, the strengths of their changes of pace, the outlook of their risk. Out: places in the row of customers.
Nearly always there is nothing, so that is found out for all at once; whoever is named here is judged by the rules for
one customer, and who is not would come out of them unchanged.
"""

from collections.abc import Container, Mapping, Sequence

import numpy as np

from services.analytics.changes import SIGNS, change_of
from services.analytics.pace import Mask, Table
from services.analytics.record import ATTRITION, DEEP
from services.analytics.rules import Rules
from services.analytics.silence import Outlook
from services.analytics.state import NEVER, UNCHANGED, Customer

ANOTHER_STRENGTH = 0.05  # nats; less is no news of a sign to the risk
RISK_STEP = 0.1  # a change of the risk within one step makes no new row


def moved(some: Sequence[Customer], strengths: Table) -> list[int]:
    """Whose strengths are to be kept. Small differences are not: a page is written only for what is news."""
    kept = np.array([c.changes for c in some]).reshape(-1, len(UNCHANGED))
    places: list[int] = np.flatnonzero((np.abs(strengths - kept) >= ANOTHER_STRENGTH).any(axis=1)).tolist()
    return places


def with_news(
    some: Sequence[Customer], strengths: Table, seen: Mapping[int, Outlook], admitted: Container[str], rules: Rules
) -> list[int]:
    """`seen`: by place, of those whose risk is looked at. `admitted`: for whom a place for an alert has been found."""
    is_new = _may_change(some, strengths, rules)
    is_new[[place for place, c in enumerate(some) if c.id in admitted]] = True
    is_new[[place for place, outlook in seen.items() if outlook.matters or is_another_row(some[place], outlook)]] = True
    places: list[int] = np.flatnonzero(is_new).tolist()
    return places


def is_another_row(c: Customer, seen: Outlook) -> bool:
    """The risk is in another step than in the last row, or something is still awaited that the look has answered."""
    return not c.dues[ATTRITION] == c.dues[DEEP] == NEVER or step_of(seen.risk) != c.shown


def step_of(risk: float) -> int:
    return int(risk / RISK_STEP)


def _may_change(some: Sequence[Customer], strengths: Table, rules: Rules) -> Mask:
    """A sign comes up, or may be told again, or goes down."""
    is_up = np.array([c.up for c in some], dtype=np.int64)[:, None] >> np.array(SIGNS) & 1 > 0
    is_strong = strengths >= np.array([change_of(number, rules).strength for number in SIGNS])
    found: Mask = (is_strong | (is_up & (strengths < rules.change_clear))).any(axis=1)
    return found
