"""Starts retention."""

from services.retention.app import create
from shared.runtime import main

main("retention", create)
