"""A picture as PNG: what is on it, letters included, on any machine."""

import re
import string
import sys
from xml.etree import ElementTree

import pytest

from cli.backtesting.life import Happened, Life, picture
from cli.backtesting.png import DOTS, rasterised
from cli.backtesting.svg import COLOURS, GREY, HEIGHT, LEFT, PAPER, WIDTH
from cli.errors import CliError
from tests.unit.attrition import day
from tests.unit.pixels import colours, size

KINDS = ("contact", "purchase")
LIFE = Life(
    [Happened(day(n), kind) for kind in KINDS for n in (0, 20, 50)],
    [(day(0), 0.1), (day(60), 0.9), (day(100), 0.95)],
    [Happened(day(1), "raised"), Happened(day(75), "cleared")],
)
SVG = picture(LIFE)
TEXT = re.compile(r"<text.*?</text>")
INK = (0, 0, 0)


def part(svg: str, left: float, width: float) -> str:
    """What lies between, from the top of the axis to its bottom: to look at a dot takes long enough."""
    whole = ElementTree.fromstring(svg).attrib
    said = f'width="{WIDTH}" height="{whole["height"]}" viewBox="{whole["viewBox"]}"'
    assert said in svg
    return svg.replace(said, f'width="{width}" height="{HEIGHT}" viewBox="{left} 0 {width} {HEIGHT}"', 1)


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.removeprefix("#")))


def letter(text: str) -> str:
    """A sheet with it alone."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20" font-family="sans-serif">'
        f'<rect width="20" height="20" fill="{PAPER}"/><text x="4" y="14">&#{ord(text)};</text></svg>'
    )


def test_it_is_as_large_as_the_picture_says() -> None:
    said = ElementTree.fromstring(SVG).attrib
    assert (DOTS * int(said["width"]), DOTS * int(said["height"])) == size(rasterised(SVG))


def test_risk_events_and_alerts_are_on_it_in_their_colours() -> None:
    of_series = COLOURS[: 1 + len(KINDS)]
    assert {rgb(colour) for colour in (PAPER, GREY, *of_series)} <= colours(rasterised(part(SVG, LEFT - 4, 12)))


def test_what_stands_beside_the_axis_is_text_and_can_be_seen() -> None:
    assert INK in colours(rasterised(part(SVG, 0, LEFT - 8)))
    assert {rgb(PAPER)} == colours(rasterised(part(TEXT.sub("", SVG), 0, LEFT - 8)))


@pytest.mark.parametrize("character", [*string.ascii_letters, *string.digits, *string.punctuation, *"äßé–—…"])
def test_every_letter_leaves_ink_with_no_font_of_the_machine(character: str) -> None:
    assert len(colours(rasterised(letter(character)))) > 1


def test_the_legend_names_each_series_once() -> None:
    texts = [found.text for found in ElementTree.fromstring(SVG).iter("{http://www.w3.org/2000/svg}text")]
    assert ["risk", *KINDS, "own rhythm", "alert"] == texts[-5:]
    assert {"raised", "cleared"} <= set(texts)


def test_the_same_picture_is_the_same_file() -> None:
    assert rasterised(SVG) == rasterised(SVG)


def test_without_the_package_that_draws_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(CliError, match=re.escape("pip install 'tenure[png]'")):
        rasterised(SVG)
