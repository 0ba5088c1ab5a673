"""Starts analytics."""

from services.analytics.app import create
from shared.runtime import main

main("analytics", create)
