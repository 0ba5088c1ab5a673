"""Starts acquisition."""

from services.acquisition.app import create
from shared.runtime import main

main("acquisition", create)
