"""Older versions of a fact become the newest here, one step at a time; no other file knows an old shape.

A step takes the whole document and returns it with the next version's type. Every version ever published keeps a
committed example in shared/contracts/examples/, which a test reads through these steps.
"""

from collections.abc import Callable
from typing import Any

Document = dict[str, Any]

STEPS: dict[str, Callable[[Document], Document]] = {}  # old type -> step; empty: nothing has been superseded yet


def upcast(document: Document) -> Document:
    """The document in its newest version; untouched if it is that already."""
    while (step := STEPS.get(document.get("type", ""))) is not None:
        document = step(document)
    return document
