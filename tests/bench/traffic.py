"""Sends everyday traffic at a steady rate through all gateways in turn, in a thread of its own, until it is told to
stop. What cannot be sent in time is sent late, never left out; how late is part of the result."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from cli.context import connect_gateway
from cli.sending.door import Door
from cli.sending.lines import Line
from deploy.local.parts import service_of
from deploy.local.stack import LocalStack


@dataclass
class Sent:
    """`behind_s`: how far sending was behind its plan at worst."""

    events: int = 0
    behind_s: float = 0.0
    failure: Exception | None = None


@contextmanager
def traffic(stack: LocalStack, batches: Iterator[list[Line]], *, every_s: float = 1.0) -> Iterator[Sent]:
    """One batch `every_s` inside the block, until there is none. What went wrong is raised at its end."""
    sent, stop = Sent(), threading.Event()
    gateways = [stack.deployment.url(name) for name in stack.deployment.ports if service_of(name) == "gateway"]
    thread = threading.Thread(target=_send, args=(gateways, stack.key, batches, every_s, sent, stop.is_set))
    thread.start()
    try:
        yield sent
    finally:
        stop.set()
        thread.join()
    if sent.failure is not None:
        raise sent.failure


def _send(
    gateways: Sequence[str],
    key: str,
    batches: Iterator[list[Line]],
    every_s: float,
    sent: Sent,
    stopped: Callable[[], bool],
) -> None:
    try:
        clients = [connect_gateway(gateway, key) for gateway in gateways]
        began = time.monotonic()
        for number, batch in enumerate(batches):
            if stopped():
                return
            wait = began + number * every_s - time.monotonic()
            sent.behind_s = max(sent.behind_s, -wait)
            time.sleep(max(0.0, wait))
            refusals = Door(clients[number % len(clients)]).send(batch)
            if refusals:
                raise RuntimeError(f"the gateway refused an event: {refusals[0]}")
            sent.events += len(batch)
    except Exception as error:  # told to the thread that waits
        sent.failure = error
