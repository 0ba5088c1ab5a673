"""How are alerts and scores of a back-test written? JSON lines in the order of their instants; `.gz` is packed."""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import msgspec

from services.analytics.core import AlertOut
from services.analytics.population.segments import SegmentOut
from services.analytics.replay import Score
from shared.contracts.envelope import compact_json
from shared.contracts.segments import SegmentAlertRaised
from shared.contracts.values import format_time, from_micros

Write = Callable[[bytes], None]


class Told:
    """Which signs an alert has told of, however often its messages name them: once, and again when it says so."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[str, set[tuple[str, str | None]]]] = {}  # customer -> newest alert, its signs
        self.by_sign: Counter[str] = Counter()
        self.alerts = 0
        self.segments: Counter[str] = Counter()  # alerts about segments and the whole base, by sign

    def lines(self, said: AlertOut | SegmentOut) -> Iterator[bytes]:
        """One for each sign that is new: of whom, when, what, how sure, and what proves it."""
        return self._of_customer(said) if isinstance(said, AlertOut) else self._of_segment(said)

    def _of_customer(self, alert_message: AlertOut) -> Iterator[bytes]:
        customer, data = alert_message.customer, json.loads(alert_message.value)["data"]
        alert, told = self._told.get(customer, ("", set()))
        if alert != data["alert"]:
            alert, told = data["alert"], set()
            self._told[customer] = alert, told
            self.alerts += 1
        for sign in data["signs"]:
            name = sign["sign"], sign.get("told_at")
            if name not in told:
                told.add(name)
                self.by_sign[sign["sign"]] += 1
                yield compact_json(
                    {
                        "customer_id": customer,
                        "time": data["as_of"],
                        "sign": sign["sign"],
                        "risk": data.get("risk"),
                        "strength": sign["strength"],
                        "evidence": sign["evidence"],
                        "alert": alert,
                    }
                )

    def _of_segment(self, alert_message: SegmentOut) -> Iterator[bytes]:
        """One when it is raised."""
        message = json.loads(alert_message.value)
        if message["type"] == SegmentAlertRaised.TYPE:
            data = message["data"]
            self.segments[data["sign"]] += 1
            place = {"scope": "segment", "key": data["segment"]} if "segment" in data else {"scope": "base"}
            figures = {
                name: data[name] for name in ("sign", "strength", "probability", "since", "observed", "expected")
            }
            yield compact_json({**place, "time": data["as_of"], **figures, "alert": data["alert"]})


def score_line(score: Score) -> bytes:
    return _encode(_ScoreRow(score.customer, _time(score.as_of), score.risk))


class _ScoreRow(msgspec.Struct):
    customer_id: str
    as_of: str
    risk: float


_encode = msgspec.json.Encoder().encode


@lru_cache(maxsize=16)
def _time(at: int) -> str:
    return format_time(from_micros(at))


@contextmanager
def lines_to(path: Path | None) -> Iterator[Write]:
    """None: nothing is written. The bytes of a packed file, too, depend on the lines alone."""
    if path is None:
        yield lambda line: None
        return
    with path.open("wb") as file, _packed(file, path.suffix == ".gz") as out:
        yield lambda line: out.writelines((line, b"\n"))


@contextmanager
def _packed(file: IO[bytes], packed: bool) -> Iterator[Any]:
    if not packed:
        yield file
        return
    with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as out:
        yield out
