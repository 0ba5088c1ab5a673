"""One customer in the memory of one service: the chain of commits so far, folded, and the commit that the next cause
gives.

In: a history from the store, then causes one by one. Out: commits, decided from the chain before them and from nothing
else. Pure: the same chain and the same cause give the same bytes, whoever asks. Parking is here, too: a cause whose
decision raises becomes a fact, and whatever comes after it for this customer waits behind it, in order, until an
operator releases it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Generic, TypeVar

from shared.contracts.catalogue import FACT_TYPES, INPUT_TYPES
from shared.contracts.envelope import Envelope, Event, Fact, Inbound, read_fact, read_inbound, write_fact
from shared.contracts.protocol import CauseNoted, CauseParked, CauseReleased, Redrive
from shared.contracts.values import format_time, parse_time
from shared.decider import Cause, Decider, Due, Elapsed, Observed, Received
from shared.event_store import Commit, History
from shared.logs import trace_id_of

S = TypeVar("S")

CLOCK_TYPE = "clock"  # the type of a parked cause that came from the clock
RELEASE_BYTES = 512 * 1024  # facts of one release, but for the last cause: a commit has to fit into one produce batch
ENVELOPE_BYTES = 1024  # of a fact, beside the ids it names
MAX_TRACEPARENT = 128  # characters, as of a fact's; today's have 55
MAX_REASON = 1_000  # characters of an exception's message, which may hold a whole state


@dataclass(frozen=True, slots=True)
class Question:
    """A cause as it is put to a customer: what is asked, under which identity, and its JSON in case it must be
    parked."""

    customer: str
    cause_id: str  # "<source>|<id>"
    cause: Cause
    raw: bytes
    digest: str | None = None
    traceparent: str | None = None


def question_of_input(event: Inbound, at: datetime, raw: bytes, traceparent: str | None) -> Question:
    """A `traceparent` that is none is dropped: it would be copied into every fact, whatever its size."""
    cause = Received(event.data, at, event.cause)
    traced = traceparent is not None and len(traceparent) <= MAX_TRACEPARENT and trace_id_of(traceparent)
    return Question(event.subject, event.cause, cause, raw, event.digest, traceparent if traced else None)


def question_of_fact(fact: Event, at: datetime, raw: bytes) -> Question:
    cause_id = f"tenure/{fact.producer}|{fact.id}"
    return Question(fact.subject, cause_id, Observed(fact.data, at, fact.producer), raw, None, fact.traceparent)


def question_of_clock(customer: str, due: Due) -> Question:
    cause_id = f"clock|{customer}/{due.what}/{format_time(due.at)}"
    document = {"type": CLOCK_TYPE, "subject": customer, "what": due.what, "time": format_time(due.at)}
    return Question(customer, cause_id, Elapsed(due.what, due.at), json.dumps(document).encode())


def _question_of_parked(customer: str, cause_id: str, document: dict[str, Any], at: datetime) -> Question:
    raw = json.dumps(document).encode()
    if document["type"] == CLOCK_TYPE:
        return question_of_clock(customer, Due(parse_time(document["time"]), document["what"]))
    if document["type"] in INPUT_TYPES:
        return question_of_input(read_inbound(raw, INPUT_TYPES), at, raw, document.get("traceparent"))
    return question_of_fact(read_fact(raw, FACT_TYPES), at, raw)


@dataclass(slots=True)
class Chain(Generic[S]):
    """`causes` are those this process knows of; the store's index knows all. `listed`: the bucket of the due list it
    stands in."""

    customer: str
    partition: int
    state: S
    last: int = 0
    snapshot_last: int = 0
    causes: dict[str, str | None] = field(default_factory=dict)  # cause -> digest of its content
    parked: dict[str, tuple[dict[str, Any], datetime]] = field(default_factory=dict)  # cause -> event, its time
    listed: int | None = None

    def forget_causes(self, kept: int) -> None:
        """All but the newest: as many as a load from a snapshot would bring. The store knows the others, and refuses to
        keep one twice."""
        for cause in list(islice(self.causes, max(0, len(self.causes) - kept))):
            del self.causes[cause]


def chain_from(decider: Decider[S], customer: str, partition: int, history: History) -> Chain[S]:
    """The chain as stored."""
    snapshot = history.snapshot
    state = decider.load(snapshot.state) if snapshot else decider.initial
    last = snapshot.last if snapshot else 0
    chain = Chain(customer, partition, state, last, last)
    for commit in history.commits:
        append_stored(decider, chain, commit)
    return chain


def append_stored(decider: Decider[S], chain: Chain[S], commit: Commit) -> None:
    """Folds a stored commit."""
    for raw in commit.events:
        event = read_fact(raw, FACT_TYPES)
        _evolve(decider, chain, event.data, event.time, event.cause)
        chain.causes[event.cause] = event.digest
    chain.last = commit.last


def due_of(decider: Decider[S], chain: Chain[S]) -> Due | None:
    """What falls due next; nothing while causes are parked: time, too, waits behind them."""
    return None if chain.parked else decider.due(chain.state)


def commit_for(decider: Decider[S], chain: Chain[S], question: Question) -> Commit:
    """What the cause gives, appended to the chain. Always one commit of one or more facts, even of a decider that
    raises."""
    facts = []
    for dated in _facts_for(decider, chain, question):  # lazy: each is folded before the next is asked for
        _evolve(decider, chain, dated[0], dated[1], question.cause_id)
        facts.append(dated)
    first, last = chain.last + 1, chain.last + len(facts)
    events = tuple(_bytes_of(decider.name, question, first + i, first, last, *dated) for i, dated in enumerate(facts))
    chain.last = last
    chain.causes[question.cause_id] = question.digest
    return Commit(chain.customer, first, last, question.cause_id, events, chain.partition)


def _bytes_of(
    producer: str, question: Question, sequence: int, first: int, last: int, fact: Fact, at: datetime, input_id: str
) -> bytes:
    return write_fact(
        Event(
            producer=producer,
            subject=question.customer,
            sequence=sequence,
            first=first,
            last=last,
            time=at,
            cause=question.cause_id,
            digest=question.digest,
            input=input_id,
            traceparent=question.traceparent,
            type=fact.TYPE,
            data=fact,
        )
    )


Dated = tuple[Fact, datetime, str]  # a fact, its time, the channel's event that it records


def _facts_for(decider: Decider[S], chain: Chain[S], question: Question) -> Iterator[Dated]:
    cause = question.cause
    if isinstance(cause, Received) and isinstance(cause.input, Redrive):
        yield from _release(decider, chain, question)
        return
    if chain.parked:
        yield _parked(question, "waits behind a parked cause"), cause.at, question.cause_id
        return
    try:
        facts: Sequence[Fact] = decider.decide(chain.state, cause) or [CauseNoted()]
    except Exception as error:  # a decider that raises is a bug in it; the customer's event must survive that
        facts = [_parked(question, f"{type(error).__name__}: {error}"[:MAX_REASON])]
    for fact in facts:
        yield fact, cause.at, question.cause_id


def _parked(question: Question, reason: str) -> CauseParked:
    """Of a channel's event what was checked: an attribute that nobody knows may hold what cannot be written again."""
    event = json.loads(question.raw)
    if isinstance(question.cause, Received):
        event = {name: value for name, value in event.items() if name in Envelope.model_fields}
    return CauseParked(reason=reason, event=event)


