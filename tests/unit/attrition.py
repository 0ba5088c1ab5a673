"""How tests of the judgement speak: days since a beginning, observations by name, a play of them on a daily grid."""

from collections.abc import Iterable, Sequence
from typing import Any

from services.analytics.core import AlertOut, Core, Observation, Output, Rules
from services.analytics.population.part import next_look
from services.analytics.state import DAY
from shared.contracts.analytics import Alert, Sign, read_alert

BEGINNING = 19_723 * DAY  # 2024-01-01T00:00:00Z
WHO = "c-1"


def day(number: float) -> int:
    """Micros of that day since the beginning; the fraction is the time of day."""
    return BEGINNING + round(number * DAY)


def observation(kind: str, number: float, **more: Any) -> Observation:
    return Observation(
        **{"customer": WHO, "at": day(number), "kind": kind, "evidence": f"crm|{kind}-{number:g}", **more}
    )


def purchase(number: float, amount_minor: int = 5_000, **more: Any) -> Observation:
    return observation("purchase", number, **{"amount_minor": amount_minor, "currency": "EUR", **more})


def every(gap: float, kind: str, first: float, last: float, **more: Any) -> list[Observation]:
    """One observation each `gap` days, at half past some hour, so that it never meets the grid."""
    count = int((last - first) / gap) + 1
    one = purchase if kind == "purchase" else lambda number, **more: observation(kind, number, **more)
    return [one(first + i * gap + 0.4, **more) for i in range(count)]


def play(*parts: Observation | Iterable[Observation], until: float, core: Core | None = None) -> list[Output]:
    """Everything in the order of time, the grid judged at every midnight up to and including `until`, and the week on
    the day from which its result counts."""
    core = core or Core(Rules())
    todo = sorted(
        (o for part in parts for o in ([part] if isinstance(part, Observation) else part)), key=lambda o: o.at
    )
    outputs: list[Output] = []
    for number in range(int(until) + 1):
        while todo and todo[0].at < day(number):
            outputs += core.observe(todo.pop(0))
        outputs += core.advance(day(number))
        if next_look(day(number) - 1) == day(number):
            outputs += core.look(day(number), core.known)
    return outputs


def alerts(outputs: Sequence[Output]) -> list[Alert]:
    return [read_alert(output.value) for output in outputs if isinstance(output, AlertOut)]


def course(outputs: Sequence[Output]) -> list[str]:
    """What became of the alert, in words: raised, escalated, cleared ..."""
    return [alert.type.removeprefix("tenure.attrition-alert-").removesuffix(".v1") for alert in alerts(outputs)]


def turns(outputs: Sequence[Output]) -> list[str]:
    """The same without what only adds to an open alert."""
    return [step for step in course(outputs) if step != "escalated"]


def signs(alert: Alert) -> set[Sign]:
    return {evidence.sign for evidence in alert.data.signs}
