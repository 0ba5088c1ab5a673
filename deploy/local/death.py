"""What is said when a process has died: which one, its last words, and what to do."""

import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LAST_WORDS_CHARACTERS = 300
TAIL_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Death:
    """`code` is the exit code, minus the number of the signal if one killed it; None if it was not our child.
    `keeps`: it has what it had when it is started again."""

    name: str
    code: int | None
    log: Path
    keeps: bool = True

    @property
    def what(self) -> str:
        """What happened, without advice."""
        words = last_words(self.log)
        return f"{self.name} has stopped{_how(self.code)}" + (f"; its last line: {words}" if words else "")

    @property
    def advice(self) -> str:
        if not self.keeps:
            return "The embedded broker keeps nothing: run `tenure local down`, then `tenure local up` to begin anew"
        return f"Nothing is lost: `tenure local restart {self.name}` brings it back"

    def __str__(self) -> str:
        return f"{self.what}\n{self.advice}. Its log: {self.log}"


def last_words(log: Path) -> str:
    """The last line that says anything, bounded; empty if there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    words = _readable(lines[-1].strip()) if lines else ""
    return words if len(words) <= LAST_WORDS_CHARACTERS else words[: LAST_WORDS_CHARACTERS - 1] + "…"


def _readable(line: str) -> str:
    """Services write JSON; people read `event key=value`."""
    try:
        entry: Any = json.loads(line)
    except ValueError:
        return line
    if not isinstance(entry, dict) or "event" not in entry:
        return line
    dull = ("event", "timestamp", "level", "service", "logger", "exception")
    return " ".join([str(entry["event"]), *(f"{key}={value}" for key, value in entry.items() if key not in dull)])


def _how(code: int | None) -> str:
    if code is None:
        return ""
    return f" (killed by {signal.Signals(-code).name})" if code < 0 else f" (exit code {code})"
