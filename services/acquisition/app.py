"""Acquisition as a process: its decider under the protocol of every domain service."""

from contextlib import AbstractAsyncContextManager

from services.acquisition.decider import decider
from shared.domain_service import domain_service
from shared.runtime import Service
from shared.settings import Platform


def create(platform: Platform) -> AbstractAsyncContextManager[Service]:
    return domain_service(decider(), platform)
