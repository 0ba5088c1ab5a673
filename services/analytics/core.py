"""What follows for a partition's customers from what is observed and from the passing of time?

In: observations and instants, one after another. Out: alerts and risk rows, as bytes ready to be published. The answers
depend on that sequence alone, not on how it is cut into batches, on the process or on a restart in between. No clock,
no I/O.

A customer is looked at when something is observed, as of the instant at which silence alone may change a verdict, and
once a week, all at once, when it is known what the week was like for the whole base.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np

from services.analytics import alerts, changes, looks
from services.analytics.alerts import Transition
from services.analytics.buyers import Verdict, active_buyers_decline
from services.analytics.calendar import Calendar
from services.analytics.due import Due
from services.analytics.explain import MESSAGES, message, rounded_risk, row
from services.analytics.measures import RULES_OF_THUMB, Catalogue
from services.analytics.pages import PAGES, Pages
from services.analytics.places import candidates
from services.analytics.population.model import risks_of_many, unfitted
from services.analytics.population.numbers import numbers, of_all
from services.analytics.population.part import Candidate, Known, Part, Sample, part_of
from services.analytics.population.segments import segments_of
from services.analytics.record import (
    ATTRITION,
    BUYERS,
    COMPLAINT,
    DEEP,
    LAPSE,
    NONE,
    Observation,
    begins_again,
    ends,
    is_occasion,
    newcomer,
    record,
    restart,
)
from services.analytics.rules import Rules
from services.analytics.silence import BY_RISK, Outlook, outlooks, verdicts
from services.analytics.state import DAY, NEVER, WEEK, Customer
from services.analytics.wire import AlertOut, Output, RiskOut, alert_bytes, risk_bytes

__all__ = ["PAGES", "AlertOut", "Core", "Observation", "Output", "RiskOut", "Rules"]

# Customers. More memory than a processor has at hand is given back and fetched again at each step, for twice the price.
LOOKED_AT_ONCE, TOLD_AT_ONCE = 128, 32


class Core:
    """The customers of one partition under one version of the rules."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.known = Known(unfitted(rules), Calendar({}))  # of the whole base; in force
        self.catalogue = RULES_OF_THUMB  # in force
        self._customers = Pages(rules.version)
        self._due = Due()

    def take(self, said: Observation | Catalogue) -> list[Output]:
        """Of two catalogues the later holds, in whichever order they come."""
        if isinstance(said, Observation):
            return self.observe(said)
        self.catalogue = max(self.catalogue, said, key=Catalogue.place)
        return []

    def observe(self, o: Observation) -> list[Output]:
        """Remembers and judges at the observation's time, or, if it comes late, as of the customer's latest instant."""
        c = self._customers.get(o.customer)
        if c is None:
            c = newcomer(o.customer, o.at)
            self._customers.add(c)
        at = c.now = max(o.at, c.now)
        if begins_again(c, o, self.rules):
            restart(c, at)
        touched = record(c, o, self.rules)
        if c.lapsed_at is None and ends(c, o):
            self._end(c, o)
        outputs = self._judge(c, at, touched, o)
        self._due.put(c.id, c.due)
        return outputs

    def advance(self, instant: int) -> list[Output]:
        """Judges, in order of id, for whom something fell due, as of when it did. Again it gives nothing."""
        outputs: list[Output] = []
        for c in map(self._in_hand, self._due.take(instant)):
            while c.due <= instant:
                c.now = max(c.due, c.now)
                outputs += self._judge(c, c.now, NONE, None)
                assert c.due > c.now, "what fell due has been judged"
            self._due.put(c.id, c.due)
        return outputs

    def next_due(self) -> int | None:
        """The earliest instant at which time alone may change anything, micros; it may be early, never late."""
        return self._due.earliest()

    def risks(self, at: Sequence[int], of: Sequence[str] | None = None) -> Iterator[tuple[str, Sequence[float]]]:
        """As of instants not before the latest observation: of those named, or of every customer who has bought, in
        order of id."""
        everybody = self._with_occasions() if of is None else map(self._in_hand, of)
        for some in _batches(everybody, LOOKED_AT_ONCE):
            risks = risks_of_many(self.known.model, of_all(some), self.rules.horizon_days)
            said = np.stack([risks.at(np.full(len(some), instant / DAY)) for instant in at], axis=1)
            yield from zip((c.id for c in some), said.round(6).tolist(), strict=True)

    def part(self, week: int, *, number: int, is_first: bool, one_in: int = 1) -> Part:
        """What partition `number` tells at the beginning of a week, micros, of everybody it knows. `one_in`: no more
        rows will be used."""
        sample, customers, waiting = Sample(one_in), 0, list[Candidate]()

        def everybody() -> Iterator[Customer]:
            """Who is unpacked is asked all there is to ask at once."""
            nonlocal customers
            for some in _batches(self._customers.everybody(), TOLD_AT_ONCE):
                of = [(c, c.occasions) for c in some if c.occasions is not None]
                customers += len(of)
                for c, p in of:
                    if sample.wants(c.id):
                        sample.add(numbers(c, p, week // WEEK))
                waiting.extend(candidates(some, week, self.rules, self.known))
                yield from some

        segments = segments_of(everybody(), week, self.rules)
        return part_of(sample, customers, segments, waiting, self.rules, week=week, number=number, is_first=is_first)

    def look(self, at: int, of_base: Known) -> list[Output]:
        """The week is over, and what it was like is known: everybody is looked at, by what is known now."""
        outputs = self.advance(at - 1)
        self.known = of_base
        outputs += self.advance(at)
        for some in _batches(self._customers.everybody(), LOOKED_AT_ONCE):
            outputs += self._looked_at(some, at)
        return outputs

    def dump_pages(self, changed_only: bool) -> dict[int, bytes]:
        """Pages with customers, or of those the ones that changed since the last dump."""
        return self._customers.dump(changed_only=changed_only)

    def load_pages(self, pages: Mapping[int, bytes]) -> None:
        """Replaces all customers by those of the pages. Raises OtherState, and then nothing is replaced."""
        loaded = self._customers.load(pages)
        self._due = Due()
        for c in loaded:
            self._due.put(c.id, c.due)

    def _looked_at(self, some: list[Customer], at: int) -> list[Output]:
        """Pace and risk of some customers, at the end of a week. Of whom there is news is in hand from then on."""
        model, calendar = self.known
        strengths = changes.strengths(some, at, model.paces, calendar)
        for place in looks.moved(some, strengths):
            self._customers.strengthen(some[place], tuple(strengths[place].tolist()))
        risky = [n for n, c in enumerate(some) if model.is_fitted and c.occasions is not None and c.lapsed_at is None]
        seen = dict(zip(risky, outlooks([some[n] for n in risky], at, self.rules, model), strict=True))
        outputs: list[Output] = []
        for place in looks.with_news(some, strengths, seen, model.admitted, self.rules):
            if self._is_watched(some[place]):
                outputs += self._one_looked_at(some[place], at, strengths[place].tolist(), seen.get(place))
        return outputs

    def _one_looked_at(self, c: Customer, at: int, strength: list[float], seen: Outlook | None) -> list[Output]:
        watched = self._watched(c)
        strength = strength[: len(watched)]
        up = changes.up_with(c.up, watched, strength, self.rules)
        again = up & changes.told_long_ago(c.told, at, self.rules)
        again = again and again & changes.up_with(0, watched, strength, self.rules)
        is_risky = (seen is not None and seen.matters) or (up ^ c.up) >> LAPSE & 1 > 0
        if up != c.up or again or is_risky or (alerts.waits(c.life, up) and self._is_admitted(c)):
            self._customers.add(c)
            c.now, c.up = max(at, c.now), up
            c.life.reasons &= ~again
            outputs = self._judge(c, c.now, BY_RISK if is_risky else NONE, None)
            self._due.put(c.id, c.due)
            return outputs
        if seen is None or not looks.is_another_row(c, seen):
            return []
        self._customers.add(c)
        c.dues[ATTRITION] = c.dues[DEEP] = NEVER
        c.due = self._next(c)
        return self._row(c, at, seen.risk, anyway=False)

    def _in_hand(self, customer: str) -> Customer:
        found = self._customers.get(customer)
        assert found is not None, "seen a moment ago"
        return found

    def _with_occasions(self) -> Iterator[Customer]:
        return (c for c in self._customers.everybody() if c.occasions is not None)

    def _is_watched(self, c: Customer) -> bool:
        """Not after a declared lapse, when the time is over in which they may be won back."""
        return c.lapsed_at is None or c.life.is_open

    def _is_admitted(self, c: Customer) -> bool:
        """What a channel declares is no judgement: there is always a place for it."""
        admitted = self.known.model.admitted
        return c.id in admitted or c.lapsed_at is not None or self.rules.place_of(c.segment) is None

    def _watched(self, c: Customer) -> tuple[int, ...]:
        """Changes that are to be found; of a lapse that is declared nothing is."""
        return changes.SIGNS if c.declared is None else changes.SIGNS[:-1]

    def _judge(self, c: Customer, at: int, touched: Sequence[int], o: Observation | None) -> list[Output]:
        if self._is_watched(c):
            self._find(c, at, touched, is_time=o is None)
        is_heard, is_back = o is not None and bool(touched), o is not None and is_occasion(o, self.rules)
        outputs: list[Output] = []
        self._tell(c, at)
        why = alerts.judged(
            c.life, c.up, at, c.alerts + 1, self.rules,
            is_heard=is_heard, is_back=is_back, is_admitted=self._is_admitted(c),
        )  # fmt: skip
        c.waits_since = (c.waits_since or at) if alerts.waits(c.life, c.up) else 0
        if why is not None:
            outputs.append(self._alert(c, at, why, o))
        if o is not None and (why := alerts.commanded(c.life, o, at, c.alerts + 1, self.rules)) is not None:
            outputs.append(self._alert(c, at, why, o))
        if (c.life.is_open or c.lapsed_at is not None) and at >= alerts.ends_at(c, self.rules):
            outputs += self._ended(c, at)
        if outputs or is_back or o is None:
            risk = c.life.risk if outputs else self._risk(c, at)  # an alert has just told it
            outputs += self._row(c, at, risk, anyway=bool(outputs))
        c.due = self._next(c)
        return outputs

    def _find(self, c: Customer, at: int, touched: Sequence[int], *, is_time: bool) -> None:
        """Which signs are up. An event takes a decline down at once; complaints come up with one. What falls due is
        judged when the clock has come to it: until then, there may be more to hear of before it."""
        dues = c.dues
        if is_time and c.lapsed_at is None:
            touched = [*touched, *(number for number, due in enumerate(dues) if due <= at and number not in touched)]
        if LAPSE in touched and c.up & (1 << ATTRITION | 1 << DEEP):
            touched = [*touched, *BY_RISK]
        heard = [n for n in touched if n in self._watched(c) and (n == COMPLAINT or c.up >> n & 1)]
        if heard:
            model, calendar = self.known
            before = c.up
            strength = changes.strengths([c], at, model.paces, calendar, heard)[0].tolist()
            c.up = changes.up_with(c.up, heard, strength, self.rules)
            touched = [*touched, *BY_RISK] if (before ^ c.up) >> LAPSE & 1 else touched
        for number, (up, due) in self._verdicts(c, at, touched) if c.lapsed_at is None else ():
            bit, dues[number] = 1 << number, due
            c.up = c.up | bit if up else c.up & ~bit

    def _tell(self, c: Customer, at: int) -> None:
        """When changes are told that have not been said yet."""
        for place, number in enumerate(changes.SIGNS):
            if (c.up & ~c.life.reasons) >> number & 1:
                c.told[place] = at

    def _verdicts(self, c: Customer, at: int, touched: Collection[int]) -> Iterator[tuple[int, Verdict]]:
        """The two by the risk are found together: they ask the model the same."""
        if BUYERS in touched:
            yield BUYERS, active_buyers_decline(c, at, c.up >> BUYERS & 1 > 0, self.rules)
        if ATTRITION in touched or DEEP in touched:
            yield from verdicts(c, at, self.rules, self.known.model).items()

    def _end(self, c: Customer, o: Observation) -> None:
        """A lapse is declared: that is the sign, and nothing else is awaited of this customer until they buy again."""
        c.lapsed_at, c.declared, c.up = o.at, o.evidence, 1 << LAPSE
        c.dues = [NEVER] * len(c.dues)
        c.life.reasons, c.life.is_over = c.life.reasons & ~c.up, False  # to be told though silence may have told it

    def _ended(self, c: Customer, at: int) -> list[Output]:
        """Time has been given to win them back."""
        c.up = c.up if c.lapsed_at is None else 0
        why = alerts.lapsed(c.life)
        return [] if why is None else [self._alert(c, at, why, None)]

    def _next(self, c: Customer) -> int:
        over = alerts.ends_at(c, self.rules) if c.life.is_open else NEVER
        return over if c.lapsed_at is not None else min(over, min(c.dues), alerts.awaits(c.life, self.rules))

    def _alert(self, c: Customer, at: int, why: Transition, o: Observation | None) -> AlertOut:
        said = message(c, at, why, o, self.rules, self.known, self.catalogue)
        c.alerts += 1
        c.life.risk = said.risk
        return AlertOut(c.id, alert_bytes(c.id, c.alerts, MESSAGES[why], said))

    def _risk(self, c: Customer, at: int) -> float | None:
        return rounded_risk(c, at, self.rules, self.known.model)

    def _row(self, c: Customer, at: int, risk: float | None, *, anyway: bool) -> list[Output]:
        step = -1 if risk is None else looks.step_of(risk)
        if step == c.shown and not anyway:
            return []
        c.shown = step
        c.rows += 1
        return [RiskOut(c.id, risk_bytes(c.id, c.rows, row(c, at, risk, self.rules, self.known.model)))]


def _batches(customers: Iterable[Customer], size: int) -> Iterator[list[Customer]]:
    waiting = iter(customers)
    while some := list(islice(waiting, size)):
        yield some
