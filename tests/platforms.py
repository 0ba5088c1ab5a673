"""The settings of processes that run against a broker of a test: which broker it is makes the profile."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from shared.profile import Profile, ProfileName
from shared.settings import Platform

EMBEDDED, APACHE_KAFKA = "embedded", "apache-kafka"  # as the tests call them
BROKER_FIXTURES = {EMBEDDED: "broker_address", APACHE_KAFKA: "apache_kafka_address"}  # of tests/conftest.py
PROFILES: Mapping[str, ProfileName] = {EMBEDDED: ProfileName.EMBEDDED, APACHE_KAFKA: ProfileName.LOCAL}
SESSION_MS = 1_500


class Tested(Platform):
    """With short sessions: the embedded broker takes half of one for a join, and whoever hangs keeps a whole one."""

    @property
    def deployment(self) -> Profile:
        return replace(super().deployment, session_timeout_ms=SESSION_MS, heartbeat_ms=SESSION_MS // 5)


def platform_on(kind: str, address: str, *, partitions: int = 2) -> Platform:
    """`kind` is EMBEDDED or APACHE_KAFKA."""
    settings: dict[str, Any] = {"kafka": address, "profile": PROFILES[kind], "partitions": partitions}
    return Tested(mongo=SecretStr("mongodb://unused"), publish_timeout_s=10, **settings)


def embedded(address: str, *, partitions: int = 2) -> Platform:
    return platform_on(EMBEDDED, address, partitions=partitions)
