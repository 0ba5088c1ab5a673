"""What holds for all three deciders, whatever happens to a customer and in whatever order it is heard."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.acquisition.decider import decider as acquisition
from services.interaction.decider import decider as interaction
from services.retention.decider import decider as retention
from shared.contracts.catalogue import FACTS_OF, RECORDED_AS
from shared.decider import END_OF_TIME, Cause, Decider, Due, Elapsed, Observed, Received
from tests.specification import Specification
from tests.strategies import causes_of, facts_of, times

DECIDERS: tuple[Decider[Any], ...] = (acquisition(), interaction(), retention())
CAUSES_ELSEWHERE = frozenset[str]().union(*(d.reacts_to for d in DECIDERS))

every_decider = pytest.mark.parametrize("decider", DECIDERS, ids=lambda d: d.name)
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@cache
def histories(service: str, *reacts_to: str) -> st.SearchStrategy[list[Cause | None]]:
    """Causes in the order they are heard; none: the clock passes the next instant that is waited for."""
    causes = causes_of(service, *reacts_to)
    return st.lists(st.one_of(causes, causes, st.none()), max_size=12)


def drawn(decider: Decider[Any], data: st.DataObject) -> list[Cause | None]:
    return data.draw(histories(decider.name, *sorted(decider.reacts_to)))


def lived(decider: Decider[Any], history: list[Cause | None]) -> Iterator[tuple[Specification[Any], Cause]]:
    """Before each cause: the customer as they then are, and the cause."""
    customer = Specification.of(decider)
    for cause in history:
        due = customer.due
        if cause is None and due is not None:
            cause = Elapsed(due.what, due.at)
        if cause is not None:
            yield customer, cause
            customer = customer.given(cause)


def after(decider: Decider[Any], history: list[Cause | None]) -> Specification[Any]:
    customer = Specification.of(decider)
    for before, cause in lived(decider, history):
        customer = before.given(cause)
    return customer


@every_decider
@few
@given(data=st.data())
def test_every_cause_is_decided_in_the_services_own_words_and_always_alike(
    decider: Decider[Any], data: st.DataObject
) -> None:
    for customer, cause in lived(decider, drawn(decider, data)):
        facts = customer.when(cause).facts
        assert {type(fact) for fact in facts} <= set(FACTS_OF[decider.name])
        assert facts == customer.when(cause).facts


@every_decider
@few
@given(data=st.data())
def test_every_input_is_recorded_first_with_all_it_says(decider: Decider[Any], data: st.DataObject) -> None:
    for customer, cause in lived(decider, drawn(decider, data)):
        if isinstance(cause, Received):
            first = customer.when(cause).facts[0]
            assert type(first) is RECORDED_AS[type(cause.input)]
            assert first.model_dump() == cause.input.model_dump()


@every_decider
@few
@given(data=st.data())
def test_a_state_comes_back_from_its_snapshot_as_it_was(decider: Decider[Any], data: st.DataObject) -> None:
    state = after(decider, drawn(decider, data)).state
    assert decider.load(decider.dump(state)) == state


@every_decider
@few
@given(data=st.data())
def test_what_falls_due_is_decided_once_and_comes_to_an_end(decider: Decider[Any], data: st.DataObject) -> None:
    history = drawn(decider, data)
    fired = [due for before, cause in lived(decider, history) for due in _fired(before, cause)]
    fired += after(decider, history).falls_due(END_OF_TIME)
    assert len(fired) == len(set(fired))


def _fired(customer: Specification[Any], cause: Cause) -> list[Due]:
    return [Due(cause.at, cause.what)] if isinstance(cause, Elapsed) and customer.when(cause).facts else []


@every_decider
@few
@given(data=st.data())
def test_a_cause_from_another_service_never_makes_a_cause_for_another(
    decider: Decider[Any], data: st.DataObject
) -> None:
    customer = after(decider, drawn(decider, data))
    cause = Observed(data.draw(facts_of(*sorted(decider.reacts_to))), data.draw(times), "elsewhere")
    assert CAUSES_ELSEWHERE.isdisjoint(fact.TYPE for fact in customer.when(cause).facts)


@every_decider
def test_no_service_waits_for_its_own_facts(decider: Decider[Any]) -> None:
    assert decider.reacts_to.isdisjoint(fact.TYPE for fact in FACTS_OF[decider.name])
