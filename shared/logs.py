"""What a process says: one JSON object a line on standard output, the libraries' messages included, and never a secret.

Every line has `event`, `level`, `timestamp` (ISO 8601, UTC) and `service`; a `trace_id` where there is a trace.
"""

import json
import logging
import re
import sys
import time
from collections.abc import Callable, Collection, Iterator, MutableMapping
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
SECRET_IN_URL = re.compile(r"(?<=://)[^/\s:@\"]*:[^/\s@\"]*(?=@)")
API_KEY = re.compile(r"\b(tnr_[0-9A-Za-z]+_)[\w-]+")
LEAST_SECRET = 8  # characters: a shorter text would be struck out of words that have nothing to do with it
TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
NO_TRACE = "0" * 32

Entry = MutableMapping[str, Any]


def configure(service: str, level: str = "INFO", out: TextIO | None = None, *, secrets: Collection[str] = ()) -> None:
    """Once per process, before anything is logged; `out` is standard output. `secrets`: what this process knows and
    must never say, wherever it stands. Raises ValueError for an unknown level."""
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
    seal = sealing(secrets)
    structlog.configure(
        processors=[*common, lines, seal],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    foreign = [structlog.stdlib.add_logger_name, *common]
    drop_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processors=[drop_meta, lines, seal], foreign_pre_chain=foreign)
    )
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
    """Values under a secret's name do not leave the process, however deep they lie."""
    entry.update({name: _without_secrets(name, value) for name, value in entry.items()})
    return entry


def _without_secrets(name: str, value: Any) -> Any:
    match value:
        case _ if SECRET_NAME.search(name):
            return MASK
        case dict():
            return {key: _without_secrets(str(key), inner) for key, inner in value.items()}
        case list() | tuple():
            return [_without_secrets("", inner) for inner in value]
        case _:
            return value


def sealing(secrets: Collection[str]) -> Callable[[Any, str, Any], str]:
    """The last step of every line: strikes out API keys, credentials inside addresses, and the given texts wherever
    they stand."""
    written = {json.dumps(secret, ensure_ascii=False)[1:-1] for secret in secrets if len(secret) >= LEAST_SECRET}
    longest_first = sorted(written, key=len, reverse=True)

    def seal(_: Any, __: str, line: Any) -> str:  # Any: structlog's type of a processor knows only its first form
        for secret in longest_first:
            line = line.replace(secret, MASK)
        return API_KEY.sub(rf"\1{MASK}", SECRET_IN_URL.sub(MASK, line))

    return seal


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
