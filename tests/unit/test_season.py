"""A season comes back every year, and who has left is none: weeks are worth as much as those of the year before."""

import numpy as np
import pytest

from services.analytics.calendar import Calendar
from services.analytics.replay import Replay
from services.analytics.rules import Rules
from services.analytics.state import WEEK
from tests.unit.attrition import day
from tests.unit.bases import happened
from tests.unit.planted import RATES, Shape, plant

UNTIL, YEAR_WEEKS = 780, 52
MOST_MOVED = 0.14  # of the logarithm, on the average of half a year


def worth(life_days: float) -> Calendar:
    shape = Shape(customers=400, rush=0, shared=0, season=0.3, life_days=life_days, there_from_the_start=0.6)
    base = plant(5, shape=shape, streams=tuple(RATES))
    replay = Replay(Rules(), is_scored=False)
    for event in happened(base, until=UNTIL):
        replay.take(event)
    list(replay.advance(day(UNTIL)))
    models = {at // WEEK - 1: result.model for at, result in replay.results.items()}
    return Calendar({week: model.season for week, model in models.items() if model is not None and model.season})


@pytest.mark.parametrize("life_days", [500.0, 1e6], ids=["many leave", "nobody leaves"])
def test_a_year_later_a_week_is_worth_what_it_was(life_days: float) -> None:
    calendar, last = worth(life_days), day(UNTIL) // WEEK - 2
    for stream in ("contact", "purchase"):
        now, then = (
            calendar.days(stream, range(end - YEAR_WEEKS // 2, end)).mean() for end in (last, last - YEAR_WEEKS)
        )
        assert abs(np.log(now / then)) < MOST_MOVED, stream
