"""The whole of a real history through the whole chain: every timeline is what the file says, and twice is once."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from cli.data import CDNOW
from shared.contracts.catalogue import DOMAIN_SERVICES
from shared.topics import ALERTS, CUSTOMER_EVENTS, RISK
from tests.system import fold
from tests.system.chain import SOURCE, Chain, deployment, until, whole_history
from tests.system.ground import Ground

pytestmark = pytest.mark.system

EVENTS, CUSTOMERS = 6_919, 2_357
MOMENT = timedelta(seconds=1)  # after a midnight: nothing falls due in it
KEPT = (*DOMAIN_SERVICES, "projection")  # databases; that of analytics says where it reads on, and risk is a topic
LOOKED_AT = "due"  # whom to look at when; whoever has been looked at is struck off some time later


@pytest.fixture(scope="module")
def chain(on: Ground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """All of the history is in, and judged."""
    with deployment(tmp_path_factory.mktemp("state"), partitions=3, **on) as chain:
        assert EVENTS == chain.send(whole_history()).accepted
        chain.advance(end_of_history() + MOMENT)
        chain.settle()
        yield chain


def end_of_history() -> datetime:
    last = whole_history()[-1].at
    return datetime(last.year, last.month, last.day, tzinfo=last.tzinfo) + timedelta(days=1)


def test_the_purchases_on_every_timeline_are_those_of_the_file(chain: Chain) -> None:
    expected = fold.purchases(CDNOW)
    shown = chain.timelines(sorted(expected), type="purchase-recorded")
    assert (CUSTOMERS, EVENTS) == (len(expected), sum(map(len, expected.values())))
    assert expected == {customer: [bought(item) for item in items] for customer, items in shown.items()}


def test_the_file_sent_again_changes_no_timeline_no_alert_and_no_state(chain: Chain) -> None:
    before = state(chain)
    assert EVENTS == chain.send(whole_history(), history=False).accepted
    chain.advance(end_of_history() + 2 * MOMENT)  # judged up to here: it has been read by everybody
    chain.settle()
    assert before == state(chain)
    [shop] = [books for books in chain.audit()["channels"] if books["channel"] == SOURCE]
    assert (2 * EVENTS, EVENTS, EVENTS) == (shop["received"], shop["recorded"], shop["duplicate"])


def bought(item: dict[str, Any]) -> fold.Bought:
    source, _, id_ = item["input"].partition("|")
    assert SOURCE == source
    return id_, item["time"], item["data"]["amount_minor"], item["data"]["currency"]


def state(chain: Chain) -> dict[str, Any]:
    """Every record of the log, of alerts and risk; every document of what services keep and of what is shown."""
    with MongoClient[dict[str, Any]](chain.stack.mongo) as client:
        found: dict[str, Any] = {}
        for name in KEPT:
            database = client[f"tenure_{name}"]
            until(partial(all_marked, database), 30, f"{name} has marked what it has published")
            for collection in sorted({*database.list_collection_names()} - {LOOKED_AT}):
                found[f"{name}.{collection}"] = {d["_id"]: d for d in database[collection].find()}
    return found | {topic: chain.copies(topic) for topic in (CUSTOMER_EVENTS, ALERTS, RISK)}


def all_marked(database: Database[dict[str, Any]]) -> bool:
    return database["commits"].find_one({"published": False}) is None
