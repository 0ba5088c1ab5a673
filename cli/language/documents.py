"""Which files are the contracts, and are those in docs/contracts/ the ones that the models give?

In: nothing but the models. Out: file name -> text, written by `make contracts`. What a release promised is written
once, by `make release-contracts`, and compared with ever after.
"""

import importlib.metadata
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.language import asyncapi, page
from cli.language.bundle import bundle, last_released, text_of
from cli.language.changes import Finding, findings
from cli.language.http_services import descriptions
from shared.contracts.generate import TYPES, schema

FOLDER = Path(__file__).parents[2] / "docs" / "contracts"
RELEASED = "released"
WITHDRAWN = "withdrawn.json"


class AlreadyReleased(ValueError):  # noqa: N818 - an outcome for people
    """What a release promised is never written anew."""


def texts() -> dict[str, str]:
    """Every document but those of releases."""
    return {
        **{f"{type_}.json": _json(schema(type_)) for type_ in TYPES},
        "asyncapi.json": _json(asyncapi.document(version())),
        **{f"openapi-{service}.json": _json(document) for service, document in descriptions().items()},
        "README.md": page.text(),
    }


def write(folder: Path = FOLDER) -> None:
    """Writes all, and removes what nothing stands behind any more. What was withdrawn is people's to write."""
    written = texts()
    folder.mkdir(parents=True, exist_ok=True)
    for stale in {path.name for path in folder.glob("*.json")} - written.keys() - {WITHDRAWN}:
        (folder / stale).unlink()
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8")


def release(folder: Path = FOLDER) -> Path:
    """Writes down what this version promises, and begins with nothing withdrawn. Raises AlreadyReleased."""
    path = folder / RELEASED / f"{version()}.json"
    if path.exists():
        raise AlreadyReleased(f"{path.name} is there: raise the version in pyproject.toml, and install it, first")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text_of(bundle(version())), encoding="utf-8")
    (folder / WITHDRAWN).write_text("{}\n", encoding="utf-8")
    return path


def broken(folder: Path = FOLDER) -> list[Finding]:
    """What the last release promised and is kept no more, what was withdrawn included."""
    before = last_released(folder / RELEASED)
    return [] if before is None else findings(before, bundle(version()))


def withdrawn(folder: Path = FOLDER) -> Mapping[str, str]:
    """`key` of a finding -> the reason for it."""
    found: dict[str, str] = json.loads((folder / WITHDRAWN).read_text(encoding="utf-8"))
    return found


def version() -> str:
    return importlib.metadata.version("tenure")


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
