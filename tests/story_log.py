"""The demo's story as it would stand in the log: what the services record of it, and the alerts that follow."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from cli.data import STORY
from cli.sending.lines import Line, in_order, open_lines, read_lines
from services.analytics.core import AlertOut, Core, Output, Rules
from services.analytics.facts import observation, read
from shared.contracts.catalogue import INPUT_TYPES, OWNER_OF, RECORDED_AS
from shared.contracts.envelope import Event, Fact, read_inbound, write_fact
from shared.contracts.values import from_micros, parse_time, to_micros
from shared.decider import recorded

DAY = timedelta(days=1)
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
    """Judged at every event and every midnight, in the order in which they are raised."""
    return [output.value for output in _judged() if isinstance(output, AlertOut)]


def story_lines() -> Iterator[Line]:
    for item in in_order(read_lines(open_lines(STORY), source="unnamed")):
        assert isinstance(item, Line)
        yield item


def _judged() -> Iterator[Output]:
    core, midnight = Core(Rules()), None
    for seen in filter(None, (observation(read(fact)) for fact in story_facts())):
        midnight = midnight or from_micros(seen.at).replace(hour=0, minute=0)
        while to_micros(midnight) <= seen.at:
            yield from core.advance(to_micros(midnight))
            midnight += DAY
        yield from core.observe(seen)
