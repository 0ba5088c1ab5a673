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
from deploy.local.stack import LocalStack


@dataclass
class Sent:
    """`behind_s`: how far sending was behind its plan at worst."""

    events: int = 0
    behind_s: float = 0.0
    failure: Exception | None = None


@contextmanager
def traffic(stack: LocalStack, gateways: Sequence[str], batches: Iterator[list[Line]]) -> Iterator[Sent]:
    """One batch a second inside the block. What went wrong is raised at its end."""
    sent, stop = Sent(), threading.Event()
    thread = threading.Thread(target=_send, args=(stack, gateways, batches, sent, stop.is_set), name="traffic")
    thread.start()
    try:
        yield sent
    finally:
        stop.set()
        thread.join()
    if sent.failure is not None:
        raise sent.failure


def _send(
    stack: LocalStack,
    gateways: Sequence[str],
    batches: Iterator[list[Line]],
    sent: Sent,
    stopped: Callable[[], bool],
) -> None:
    try:
        clients = [connect_gateway(stack.deployment.url(name), stack.key) for name in gateways]
        began = time.monotonic()
        for second, batch in enumerate(batches):
            if stopped():
                return
            wait = began + second - time.monotonic()
            sent.behind_s = max(sent.behind_s, -wait)
            time.sleep(max(0.0, wait))
            refusals = Door(clients[second % len(clients)]).send(batch)
            if refusals:
                raise RuntimeError(f"the gateway refused an event: {refusals[0]}")
            sent.events += len(batch)
    except Exception as error:  # told to the thread that waits
        sent.failure = error
