"""What hypothesis may come up with: inputs and facts of every type, and causes for every service.

Values are drawn from small pools where a rule depends on two of them being equal (names of complaints, times,
segments), and times go backwards as often as forwards: channels are late.
"""

from datetime import UTC, datetime, timedelta
from enum import EnumMeta
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import BaseModel

from shared.contracts.catalogue import FACT_TYPES, INPUTS_OF
from shared.contracts.envelope import Fact, Input
from shared.contracts.interaction import EngagementDeepened, Matter
from shared.contracts.measures import Advice, Measure, Measures, OfTicket, Suit, Thousandths
from shared.contracts.values import Currency, Name, Stage, UtcTime, Words
from shared.decider import END_OF_TIME, Cause, Elapsed, Observed, Received

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

ordinary_times = st.integers(0, 3 * 365 * 24).map(lambda hours: datetime(2024, 1, 1, tzinfo=UTC) + hours * HOUR)
times = st.one_of(ordinary_times, ordinary_times, ordinary_times, st.sampled_from((BEGINNING, END_OF_TIME)))
names = st.sampled_from(("a", "b/c", "ä|d", "e" * 128))
ids = st.sampled_from(("1", "2", "a"))
evidences = st.tuples(st.sampled_from(("shop", "crm")), ids).map("|".join)

_POOLS: tuple[tuple[Any, SearchStrategy[Any]], ...] = (
    (Name, names),
    (Matter, names),
    (Words, st.sampled_from(("Too dear.", "Zu teuer …\n"))),
    (UtcTime, times),
    (Currency, st.sampled_from(("EUR", "JPY"))),
    (Advice, st.just("a call")),
    (Suit, st.sampled_from(("price", "lapse"))),
    (Thousandths, st.sampled_from((0, 80, 1000))),
    (OfTicket, st.sampled_from((0, 5, 100_000))),
    (int, st.sampled_from((0, 1, 1999, 2**53))),
    (str, st.sampled_from(("shop|1", "crm|2"))),
    (bool, st.booleans()),
    (dict[str, Any], st.just({"specversion": "1.0", "data": {"n": [1, None]}})),
)


@cache  # a strategy is dear to make and cheap to draw from
def of_model(model: type[BaseModel]) -> SearchStrategy[Any]:
    """Every value of a contract that its own validation admits, from the pools above."""
    hints = get_type_hints(model, include_extras=True)
    fields = {name: _of_field(model, name, hints[name]) for name in model.model_fields}
    if model is EngagementDeepened:
        fields["stage"] = st.sampled_from((Stage.INTERACTION, Stage.EXCHANGE, Stage.COORDINATION))
    if model is Measures:
        fields["measures"] = st.lists(of_model(Measure), max_size=2, unique_by=lambda m: m.name).map(tuple)
    return st.fixed_dictionaries(fields).map(model.model_validate)


def _of_field(model: type[BaseModel], name: str, hint: Any) -> SearchStrategy[Any]:
    field = model.model_fields[name]
    if hint is int:  # the only plain number there is: a score
        return st.integers(0, 100)
    if field.annotation == str | None and field.metadata:  # the only pattern there is: a currency
        return st.none() | st.just("EUR")
    return _of_hint(hint)


def _of_hint(hint: Any) -> SearchStrategy[Any]:
    for known, strategy in _POOLS:
        if hint == known:
            return strategy
    if get_origin(hint) is Annotated:
        return _of_hint(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return st.one_of([_of_hint(part) for part in get_args(hint)])
    if get_origin(hint) is tuple:
        return st.lists(_of_hint(get_args(hint)[0]), max_size=2).map(tuple)
    if hint is NoneType:
        return st.none()
    if isinstance(hint, EnumMeta):
        return st.sampled_from(list(hint))
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return of_model(hint)
    raise TypeError(f"no strategy for {hint!r}")


@cache
def inputs_of(service: str) -> SearchStrategy[Input]:
    return st.one_of([of_model(model) for model in INPUTS_OF[service]])


@cache
def facts_of(*types: str) -> SearchStrategy[Fact]:
    """Facts of these types; of all, if none is named."""
    return st.one_of([of_model(FACT_TYPES[t]) for t in sorted(types or FACT_TYPES)])


@cache
def causes_of(service: str, *reacts_to: str) -> SearchStrategy[Cause]:
    """Whatever can reach a service, and what cannot: facts it does not wait for, instants that nobody named."""
    channels = st.builds(Received, inputs_of(service), times, evidences)
    others = st.builds(Observed, facts_of(), times, st.just("elsewhere"))
    clock = st.builds(Elapsed, st.sampled_from(("lapsed/1", "follow-up-missed/1", "other")), times)
    decisive = st.builds(Observed, facts_of(*reacts_to), times, st.just("elsewhere"))
    return st.one_of(channels, channels, channels, decisive, others, clock)
