"""How tests of the base speak: rows of customers, and events as they come in."""

from collections.abc import Sequence

from hypothesis import strategies as st

from services.analytics.population.features import NAMES, OFFSET
from services.analytics.population.model import Regression
from services.analytics.population.numbers import Counts, Numbers
from services.analytics.state import DAY, UNCHANGED, Strengths
from shared.contracts.catalogue import INPUT_TYPES
from shared.contracts.envelope import Inbound, read_inbound
from tests.unit.attrition import BEGINNING

START = BEGINNING // DAY
AS_THE_OFFSET = Regression(
    tuple(float(n == OFFSET) for n in range(len(NAMES))), (-100.0,) * len(NAMES), (100.0,) * len(NAMES)
)


def inbound(body: bytes) -> Inbound:
    return read_inbound(body, INPUT_TYPES)


def row(customer: str, first: int, last: int, repeats: int, *, opened: int | None = None) -> Numbers:
    """Days since the beginning of the tests; evenly spaced occasions."""
    gap = (last - first) / max(1, repeats)
    opens = START + (last if opened is None else opened)
    return Numbers(
        customer, START + first, START + last, opens, 0, repeats, repeats * gap**2, gap if repeats else 0.0,
        1.0 + min(repeats, 3), 1.0 + min(repeats, 9), 20.0, 25.0, 0, 0.0, *UNCHANGED,
        Counts((START + first) // 7 + 1, (0, 0, 0, repeats), (0, 0, 0, int(repeats > 0)), (1, 760, 577_600)),
    )  # fmt: skip


fours = st.tuples(*[st.integers(0, 10**6)] * 4)
nats = st.floats(0, 60)
strengths: st.SearchStrategy[Strengths] = st.tuples(nats, nats, nats, nats, nats, nats)


@st.composite
def _rows(draw: st.DrawFn, number: int) -> Numbers:
    first = draw(st.integers(0, 800))
    repeats = draw(st.one_of(st.just(0), st.integers(1, 60), st.integers(1, 5000)))
    last = first if repeats == 0 else draw(st.integers(first, 899))
    gap = draw(st.floats(0, 800)) if repeats else 0.0
    amount = st.sampled_from((0.0, 0.01, 19.99, 1e6, 9e13))
    complaints = draw(st.integers(0, 50))
    return Numbers(
        f"c-{number:03}", START + first, START + last, START + last, START + first if complaints else 0, repeats,
        draw(st.floats(0, 1e6)), gap, draw(st.floats(0, 100)), draw(st.floats(0, 1000)), draw(amount), draw(amount),
        complaints, float(min(complaints, 9)), *draw(strengths),
        draw(st.builds(Counts, st.integers(0, 3000), fours, fours, st.tuples(*[st.integers(0, 2**40)] * 3))),
    )  # fmt: skip


def customer_rows() -> st.SearchStrategy[Sequence[Numbers]]:
    """Some customers, in order of id, none of whom has done anything on day 900 or later."""
    return st.integers(1, 6).flatmap(lambda size: st.tuples(*map(_rows, range(size))))