def _release(decider: Decider[S], chain: Chain[S], question: Question) -> Iterator[Dated]:
    """Decides parked causes in order, until one fails again or the commit is large enough."""
    released, size, note = 0, 0, "nothing is parked"
    for cause_id, (document, at) in list(chain.parked.items()):
        parked = _question_of_parked(chain.customer, cause_id, document, at)
        try:
            facts: Sequence[Fact] = decider.decide(chain.state, parked.cause)
        except Exception as error:  # still failing: it stays parked, and says so
            note = f"still failing: {type(error).__name__}: {error}"[:MAX_REASON]
            break
        for fact in (*facts, CauseReleased(cause=cause_id)):
            size += len(fact.model_dump_json()) + ENVELOPE_BYTES + 3 * len(chain.customer) + 2 * len(cause_id)
            yield fact, at, cause_id
        released += 1
        if size > RELEASE_BYTES:
            break
    if not released:
        yield CauseNoted(note=note), question.cause.at, question.cause_id


def _evolve(decider: Decider[S], chain: Chain[S], fact: Fact, at: datetime, cause_id: str) -> None:
    match fact:
        case CauseParked(event=event):
            chain.parked[cause_id] = (event, at)
        case CauseReleased(cause=cause):
            chain.parked.pop(cause, None)
        case CauseNoted():
            pass
        case _:
            chain.state = decider.evolve(chain.state, fact, at)
