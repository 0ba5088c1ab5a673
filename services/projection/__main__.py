"""Starts the projection."""

from services.projection.app import create
from shared.runtime import main

main("projection", create)
