"""How fast may one key send? A token bucket per key: `per_s` events over time, up to `burst` at once."""

from collections.abc import Callable


class Rate:
    """Remembers one pair of numbers per key that was proved, so it stays as small as the number of keys."""

    def __init__(self, *, per_s: float, burst: int, monotonic: Callable[[], float]) -> None:
        self._per_s, self._burst, self._monotonic = per_s, burst, monotonic
        self._buckets: dict[str, tuple[float, float]] = {}  # key id -> (tokens left, when that was)

    def take(self, key: str, events: int) -> float:
        """0.0: they may come. Otherwise none is taken, and the seconds after which they may."""
        now = self._monotonic()
        left, at = self._buckets.get(key, (float(self._burst), now))
        left = min(float(self._burst), left + (now - at) * self._per_s)
        wanted = min(events, self._burst)
        self._buckets[key] = (left - wanted if left >= wanted else left, now)
        return 0.0 if left >= wanted else (wanted - left) / self._per_s
