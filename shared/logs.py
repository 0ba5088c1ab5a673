"""What a process says: one JSON object a line on standard output, the libraries' messages included, and never a secret.

Every line has `event`, `level`, `timestamp` (ISO 8601, UTC) and `service`; a `trace_id` where there is a trace.
"""

import logging
import re
import sys
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TextIO

import structlog

QUIETED = {
    "aiokafka": "WARNING",
    "faststream": "WARNING",
    "pymongo": "WARNING",
    "uvicorn": "WARNING",
    "asyncio": "WARNING",
}
EXPECTED = (  # said by aiokafka and FastStream in the course of every start or rebalance, and dealt with there
    "GroupCoordinatorNotAvailable",
    "Group Coordinator Request failed",
    "Auto create topics is disabled",
    "because it is rebalancing",
    "will rejoin",
)
REPEATED_AFTER_S = 10.0
REMEMBERED = 1_000
MASK = "***"
SECRET_NAME = re.compile(r"password|secret|token|authorization|credential|api_?key|cookie", re.IGNORECASE)
SECRET_IN_URL = re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]*(?=@)")
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
NO_TRACE = "0" * 32

Entry = MutableMapping[str, Any]


def configure(service: str, level: str = "INFO", out: TextIO | None = None) -> None:
    """Once per process, before anything is logged; `out` is standard output. Raises ValueError for an unknown level."""
    out = out or sys.stdout
    common = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        _named(service),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        masked,
    ]
    lines = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    structlog.configure(
        processors=[*common, lines],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    foreign = [structlog.stdlib.add_logger_name, *common]
    drop_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[drop_meta, lines], foreign_pre_chain=foreign))
    handler.addFilter(News())
    logging.basicConfig(level=_number(level), handlers=[handler], force=True)
    sys.excepthook = _crashed
    for name, least in QUIETED.items():
        _quiet(logging.getLogger(name), least)


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace of a W3C `traceparent`: 32 hex digits; none if there is no valid one."""
    match = TRACEPARENT.fullmatch(traceparent or "")
    return match[1] if match and match[1] != NO_TRACE else None


@contextmanager
def traced(traceparent: str | None) -> Iterator[None]:
    """Everything logged inside carries the trace's id."""
    trace_id = trace_id_of(traceparent)
    with structlog.contextvars.bound_contextvars(**({"trace_id": trace_id} if trace_id else {})):
        yield


def masked(_: Any, __: str, entry: Entry) -> Entry:
    """Values under a secret's name, and credentials inside addresses, do not leave the process."""
    for name, value in entry.items():
        if SECRET_NAME.search(name):
            entry[name] = MASK
        elif isinstance(value, str) and "://" in value:
            entry[name] = SECRET_IN_URL.sub(MASK, value)
    return entry


class News(logging.Filter):
    """Of what a library repeats, one a while: a client whose broker is away says so seventy times a second."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        message, now = record.getMessage(), self._now()
        if any(words in message for words in EXPECTED):
            return False
        said = (record.name, str(record.msg))  # the template, so that other figures in it do not make it news
        if now - self._said.get(said, -REPEATED_AFTER_S) < REPEATED_AFTER_S:
            return False
        if len(self._said) >= REMEMBERED:
            self._said.clear()
        self._said[said] = now
        return True


def _crashed(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
    structlog.get_logger().critical("process_crashed", error=repr(error), exc_info=error)


def _quiet(library: logging.Logger, least: str) -> None:
    library.handlers.clear()  # FastStream brings its own, which writes coloured text to another stream
    library.propagate = True
    library.setLevel(least)


def _named(service: str) -> Any:
    def add(_: Any, __: str, entry: Entry) -> Entry:
        entry["service"] = service
        return entry

    return add


def _number(level: str) -> int:
    known = logging.getLevelNamesMapping()
    if level.upper() not in known:
        raise ValueError(f"log level {level!r} is none of {', '.join(known)}")
    return known[level.upper()]
