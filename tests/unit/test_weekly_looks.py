"""Everybody is looked at at once: nobody's verdict depends on who else is looked at, and nobody with news is missed."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.analytics import changes, looks
from services.analytics.calendar import Calendar
from services.analytics.core import Core, Observation
from services.analytics.pace import Paces, Prior
from services.analytics.population.model import Model, unfitted
from services.analytics.population.part import Known, next_look
from services.analytics.record import COMMUNICATION, LAPSE, newcomer, record
from services.analytics.rings import by_week
from services.analytics.rules import Population, Rules
from services.analytics.silence import Outlook
from services.analytics.state import NEVER, RING_WEEKS, WEEK, Customer, Ring
from tests.unit.attrition import BEGINNING, day, every
from tests.unit.population import AS_THE_OFFSET, strengths

RULES = Rules()
MODELS = (unfitted(RULES), Model(0, Population(), AS_THE_OFFSET, AS_THE_OFFSET))
KINDS = ("contact", "enquiry", "complaint", "purchase")
THIS_WEEK = BEGINNING // WEEK

rings = st.lists(st.tuples(st.integers(-40, 0), st.integers(0, 5_000)), max_size=12)


def ring(added: Sequence[tuple[int, int]]) -> Ring | None:
    """None where nothing was added, as of who never did it."""
    made = Ring(week=THIS_WEEK - 40)
    for weeks, number in added:
        made.add((THIS_WEEK + weeks) * WEEK, number)
    return made if added else None


@given(st.lists(rings, min_size=1, max_size=6), st.integers(-50, 50))
def test_what_is_read_of_many_is_what_each_of_them_remembers(added: list[list[tuple[int, int]]], later: int) -> None:
    made = list(map(ring, added))
    read = by_week(made, THIS_WEEK + later)
    for one, known, total, recent in zip(added, made, read.total.tolist(), read.recent.tolist(), strict=True):
        assert (total, recent) == kept(one, later)
        assert known is None or known.before(THIS_WEEK + later) == (total, recent[0])


def kept(added: Sequence[tuple[int, int]], until: int) -> tuple[int, list[int]]:
    """What is older than the ring is long, counted from the newest, is in the total only."""
    oldest = max((week for week, _ in added), default=0) - RING_WEEKS + 1
    total = sum(number for week, number in added if week < until or week < oldest)
    weeks = range(until - 1, until - 1 - RING_WEEKS, -1)
    return total, [sum(number for of, number in added if of == week >= oldest) for week in weeks]


@st.composite
def lives(draw: st.DrawFn, customer: str) -> list[Observation]:
    """Some rhythms that break off, at any time or never."""
    kinds = draw(st.sets(st.sampled_from(KINDS), min_size=1))
    return [
        o
        for kind in sorted(kinds)
        for o in every(draw(st.floats(3, 20)), kind, 0, draw(st.integers(10, 200)), customer=customer)
    ]


everybody = st.tuples(*map(lives, ("c-1", "c-2", "c-3")))


def judged(known: Known, *lives: Sequence[Observation]) -> tuple[list[tuple[str, bytes]], list[Customer]]:
    """What looks publish as silence goes on, by customer, and what is remembered then."""
    core = Core(RULES)
    for o in sorted((o for life in lives for o in life), key=lambda o: (o.at, o.customer)):
        core.observe(o)
    looks_at = [next_look(day(number)) for number in range(100, 400, 30)]
    published = [o for at in looks_at for o in [*core.advance(at), *core.look(at, known)]]
    by_customer = sorted(((o.customer, o.value) for o in published), key=lambda one: one[0])
    return by_customer, list(core._customers.everybody())


@pytest.mark.parametrize("model", MODELS, ids=("unfitted", "fitted"))
@settings(deadline=None, max_examples=8)
@given(everybody)
def test_a_look_at_everybody_says_what_looks_at_each_alone_say(
    model: Model, everybody: tuple[list[Observation], ...]
) -> None:
    known = Known(model, Calendar({}))
    alone = [judged(known, life) for life in everybody]
    assert judged(known, *everybody) == (
        [said for published, _ in alone for said in published],
        [c for _, remembered in alone for c in remembered],
    )


@settings(deadline=None, max_examples=25)
@given(everybody, st.integers(0, 400))
def test_strengths_of_many_and_of_one_sign_are_those_of_each_alone(
    everybody: tuple[list[Observation], ...], until: int
) -> None:
    some = list(map(remembered, everybody))
    at, known = max(day(until), *(c.now for c in some)), (Paces(), Calendar({}))
    together = changes.strengths(some, at, *known)
    assert together.tolist() == [changes.strengths([c], at, *known)[0].tolist() for c in some]
    for column, number in enumerate(changes.SIGNS):
        assert together[:, column].tolist() == changes.strengths(some, at, *known, [number])[:, 0].tolist()


@settings(deadline=None, max_examples=25)
@given(lives("c-1"), st.integers(0, 400))
def test_a_proof_says_the_strength_that_was_judged_by_whatever_else_is_up(life: list[Observation], later: int) -> None:
    c = remembered(life)
    at, known = c.now + day(later) - day(0), (Paces(), Calendar({}))
    strong = dict(zip(changes.SIGNS, changes.strengths([c], at, *known)[0].tolist(), strict=True))
    found = changes.proofs(c, changes.SIGNS, at, *known)
    assert strong == {number: round(proof.strength, 4) for number, proof in found.items()}
    assert found == {number: changes.proofs(c, [number], at, *known)[number] for number in changes.SIGNS}


def test_communication_is_compared_stream_by_stream_so_the_season_of_one_is_no_silence_of_both() -> None:
    enquiries = [*every(3, "enquiry", 0, 400), *every(20, "enquiry", 401, 500)]
    c = remembered(sorted([*every(30, "contact", 0, 500), *enquiries], key=lambda o: o.at))
    weeks, lull = range(day(0) // WEEK, day(500) // WEEK), day(400) // WEEK

    def strength(ratio: float) -> float:
        """Where as much of the usual enquiries came of everybody since day 400."""
        calendar = Calendar({week: (1.0, ratio if week > lull else 1.0, 1.0, 1.0) for week in weeks})
        return float(changes.strengths([c], day(500), Paces(), calendar, [COMMUNICATION])[0, 0])

    assert strength(1.0) > RULES.communication.strength
    assert strength(0.15) < RULES.change_clear


def test_of_a_lapse_nothing_is_missed_that_the_customer_never_did() -> None:
    c, at = remembered(every(7, "purchase", 0, 200)), day(300)
    chatty = Paces(contact=Prior(1.0, 60.0, 0.1), enquiry=Prior(1.0, 60.0, 0.1))
    found = [changes.proofs(c, [LAPSE], at, paces, Calendar({}))[LAPSE] for paces in (Paces(), chatty)]
    assert found[0].since == found[1].since
    assert found[0].expected == found[1].expected


def remembered(life: Sequence[Observation]) -> Customer:
    ordered = sorted(life, key=lambda o: o.at)
    c = newcomer(ordered[0].customer, ordered[0].at)
    for o in ordered:
        record(c, o, RULES)
        c.now = o.at
    return c


@given(st.lists(st.tuples(st.integers(0, 2**9 - 1), strengths), min_size=1, max_size=8))
def test_a_sign_changes_or_is_strong_only_of_whom_a_look_names(found: list[tuple[int, tuple[float, ...]]]) -> None:
    some = [newcomer(f"c-{n}", BEGINNING) for n in range(len(found))]
    for c, (up, _) in zip(some, found, strict=True):
        c.up = up
    named = looks.with_news(some, np.array([strength for _, strength in found]), {}, (), RULES)
    for place, (up, strength) in enumerate(found):
        stays = changes.up_with(up, changes.SIGNS, strength, RULES) == up
        is_strong = changes.up_with(0, changes.SIGNS, strength, RULES) > 0
        assert (place in named) == (is_strong or not stays)


@pytest.mark.parametrize(
    ("shown", "due", "outlook", "named"),
    [
        (4, NEVER, Outlook(0.42, 0.5, False), []),
        (4, NEVER, Outlook(0.42, 0.5, True), [0]),
        (3, NEVER, Outlook(0.42, 0.5, False), [0]),
        (4, day(9), Outlook(0.42, 0.5, False), [0]),
    ],
)
def test_a_look_names_whose_risk_matters_is_another_or_was_awaited(
    shown: int, due: int, outlook: Outlook, named: list[int]
) -> None:
    c = newcomer("c-1", BEGINNING)
    c.shown, c.dues[1] = shown, due
    assert named == looks.with_news([c], np.zeros((1, 6)), {0: outlook}, (), RULES)
