"""What a test reads of the log that operators read."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog
from structlog.testing import capture_logs


@contextmanager
def said_to_operators() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged, whatever was configured before."""
    structlog.reset_defaults()
    with capture_logs() as logs:
        yield logs
