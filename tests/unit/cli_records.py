"""Records as a topic gives them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stored:
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


def record(
    value: bytes | None,
    *,
    topic: str = "retention.dead-letters",
    offset: int = 0,
    key: bytes | None = None,
    headers: tuple[tuple[str, bytes], ...] = (),
) -> Stored:
    """Written on 1 March 2026, 10:00 UTC."""
    return Stored(topic, 0, offset, 1_772_359_200_000, key, value, headers)
