"""The page of a back-test: whole in itself, the same every time, and true to the figures it shows."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from cli.backtesting.report import Material, reliability, right_by_silence, told_by_month
from cli.backtesting.report import page as drawn
from cli.backtesting.svg import Axis, Series, even, plot
from cli.main import app
from services.analytics.outcomes import Past, Raised
from tests.unit.attrition import day
from tests.unit.shop import shop

SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def page(events: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(events, tmp_path_factory.mktemp("report") / "report.html")


def written(events: Path, file: Path, *options: str) -> str:
    asked = ["backtest", "--events", str(events), "--report", str(file), *options]
    assert 0 == CliRunner().invoke(app, asked).exit_code
    return file.read_text(encoding="utf-8")


def test_it_needs_nothing_else_and_runs_nothing(page: str) -> None:
    assert not re.search(r"<script|<link|<img|https?://|@import|url\(", page)


def test_every_picture_is_well_formed_and_lies_within_its_frame(page: str) -> None:
    pictures = [ElementTree.fromstring(found) for found in SVG.findall(page)]
    assert 3 + 10 == len(pictures)
    for picture in pictures:
        _, _, width, height = map(float, picture.attrib["viewBox"].split())
        for dot in picture.iter("circle"):
            assert 0 <= float(dot.attrib["cx"]) <= width
            assert 0 <= float(dot.attrib["cy"]) <= height


def test_half_of_the_examples_are_of_alerts_that_were_right(page: str) -> None:
    assert (5, 5) == (page.count(": right</h2>"), page.count(": wrong</h2>"))


def test_the_same_history_gives_the_same_page(events: Path, page: str, tmp_path: Path) -> None:
    assert page == written(events, tmp_path / "again.html")


def test_who_has_no_risk_is_shown_all_the_same(events: Path, tmp_path: Path) -> None:
    """Nobody in a shop without contacts has one, if the lapse is the absence of contacts."""
    page = written(events, tmp_path / "report.html", "--target", "contact")
    assert 3 <= len(SVG.findall(page))


def test_a_curve_says_of_what_was_told_how_much_came_true() -> None:
    """Half of the customers buy once more, a day after they were told of."""
    told = [Raised(f"c-{n}", day(50), risk=n / 1000) for n in range(1000)]
    bought = {f"c-{n}": [day(10), *([day(51)] if n % 2 or n < 100 else [])] for n in range(1000)}
    past = Past(bought, until=day(200), horizon_days=90)
    curve = reliability(past, told)
    assert [pytest.approx(0.0495 + n / 10) for n in range(10)] == [said for said, _ in curve]
    assert [0.0, *[0.5] * 9] == [came for _, came in curve]
    assert [(45.0, 0.45)] == right_by_silence(past, told, 10)
    assert [] == reliability(Past(bought, until=day(100), horizon_days=90), told), "not known yet"


def told(*signs: tuple[str, str]) -> Material:
    """Each at its time, of an alert of its own."""
    material = Material()
    for number, (time, sign) in enumerate(signs):
        row = {"customer_id": f"c-{number}", "time": time, "sign": sign, "risk": 0.9, "alert": f"a-{number}"}
        material.take_alert(json.dumps(row).encode())
    return material


TOLD = told(
    ("2024-11-30T23:59:59.999999Z", "lapse"),
    ("2024-12-01T00:00:00Z", "lapse"),
    ("2024-12-01T00:30:00+01:00", "lapse"),
    ("2024-12-31T23:59:59Z", "attrition"),
    ("2025-03-01T00:00:00Z", "lapse"),
    ("2025-03-31T23:59:59Z", "lapse"),
)


def test_a_sign_counts_in_the_month_of_its_time_in_utc_and_months_without_any_are_there() -> None:
    assert told_by_month(TOLD.signs) == (
        ["2024-11", "2024-12", "2025-01", "2025-02", "2025-03"],
        {"attrition": [0, 1, 0, 0, 0], "lapse": [2, 1, 0, 0, 2]},
    )
    assert told_by_month([]) == ([], {})


def test_the_picture_of_the_months_has_as_many_points_as_there_are_months() -> None:
    whole = drawn("r1", TOLD, Past({}, until=day(0), horizon_days=90), {})
    picture = ElementTree.fromstring(next(found for found in SVG.findall(whole) if ">month<" in found))
    lines = [line.attrib["points"].split() for line in picture.iter("polyline")]
    attrition, lapse = [[float(point.partition(",")[2]) for point in points] for points in lines]
    bottom, top = max(lapse), min(lapse)
    assert [bottom, (bottom + top) / 2, bottom, bottom, bottom] == attrition
    assert [top, (bottom + top) / 2, bottom, bottom, top] == lapse
    named = [text.text for text in picture.iter("text")]
    assert all(month in named for month in told_by_month(TOLD.signs)[0])


def test_a_point_stands_where_its_figures_say() -> None:
    axis = Axis("x", 0, 10, even(0, 10, 2, "g"))
    picture = plot(axis, axis, [Series("one", [(0, 0), (5, 5), (10, 10)], marked=True)])
    drawn = ElementTree.fromstring(SVG.findall(picture)[0])
    corners = [(float(dot.attrib["cx"]), float(dot.attrib["cy"])) for dot in drawn.iter("circle")]
    (left, bottom), middle, (right, top) = corners
    assert middle == ((left + right) / 2, (bottom + top) / 2)
    assert left < right
    assert bottom > top


def test_names_of_customers_are_text() -> None:
    assert "<b>" not in plot(Axis("<b>", 0, 1, []), Axis("y", 0, 1, []), [Series("<b>", [])])
