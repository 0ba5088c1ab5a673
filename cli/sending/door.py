"""How does a batch get through the gateway's door, and what does the door say to each event?

A busy or absent gateway (408, 429, 502 to 504, no connection) is asked again, a bounded number of times, with its own
Retry-After or a growing pause and jitter. Sending a batch again is harmless: a second copy of an event changes nothing.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from cli.sending.lines import Line
from cli.sending.steps import Tick
from shared.contracts.values import format_time

BUSY = frozenset({408, 429, 502, 503, 504})
ANSWERED = frozenset({200, 202, 207, 422})
ATTEMPTS = 9  # about a minute in all
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 15.0
LONGEST_RETRY_AFTER_S = 60.0
BATCH = "application/cloudevents-batch+json"


class DoorShut(Exception):  # noqa: N818 - an outcome the sender has to tell
    """The gateway did not take the request, and asking again would not help; the message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that the gateway will not take, and why."""

    line: int
    id: str
    code: str  # stable, to count by
    reason: str


@dataclass(frozen=True, slots=True)
class Door:
    """`client` knows the gateway's address and the key. `sleep` takes seconds."""

    client: httpx.Client
    sleep: Callable[[float], None] = time.sleep
    attempts: int = ATTEMPTS

    def send(self, lines: Sequence[Line]) -> list[Refusal]:
        """Returns when every event is acknowledged or refused; those refused. Raises DoorShut."""
        body = b"[" + b",".join(line.body for line in lines) + b"]"
        results = self._post("/v1/events", body, BATCH).get("results")
        if not isinstance(results, list) or len(results) != len(lines):
            raise DoorShut(
                "The gateway's answer does not list a result for each event; is the address that of a gateway?"
            )
        return [
            _refusal(line, result)
            for line, result in zip(lines, results, strict=True)
            if result["status"] != "accepted"
        ]

    def advance(self, tick: Tick) -> None:
        """Returns when the tick is in every inbox. Raises DoorShut."""
        body = httpx.Request("POST", "http://x", json={"to": format_time(tick.to), "last": tick.last}).content
        self._post("/v1/history:advance", body, "application/json")

    def _post(self, path: str, body: bytes, content_type: str) -> dict[str, Any]:
        for attempt in range(self.attempts):
            try:
                response = self.client.post(path, content=body, headers={"content-type": content_type})
            except httpx.TransportError as error:
                trouble, pause = f"cannot be reached ({_words(error)})", None
            else:
                if response.status_code not in BUSY:
                    return _answer(response)
                trouble, pause = f"is busy ({response.status_code}: {_detail(response)})", _retry_after(response)
            if attempt + 1 < self.attempts:
                self.sleep(_pause(attempt) if pause is None else pause)
        raise DoorShut(f"The gateway at {self.client.base_url} {trouble}; {self.attempts} attempts were made.")


def _pause(attempt: int) -> float:
    """Seconds: doubling, at most LONGEST_PAUSE_S, half of it by chance so that senders do not return together."""
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * float(2**attempt))
    return longest * random.uniform(0.5, 1)


def _retry_after(response: httpx.Response) -> float | None:
    """Whole seconds only; a date there is not honoured."""
    text = response.headers.get("retry-after", "")
    return min(float(text), LONGEST_RETRY_AFTER_S) if text.isdecimal() else None


def _answer(response: httpx.Response) -> dict[str, Any]:
    document = _json(response)
    if response.status_code in ANSWERED and (response.status_code != 422 or "results" in document):
        return document
    raise DoorShut(f"The gateway refuses the request ({response.status_code}): {_detail(response)}")


def _refusal(line: Line, result: dict[str, Any]) -> Refusal:
    problem = result.get("problem") or {}
    code = str(problem.get("code") or problem.get("title") or "refused")
    return Refusal(line.number, line.id, code, str(problem.get("detail") or code))


def _detail(response: httpx.Response) -> str:
    problem = _json(response)
    return str(problem.get("detail") or problem.get("title") or response.reason_phrase)


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
