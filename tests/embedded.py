"""The settings of processes that run against the embedded broker in a test."""

from dataclasses import replace

from pydantic import SecretStr

from shared.profile import Profile, ProfileName
from shared.settings import Platform

SESSION_MS = 1_500


class Embedded(Platform):
    """With short sessions: the embedded broker takes half of one for a join."""

    @property
    def deployment(self) -> Profile:
        return replace(super().deployment, session_timeout_ms=SESSION_MS, heartbeat_ms=SESSION_MS // 5)


def embedded(address: str, *, partitions: int = 2) -> Platform:
    return Embedded(
        kafka=address,
        mongo=SecretStr("mongodb://unused"),
        profile=ProfileName.EMBEDDED,
        partitions=partitions,
        publish_timeout_s=10,
    )
