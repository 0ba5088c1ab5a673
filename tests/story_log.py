"""The demo's story as it would stand in the log: what the services record of it, and the alerts that follow."""

from collections import Counter
from collections.abc import Iterator

from cli.data import STORY
from cli.sending.lines import Line, in_order, open_lines, read_lines
from services.analytics.core import AlertOut, Output, Rules
from services.analytics.population.segments import SegmentOut
from services.analytics.replay import Replay, Score
from shared.contracts.catalogue import INPUT_TYPES, OWNER_OF, RECORDED_AS
from shared.contracts.envelope import Event, Fact, read_inbound, write_fact
from shared.contracts.values import parse_time, to_micros
from shared.decider import recorded

END = parse_time("1998-07-01T00:00:00Z")


def story_facts() -> list[bytes]:
    """Every event as its service records it, in order of time; what else follows from them is left out."""
    return [write_fact(event) for event in _events()]


def _events() -> Iterator[Event]:
    last: Counter[tuple[str, str]] = Counter()
    for line in story_lines():
        said = read_inbound(line.body, INPUT_TYPES)
        data = recorded(said.data, RECORDED_AS[type(said.data)])
        producer, cause = OWNER_OF[said.type], said.cause
        last[producer, said.subject] += 1
        n = last[producer, said.subject]
        yield Event(producer, said.subject, n, n, n, said.time, cause, None, cause, None, data.TYPE, data)


def story_fact(customer: str, data: Fact) -> bytes:
    """What retention might say of a customer at the end of the story."""
    n = 1 + sum(event.subject == customer and event.producer == "retention" for event in _events())
    cause = f"clock|{customer}/lapsed/end"
    return write_fact(Event("retention", customer, n, n, n, END, cause, None, cause, None, data.TYPE, data))


def story_alerts() -> list[bytes]:
    """In the order in which they are raised."""
    return [output.value for output in _judged() if isinstance(output, AlertOut)]


def story_lines() -> Iterator[Line]:
    for item in in_order(read_lines(open_lines(STORY), source="unnamed")):
        assert isinstance(item, Line)
        yield item


def _judged() -> Iterator[Output | SegmentOut | Score]:
    replay = Replay(Rules(), is_scored=False)
    for line in story_lines():
        event = read_inbound(line.body, INPUT_TYPES)
        yield from replay.advance(to_micros(event.time))
        replay.take(event)
    yield from replay.advance(to_micros(END))
