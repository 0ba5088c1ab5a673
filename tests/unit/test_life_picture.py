"""A customer's life as rows of text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.backtesting.life import Happened, Life, drawing, picture
from tests.unit.attrition import day

instants = st.integers(0, 700).map(day)
events = st.lists(st.builds(Happened, instants, st.sampled_from(("purchase", "contact"))), min_size=1)
risks = st.lists(st.tuples(instants, st.floats(0, 1))).map(sorted)
alerts = st.lists(st.builds(Happened, instants, st.sampled_from(("raised", "cleared"))))


def test_each_kind_has_a_row_and_each_event_its_place() -> None:
    bought = [Happened(day(n), "purchase") for n in (0, 1, 50)]
    life = Life(
        [*bought, Happened(day(100), "contact")], [(day(0), 0.1), (day(60), 0.95)], [Happened(day(75), "raised")]
    )
    assert [
        "contact                          •",
        "purchase  ●           •     ·    ·",
        "risk      ▁▁▁▁▁▁▁▁▁▁▁▁▁▁██████████",
        "alerts                      R",
    ] == drawing(life, 34)[:4]


@given(events, risks, alerts, st.integers(0, 200))
def test_no_row_is_wider_than_asked_and_none_is_lost(
    happened: list[Happened], risk: list[tuple[int, float]], messages: list[Happened], width: int
) -> None:
    rows = drawing(Life(happened, risk, messages), width)
    assert max(map(len, rows)) <= max(width, 40)
    assert len({event.kind for event in happened}) + 3 == len(rows)


def test_where_purchases_would_be_in_the_own_rhythm_is_drawn_in_a_picture_too() -> None:
    bought = [Happened(day(n), "purchase") for n in (0, 10, 20)]
    assert [day(30), day(40)] == Life(bought, [(day(49), 0.7)], []).awaited()
    assert "own rhythm" in picture(Life(bought, [(day(49), 0.7)], []))
    assert "own rhythm" not in picture(Life(bought[:1], [(day(49), 0.7)], []))


def test_one_instant_is_a_life_too() -> None:
    assert drawing(Life([Happened(day(3), "purchase")], [], []), 40)[0].endswith("•")


@pytest.mark.parametrize("word", ["raised", "escalated", "cleared"])
def test_an_alert_shows_its_first_letter(word: str) -> None:
    rows = drawing(Life([Happened(day(0), "contact")], [], [Happened(day(9), word)]), 60)
    assert word[0].upper() in rows[2]
