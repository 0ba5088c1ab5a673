"""One customer in memory: the same chain and the same cause always give the same commit, and a stored chain is the
chain."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.chain import (
    Chain,
    Question,
    chain_from,
    commit_for,
    due_of,
    question_of_clock,
    question_of_fact,
    question_of_input,
)
from shared.contracts.catalogue import FACT_TYPES, inbox_types
from shared.contracts.envelope import read_fact, read_inbound
from shared.contracts.protocol import CauseReleased
from shared.decider import Due
from shared.event_store import Commit, History, Snapshot
from tests.wiring.deciding import SERVICE, Bought, Rules, complaint_cause, day, purchase, redrive

BROKEN = frozenset({"shop|broken"})


def asked(raw: bytes) -> Question:
    event = read_inbound(raw, inbox_types(SERVICE))
    return question_of_input(event, event.time, raw, event.traceparent)


def said(number: int, *, broken: bool = False) -> Question:
    return asked(purchase("broken" if broken else f"{number}", on=number, amount=number))


CAUSES: Sequence[Question] = (
    said(1),
    said(2),
    said(3, broken=True),
    question_of_fact(read_fact(complaint_cause(on=4), FACT_TYPES), day(4), complaint_cause(on=4)),
    question_of_clock("anna", Due(day(12), "lapse")),
    asked(redrive("r", on=20)),
    said(21),
)
orders = st.permutations(CAUSES)


def empty() -> Chain[Bought]:
    return chain_from(Rules().decider(), "anna", 0, History())


def decided(causes: Sequence[Question], broken: frozenset[str] = BROKEN) -> tuple[Chain[Bought], list[Commit]]:
    chain, decider = empty(), Rules(set(broken)).decider()
    return chain, [commit_for(decider, chain, cause) for cause in causes]


@given(orders)
def test_the_same_causes_give_the_same_bytes(causes: Sequence[Question]) -> None:
    assert decided(causes)[1] == decided(causes)[1]


@given(orders)
def test_every_cause_gives_one_commit_and_commits_have_no_gap_between_them(causes: Sequence[Question]) -> None:
    _, commits = decided(causes)
    assert [cause.cause_id for cause in causes] == [commit.cause for commit in commits]
    ends = [0, *(commit.last for commit in commits)]
    assert [end + 1 for end in ends[:-1]] == [commit.first for commit in commits]
    assert all(len(commit.events) == commit.last - commit.first + 1 > 0 for commit in commits)


@given(orders)
def test_a_chain_loaded_from_the_store_is_the_chain_that_was_decided(causes: Sequence[Question]) -> None:
    chain, commits = decided(causes)
    assert chain == chain_from(Rules().decider(), "anna", 0, History(None, tuple(commits)))


@given(orders, st.integers(1, len(CAUSES) - 1))
def test_a_snapshot_and_what_follows_it_give_the_same_state(causes: Sequence[Question], cut: int) -> None:
    whole, commits = decided(causes, broken=frozenset())
    before, _ = decided(causes[:cut], broken=frozenset())
    decider = Rules().decider()
    snapshot = Snapshot("anna", before.last, decider.rules, decider.dump(before.state))
    loaded = chain_from(decider, "anna", 0, History(snapshot, tuple(commits[cut:])))
    assert (whole.state, whole.last) == (loaded.state, loaded.last)


@given(orders)
def test_a_commit_says_on_each_of_its_facts_how_far_it_reaches(causes: Sequence[Question]) -> None:
    for commit in decided(causes)[1]:
        events = [read_fact(raw, FACT_TYPES) for raw in commit.events]
        assert list(range(commit.first, commit.last + 1)) == [event.sequence for event in events]
        assert {(commit.first, commit.last, commit.cause)} == {(e.first, e.last, e.cause) for e in events}


@given(st.lists(st.integers(1, 9), unique=True, min_size=1))
def test_what_was_parked_and_released_in_order_leaves_the_state_of_what_was_never_parked(numbers: list[int]) -> None:
    causes = [said(0, broken=True), *map(said, numbers)]
    never, _ = decided(causes, broken=frozenset())
    chain, _ = decided(causes)
    commit = commit_for(Rules().decider(), chain, asked(redrive("r", on=30)))
    assert (never.state, {}) == (chain.state, chain.parked)
    released = [fact for raw in commit.events if isinstance(fact := read_fact(raw, FACT_TYPES).data, CauseReleased)]
    assert [cause.cause_id for cause in causes] == [fact.cause for fact in released]


def test_nothing_falls_due_while_anything_is_parked() -> None:
    chain, _ = decided([said(1), said(3, broken=True)])
    assert due_of(Rules().decider(), chain) is None
    commit_for(Rules().decider(), chain, asked(redrive("r", on=30)))
    assert Due(day(13), "lapse") == due_of(Rules().decider(), chain)


def test_what_fell_due_is_named_by_customer_thing_and_instant() -> None:
    question = question_of_clock("anna", Due(day(12) + timedelta(microseconds=1), "lapse"))
    assert "clock|anna/lapse/2026-01-13T00:00:00.000001Z" == question.cause_id


def test_two_releases_of_one_service_cannot_put_a_cause_behind_a_parked_one() -> None:
    chain, _ = decided([said(3, broken=True)])
    commit = commit_for(Rules().decider(), chain, said(5))  # this release would know what to say
    assert b"tenure.cause-parked.v1" in commit.events[0]
