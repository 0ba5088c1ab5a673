"""How far did an interrupted sending come? One small file per input, beside the deployment's state."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from cli.sending.run import Position
from shared.contracts.values import format_time, parse_time

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Belongs to one content sent in one way: another file, or the same sorted or under another source, has its own."""

    path: Path

    @classmethod
    def of(cls, file: Path, *, manner: str, folder: Path) -> "Bookmark":
        """`manner` says all that decides which events are sent in which order."""
        digest = hashlib.sha256(manner.encode())
        with file.open("rb") as content:
            while chunk := content.read(CHUNK_BYTES):
                digest.update(chunk)
        return cls(folder / f"send-{digest.hexdigest()[:16]}.json")

    def read(self) -> Position:
        """The beginning, where there is no bookmark. Raises ValueError for one that cannot be read."""
        try:
            found = json.loads(self.path.read_text())
        except FileNotFoundError:
            return Position()
        tick = found["tick"]
        return Position(int(found["events"]), None if tick is None else parse_time(tick))

    def write(self, position: Position) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        tick = None if position.tick is None else format_time(position.tick)
        beside = self.path.with_suffix(".new")
        beside.write_text(json.dumps({"events": position.events, "tick": tick}))
        os.replace(beside, self.path)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
