"""How laws of the judgement speak: sequences of observations and instants, absurd ones and lives, and a play of them
under a model of the base."""

from collections.abc import Sequence

from hypothesis import strategies as st

from services.analytics.core import AlertOut, Core, Observation, Output, Rules
from services.analytics.population.part import Known, next_look
from services.analytics.state import HOUR
from shared.contracts.analytics import Alert, read_alert
from tests.unit.attrition import BEGINNING, day, every

YEAR_1, YEAR_9999 = -62_135_596_800_000_000, 253_402_300_799_999_999

Step = Observation | int  # an int is an instant of the grid

customers = st.sampled_from(("a", "b", "ü/ü", "c" * 128))
ordinary = st.integers(0, 700 * 24).map(lambda hours: BEGINNING + hours * HOUR)
times = st.one_of(ordinary, ordinary, ordinary, st.sampled_from((YEAR_1, YEAR_9999)), st.integers(YEAR_1, YEAR_9999))
amounts = st.sampled_from((0, 1, -1, 4_999, -(10**30), 10**30, 2**53))
KINDS = ["enquiry", "contact", "complaint", "purchase", "lapse", "satisfaction"]
kinds = st.sampled_from([*KINDS, "purchase", "alert-acknowledged", "alert-snoozed"])


@st.composite
def observations(draw: st.DrawFn, at: st.SearchStrategy[int] = times) -> Observation:
    customer = draw(customers)
    return Observation(
        customer=customer,
        at=draw(at),
        kind=draw(kinds),
        evidence=draw(st.sampled_from(("crm|1", "crm|2", "shop|x"))),
        inbound=draw(st.booleans()),
        amount_minor=draw(amounts),
        currency=draw(st.sampled_from((None, "EUR", "JPY", "no currency"))),
        buyer=draw(st.sampled_from((None, None, *(f"buyer {n}" for n in range(20))))),
        defector=draw(st.sampled_from((None, "price", "service", "what nobody knows yet"))),
        alert=draw(st.one_of(st.none(), st.integers(1, 3).map(lambda n: f"analytics/r1/{customer}/{n}"))),
        until=draw(st.one_of(st.none(), times)),
        reason=draw(st.sampled_from((None, "later"))),
    )


absurd = st.lists(st.one_of(observations(), st.integers(0, 1_000).map(day)), max_size=60)


@st.composite
def lives(draw: st.DrawFn) -> list[Step]:
    """Customers with a rhythm that breaks off, some of whom come back, on a grid of days, the look of every week among
    them, with anything in between."""
    steps: list[Observation] = draw(st.lists(observations(ordinary), max_size=12))
    for customer in draw(st.sets(customers, min_size=1)):
        gap, last = draw(st.floats(1, 20)), draw(st.floats(60, 260))
        kind = draw(st.sampled_from(("purchase", "contact", "enquiry")))
        steps += every(gap, kind, 0, last, customer=customer)
        if draw(st.booleans()):
            back = last + draw(st.floats(20, 180))
            steps += every(gap, kind, back, draw(st.sampled_from((back, back + 60))), customer=customer)
    days = range(0, 420, draw(st.sampled_from((1, 3))))
    grid = sorted({*map(day, days), *(next_look(day(week)) for week in range(0, 413, 7))})
    return sorted([*steps, *grid], key=lambda step: (step, 0) if isinstance(step, int) else (step.at, 1))


def step(core: Core, one: Step) -> list[Output]:
    if not isinstance(one, int):
        return core.observe(one)
    return [*core.advance(one), *(core.look(one, core.known) if next_look(one - 1) == one else [])]


def core_under(known: Known) -> Core:
    """Nobody in it yet; `known` of the base is in force."""
    core = Core(Rules())
    core.known = known
    return core


def outcome(steps: Sequence[Step], core: Core) -> list[Output]:
    return [output for one in steps for output in step(core, one)]


def messages(outputs: Sequence[Output]) -> dict[str, list[Alert]]:
    """By customer, in order."""
    found: dict[str, list[Alert]] = {}
    for output in outputs:
        if isinstance(output, AlertOut):
            found.setdefault(output.customer, []).append(read_alert(output.value))
    return found


def restarted(core: Core) -> Core:
    again = core_under(core.known)
    again.load_pages(core.dump_pages(changed_only=False))
    return again
