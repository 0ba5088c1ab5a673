"""A client that a stranger's generator makes of the committed OpenAPI documents sends events and reads what became of
them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.language.documents import FOLDER
from tests.system.chain import Chain, deployment

pytestmark = pytest.mark.long

CONFIG = """\
content_type_overrides:
  application/cloudevents-batch+json: text/plain
post_hooks: []
"""
SEND = """\
from datetime import datetime
import json, sys
from gateway import AuthenticatedClient
from gateway.api.events import send_events, validate_events
from gateway.models import NoneAccepted, Purchase, PurchaseEvent, Receipt

address, key, customer, at = sys.argv[1:]

def event(id, amount):
    return PurchaseEvent(specversion="1.0", id=id, source="web-shop", type_="tenure.purchase.v1", subject=customer,
                         time=datetime.fromisoformat(at), data=Purchase(amount_minor=amount, currency="EUR"))

with AuthenticatedClient(base_url=address, token=key) as client:
    asked = validate_events.sync(client=client, body=event("order-1", 1999))
    sent = send_events.sync(client=client, body=event("order-1", 1999))
    refused = send_events.sync(client=client, body=event("order-2", -1))
assert isinstance(asked, Receipt) and isinstance(sent, Receipt) and isinstance(refused, NoneAccepted)
print(json.dumps([asked.results[0].status, sent.results[0].status, refused.code]))
"""
READ = """\
import json, sys
from read_api import AuthenticatedClient
from read_api.api.alerts import list_alerts
from read_api.api.customers import read_customer, read_timeline
from read_api.models import ProblemDocument

address, key, customer = sys.argv[1:]
with AuthenticatedClient(base_url=address, token=key) as client:
    page = read_timeline.sync(client=client, customer_id=customer)
    glance = read_customer.sync(client=client, customer_id=customer)
    nobody = read_customer.sync(client=client, customer_id="nobody")
    alerts = list_alerts.sync(client=client)
assert isinstance(nobody, ProblemDocument)
print(json.dumps([[item.type_ for item in page.items], glance.purchases.count, nobody.code, len(alerts.items)]))
"""


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    with deployment(tmp_path_factory.mktemp("state"), history=False) as chain:
        yield chain


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages `gateway` and `read_api`."""
    folder = tmp_path_factory.mktemp("clients")
    (folder / "generator.yml").write_text(CONFIG)
    for service, package in (("gateway", "gateway"), ("projection", "read_api")):
        _generate(FOLDER / f"openapi-{service}.json", folder / package, folder / "generator.yml")
    return folder


def test_it_sends_and_is_told_what_became_of_each_event_and_reads_the_timeline(chain: Chain, clients: Path) -> None:
    at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    stack = chain.stack
    assert ["valid", "accepted", "invalid-data"] == _run(clients, SEND, stack.gateway_url, stack.key, "customer/1", at)
    chain.settle()
    types, purchases, nobody, alerts = _run(clients, READ, stack.api_url, stack.key, "customer/1")
    assert {"tenure.purchase-recorded.v1", "tenure.first-purchase.v1"} <= set(types)
    assert (1, "unknown-customer", 0) == (purchases, nobody, alerts)


def _generate(document: Path, package: Path, config: Path) -> None:
    generator = str(Path(sys.executable).with_name("openapi-python-client"))
    options = {"--path": document, "--config": config, "--output-path": package, "--meta": "none"}
    command = [generator, "generate", *(str(word) for option in options.items() for word in option)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _run(clients: Path, program: str, *arguments: str) -> list[Any]:
    """What it prints, in a process that knows nothing of this project."""
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(clients)!r})\n{program}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=clients)
    assert done.returncode == 0, done.stderr
    said: list[Any] = json.loads(done.stdout)
    return said
