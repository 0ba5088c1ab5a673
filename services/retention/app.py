"""Retention as a process: its decider, under the policy of its settings and the protocol of every domain service."""

from contextlib import AbstractAsyncContextManager

from services.retention.decider import decider
from services.retention.settings import Settings
from shared.domain_service import domain_service
from shared.runtime import Service
from shared.settings import Platform


def create(platform: Platform) -> AbstractAsyncContextManager[Service]:
    return domain_service(decider(Settings().policy), platform)
