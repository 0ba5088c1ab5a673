"""A picture in SVG as PNG, for what shows no SVG: mail, chat, slides.

In: SVG as text. Out: the bytes of a PNG file. Letters come from the one font of `cli.data`, whatever fonts the machine
has or lacks; another font would give the picture another look on every machine.
"""

from cli.data import FONT
from cli.errors import UNASKED, CliError

FAMILY = "DejaVu Sans"
DOTS = 2.0  # to a unit of the SVG, so that it is sharp on dense displays


def rasterised(svg: str) -> bytes:
    """Raises CliError where the package that draws is not installed."""
    try:
        from resvg_py import svg_to_bytes
    except ImportError:
        raise CliError(
            "PNG takes one more package: run `pip install 'tenure[png]'`, or ask for --svg.", UNASKED
        ) from None
    return svg_to_bytes(
        svg_string=svg, zoom=DOTS, skip_system_fonts=True, font_files=[str(FONT)], sans_serif_family=FAMILY
    )
