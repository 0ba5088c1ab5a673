"""What the demo says at its end is read off a real read API, into which its story has gone."""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import StringIO

import httpx
import pytest
from rich.console import Console

from cli.data.make_story import make_story
from cli.summary import KINDS, SIGNS, Summary, gather, show
from cli.timeline import read
from services.projection.app import create_app
from services.projection.reader import ProjectionReader
from services.projection.store import MemoryStore
from shared.broker import Record
from shared.contracts.analytics import Sign
from shared.contracts.retention import Basis, Lapsed
from shared.keys import MemoryKeyStore, Scope, issue
from shared.memory_broker import MemoryBroker
from shared.topics import ALERTS, CUSTOMER_EVENTS
from tests.proofs import unproven
from tests.story_log import story_alerts, story_fact, story_facts
from tests.wiring.serving import serving

LAPSED = Lapsed(basis=Basis.RHYTHM)


@pytest.fixture(scope="module")
def api() -> Iterator[httpx.Client]:
    """The read API with the whole story on its timelines."""
    store, log = MemoryStore(), MemoryBroker()
    for topic, values in (
        (CUSTOMER_EVENTS, [*story_facts(), story_fact("story-clara-voss", LAPSED)]),
        (ALERTS, story_alerts()),
    ):
        log.create_topic(topic, 1)
        for value in values:
            log.append(topic, 0, json.loads(value)["subject"].encode(), value)
    records = [*log.records(CUSTOMER_EVENTS), *log.records(ALERTS)]
    asyncio.run(_read(ProjectionReader(store, log.publisher()), records))
    key, text = issue("test", [Scope.READ], [], created=datetime(2026, 1, 1, tzinfo=UTC))
    headers = {"Authorization": f"Bearer {text}"}
    with (
        serving(create_app(store, MemoryKeyStore(key), monotonic=time.monotonic)) as url,
        httpx.Client(base_url=url, headers=headers, trust_env=False) as client,
    ):
        yield client


async def _read(reader: ProjectionReader, records: Sequence[Record]) -> None:
    await reader.handle(records)


@pytest.fixture(scope="module")
def summary(api: httpx.Client) -> Summary:
    return gather(api)


@pytest.fixture(scope="module")
def shown(summary: Summary) -> str:
    out = StringIO()
    show(summary, Console(file=out, width=200))
    return out.getvalue()


def test_it_counts_customers_and_the_events_of_each_kind(summary: Summary) -> None:
    purchases = sum(line["type"] == "purchase" for line in make_story())
    assert (12, purchases) == (summary.customers, summary.events["purchase"])
    assert len(make_story()) == sum(summary.events.values())


def test_the_five_kinds_come_first(summary: Summary) -> None:
    assert list(KINDS) == list(summary.events)[: len(KINDS)]


def test_it_counts_open_alerts_by_sign(summary: Summary) -> None:
    signs = {sign for sign in Sign if sign is not Sign.ATTRITION}
    assert signs <= set(summary.open_alerts_by_sign)
    assert 10 == summary.open_alerts


def test_whatever_proves_an_alert_stands_on_the_timeline_of_its_customer(api: httpx.Client) -> None:
    assert [] == unproven(story_alerts(), lambda customer: read(api, customer, {}))


def test_every_sign_has_words() -> None:
    assert set(Sign) == set(SIGNS)


def test_the_three_most_valuable_at_risk_come_with_their_reasons_the_most_valuable_first(summary: Summary) -> None:
    amounts = [float(row.value_at_risk[0].split()[0].replace(",", "")) for row in summary.at_risk]
    assert 3 == len(summary.at_risk)
    assert sorted(amounts, reverse=True) == amounts
    assert all(row.why and row.signs for row in summary.at_risk)


def test_who_has_lapsed_already_is_not_among_them(summary: Summary) -> None:
    assert ("story-clara-voss" not in {row.customer for row in summary.at_risk}, 1) == (True, summary.lapsed)


def test_the_timeline_is_that_of_the_most_valuable_one_oldest_first(summary: Summary) -> None:
    times = [entry["time"] for entry in summary.timeline]
    assert summary.at_risk[0].customer == summary.timeline_of
    assert sorted(times) == times != []


def test_it_survives_json_unchanged(summary: Summary) -> None:
    said = json.loads(json.dumps(summary.as_json()))
    assert (12, summary.timeline_of) == (said["customers"], said["timeline_of"])


def test_people_read_who_is_at_risk_why_and_what_happened(shown: str, summary: Summary) -> None:
    assert all(row.customer in shown and row.why[0] in shown for row in summary.at_risk)
    assert all(entry["time"][:10] in shown for entry in summary.timeline)


def test_a_base_without_an_alert_has_a_summary_too() -> None:
    nobody = Summary(0, dict.fromkeys(KINDS, 0), 0, 0, {}, 0, 0, (), None, ())
    out = StringIO()
    show(nobody, Console(file=out))
    assert "0 customers" in out.getvalue()
    assert "No customer who could be kept is at risk" in out.getvalue()
