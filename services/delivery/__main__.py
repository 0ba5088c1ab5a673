"""Starts the delivery."""

from services.delivery.app import create
from shared.runtime import main

main("delivery", create)
