"""What does not agree: how much of it, and the first few in words."""

from dataclasses import dataclass, field
from typing import NamedTuple

FIRST_FEW = 20


class Place(NamedTuple):
    """Coordinates of a record."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(slots=True)
class Findings:
    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        self.count += 1
        if len(self.first) < FIRST_FEW:
            self.first.append(sentence)
