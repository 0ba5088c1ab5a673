"""Starts the gateway."""

from services.gateway.app import create
from shared.runtime import main

main("gateway", create)
