"""Starts interaction."""

from services.interaction.app import create
from shared.runtime import main

main("interaction", create)
