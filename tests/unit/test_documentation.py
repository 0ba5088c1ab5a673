"""The pages are true of the code as far as a program can tell: what they name is there, and what is there is named."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_settings import BaseSettings

from cli.main import VERBS
from services.analytics.settings import Settings as AnalyticsSettings
from services.delivery import figures as delivery_figures
from services.delivery.settings import Settings as DeliverySettings
from services.gateway import figures
from services.gateway.settings import Settings as GatewaySettings
from services.interaction.settings import Settings as InteractionSettings
from services.projection.settings import Settings as ProjectionSettings
from services.retention.settings import Settings as RetentionSettings
from shared import telemetry
from shared.contracts.analytics import ALERT_TYPES, RiskRow, Sign
from shared.contracts.catalogue import FACT_TYPES, INPUT_TYPES, OWNER_OF
from shared.contracts.population import POPULATION_TYPES
from shared.contracts.segments import SEGMENT_ALERT_TYPES
from shared.settings import Platform
from shared.topics import TOPICS
from tests.unit.documentation import (
    DOCS,
    FENCE,
    PAGES,
    ROOT,
    anchors,
    code,
    commands,
    links,
    log_events,
    metrics,
    on_every_page,
    refusal_codes,
    setting_row,
    text_of,
    tree_paths,
)

SETTINGS: tuple[type[BaseSettings], ...] = (
    Platform,
    GatewaySettings,
    AnalyticsSettings,
    ProjectionSettings,
    DeliverySettings,
    InteractionSettings,
    RetentionSettings,
)
FIELDS = [(settings, field) for settings in SETTINGS for field in settings.model_fields]
MAX_WIDTH = 120
VARIABLE = re.compile(r"\b(?:TENURE|GATEWAY|ANALYTICS|PROJECTION|DELIVERY|INTERACTION|RETENTION)_[A-Z_]+\b")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        leads_to = (page.parent / path).resolve() if path else page
        assert leads_to.exists(), target
        assert not anchor or anchor in anchors(leads_to), target


@each_page
def test_every_path_that_is_named_is_there(page: Path) -> None:
    assert [path for path in tree_paths(page) if not (ROOT / path).exists()] == []


@each_page
def test_every_command_that_is_shown_is_there_with_its_options(page: Path) -> None:
    for verb, word, rest in commands(page):
        assert verb in VERBS, verb
        command = VERBS[verb].load()
        subcommands = getattr(command, "commands", {})
        command = subcommands[word] if subcommands and word else command
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"(?<=\s)--[a-z-]+", rest)) <= known, (verb, word, rest)


@each_page
def test_every_make_target_that_is_named_is_there(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    assert {name for part in code(page) for name in re.findall(r"\bmake ([a-z-]+)\b", part)} <= targets


@each_page
def test_no_line_is_too_wide(page: Path) -> None:
    assert [line for line in text_of(page).splitlines() if len(line) > MAX_WIDTH] == []


def test_every_variable_that_is_named_is_read_somewhere() -> None:
    files = (file for folder in ("cli", "tests", "deploy") for file in (ROOT / folder).rglob("*.py"))
    source = "\n".join(map(text_of, files))
    settings = {f"{s.model_config['env_prefix']}{field.upper()}" for s, field in FIELDS}
    named = on_every_page(lambda page: set(VARIABLE.findall(text_of(page))))
    assert [(page, name) for page, name in named if name not in settings and f'"{name}"' not in source] == []


@pytest.mark.parametrize(("settings", "field"), FIELDS, ids=lambda value: getattr(value, "__module__", value))
def test_every_setting_stands_in_the_table_with_its_default(settings: type[BaseSettings], field: str) -> None:
    assert setting_row(settings, field) in text_of(DOCS / "operations.md")


def test_every_policy_is_shown_with_its_defaults() -> None:
    shown: list[Any] = [
        json.loads(block) for block in FENCE.findall(text_of(DOCS / "operations.md")) if block[0] == "{"
    ]
    defaults = [settings.model_fields[field].default for settings, field in FIELDS]
    assert [d.model_dump(mode="json") for d in defaults if isinstance(d, BaseModel)] == shown


def test_every_metric_is_explained_and_no_other() -> None:
    named = set(re.findall(r"`(tenure_[a-z_]+)`", text_of(DOCS / "operations.md")))
    assert metrics(telemetry, figures, delivery_figures) == named


def test_every_log_event_of_a_service_is_explained() -> None:
    assert {event for event in log_events() if f"`{event}`" not in text_of(DOCS / "operations.md")} == set()


@pytest.mark.parametrize(
    "type_", [*INPUT_TYPES, *FACT_TYPES, *ALERT_TYPES, *SEGMENT_ALERT_TYPES, RiskRow.TYPE, *POPULATION_TYPES]
)
def test_every_type_is_named_on_the_page_of_events(type_: str) -> None:
    assert f"`{type_}`" in text_of(DOCS / "events.md")


@pytest.mark.parametrize("type_", INPUT_TYPES)
def test_every_inbound_type_stands_beside_the_service_that_takes_it(type_: str) -> None:
    assert f"| `{type_}` | {OWNER_OF[type_]} |" in text_of(DOCS / "events.md")


def test_every_code_of_refusal_is_explained() -> None:
    assert {found for found in refusal_codes() if f"`{found}`" not in text_of(DOCS / "events.md")} == set()


def test_every_topic_is_on_the_map() -> None:
    general = {topic.name: re.sub(r"^[a-z]+\.(inbox|dead-letters)$", r"<service>.\1", topic.name) for topic in TOPICS}
    page = text_of(DOCS / "architecture.md")
    assert [name for name, shown in general.items() if f"| `{shown}`" not in page] == []


def test_every_sign_is_explained() -> None:
    assert [sign for sign in Sign if f"`{sign}`" not in text_of(DOCS / "attrition.md")] == []


def test_every_decision_is_in_the_index() -> None:
    index = text_of(DOCS / "decisions" / "README.md")
    assert [page.name for page in DOCS.glob("decisions/0*.md") if f"({page.name})" not in index] == []
