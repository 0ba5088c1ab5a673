"""The first months of the shop's history, in a file: enough to judge by, and judged in seconds."""

from datetime import UTC, datetime
from pathlib import Path

from cli.data import CDNOW
from cli.sending.lines import Line, open_lines, read_lines

END = datetime(1997, 8, 1, tzinfo=UTC)


def shop(folder: Path) -> Path:
    lines = (line for line in read_lines(open_lines(CDNOW), source="shop") if isinstance(line, Line))
    file = folder / "shop.jsonl"
    file.write_bytes(b"\n".join(line.body for line in lines if line.at < END) + b"\n")
    return file
