"""What do the pages name, and what does the source say? Both as plain sets, for the tests to compare."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("*/*.md")))

LINK = re.compile(r"\]\(([^()\s]+)\)")
FENCE = re.compile(r"^```.*?\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
TREE_PATH = re.compile(r"(?:services|shared|cli|deploy|tests|docs|\.ci)/[\w./-]*")
VERB = re.compile(r"\btenure( [a-z][a-z-]*)( [a-z][a-z-]*)?([^#\n`]*)")
CODE = re.compile(r"[a-z]+(-[a-z]+)+|incomplete|busy|internal|empty|starting")
REFUSALS = frozenset({"Unreadable", "UnknownType", "DeadLetter", "HttpProblem", "unavailable", "_refusal", "_later"})
LOGS = frozenset({"info", "warning", "error"})


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def links(page: Path) -> list[str]:
    """Targets that are not on the web."""
    return [target for target in LINK.findall(text_of(page)) if "://" not in target]


def anchors(page: Path) -> set[str]:
    """Of its headings, as they are made from their words."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def code(page: Path) -> list[str]:
    """Everything that is set as code: blocks, and spans in the text around them."""
    text = text_of(page)
    return [*FENCE.findall(text), *SPAN.findall(FENCE.sub("", text))]


def tree_paths(page: Path) -> set[str]:
    return {span for span in SPAN.findall(FENCE.sub("", text_of(page))) if TREE_PATH.fullmatch(span)}


def commands(page: Path) -> set[tuple[str, str, str]]:
    """(verb, word behind it, the rest of the line)."""
    return {(verb.strip(), word.strip(), rest) for part in code(page) for verb, word, rest in VERB.findall(part)}


def setting_row(settings: type[BaseSettings], field: str) -> str:
    """How its row in the table begins. A policy stands below the table."""
    default = settings.model_fields[field].default
    name = f"{settings.model_config['env_prefix']}{field.upper()}"
    if default is PydanticUndefined:
        return f"| `{name}` | required |"
    shown = "below" if isinstance(default, BaseModel) else f"`{getattr(default, 'value', default)}`"
    shown = "none" if default is None else shown
    return f"| `{name}` | {shown} |"


def refusal_codes() -> set[str]:
    """Every code by which anything is refused, at a door or from an inbox."""
    return {word for call in _calls() if _name(call) in REFUSALS for word in _words(call) if CODE.fullmatch(word)}


def log_events() -> set[str]:
    """What a service may say in its log."""
    return {next(iter(_words(call)), "") for call in _calls() if _is_log(call)} - {""}


def metrics(*modules: Any) -> set[str]:
    """Names as Prometheus shows them."""
    found = [value for module in modules for value in vars(module).values() if isinstance(value, MetricWrapperBase)]
    return {_shown(metric) for metric in found}


def _shown(metric: MetricWrapperBase) -> str:
    (described,) = metric.describe()
    return f"{described.name}_total" if isinstance(metric, Counter) else described.name


def _calls() -> Iterator[ast.Call]:
    for folder in ("services", "shared"):
        for file in (ROOT / folder).rglob("*.py"):
            yield from (node for node in ast.walk(ast.parse(text_of(file))) if isinstance(node, ast.Call))


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _words(call: ast.Call) -> Iterator[str]:
    """Constant texts among the first two arguments."""
    yield from (a.value for a in call.args[:2] if isinstance(a, ast.Constant) and isinstance(a.value, str))


def _is_log(call: ast.Call) -> bool:
    method = call.func
    return (
        isinstance(method, ast.Attribute)
        and method.attr in LOGS
        and isinstance(method.value, ast.Name)
        and method.value.id == "log"
    )


def on_every_page(find: Callable[[Path], Any]) -> list[tuple[Path, Any]]:
    """(page, thing) for each thing that is found."""
    return [(page, thing) for page in PAGES for thing in sorted(find(page))]
