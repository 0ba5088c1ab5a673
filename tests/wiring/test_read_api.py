"""What the read API answers, and what `tenure timeline` and `tenure customer` make of it."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from pymongo.errors import ServerSelectionTimeoutError

from services.projection.app import create_app
from services.projection.figures import Figures
from services.projection.store import MemoryStore
from services.projection.view import View
from shared.contracts.analytics import Sign
from shared.contracts.measures import FIRST_OF_CATALOGUE
from shared.keys import ANY_SOURCE, MemoryKeyStore, Scope, issue
from tests.stories import ANALYTICS, CALL, START, a_story, measures, numbered, purchase, raised, told
from tests.wiring.test_projection import Projection

ODD_IDS = ["a/b", "a/timeline", "timeline", "c?x=1#y", "100%", "a%2Fb", "ä ö", "日本", "a+b", "x" * 128]


async def served(store: MemoryStore) -> tuple[FastAPI, str, str]:
    """The app, a key that may read, and one that may not."""
    keys = MemoryKeyStore()
    reader, reads = issue("reader", [Scope.READ], [], created=START)
    sender, sends = issue("sender", [Scope.SEND], [ANY_SOURCE], created=START)
    await keys.add(reader)
    await keys.add(sender)
    return create_app(store, keys, monotonic=lambda: 0.0), reads, sends


async def a_base() -> MemoryStore:
    projection = Projection()
    story = [r for said in a_story("c-1").values() for r in said]
    more = [
        r for c in ("c-2", "c-3", "c-4") for r in told(ANALYTICS, c, (5, raised(c, 5, value_minor=int(c[-1]) * 100)))
    ]
    odd = [r for c in ODD_IDS for r in told("retention", c, (1, purchase(1)))]
    await projection.handle(*numbered([*story, *more, *odd]))
    return projection.store


@pytest.fixture
async def api() -> AsyncIterator[httpx.AsyncClient]:
    app, key, _ = await served(await a_base())
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api", headers=headers) as client:
        yield client


async def test_a_timeline_shows_facts_and_alerts_in_order_of_time(api: httpx.AsyncClient) -> None:
    page = (await api.get("/v1/customers/c-1/timeline", params={"limit": 1000})).json()
    times = [item["time"] for item in page["items"]]
    assert (24, None, sorted(times)) == (len(times), page["next"], times)
    assert {"tenure/acquisition", "tenure/interaction", "tenure/retention", "tenure/analytics"} == {
        item["source"] for item in page["items"]
    }


async def test_an_entry_says_what_was_published(api: httpx.AsyncClient) -> None:
    (item,) = (await api.get("/v1/customers/a%2Fb/timeline")).json()["items"]
    assert {
        "time": "2026-01-02T00:00:00Z",
        "type": "tenure.purchase-recorded.v1",
        "source": "tenure/retention",
        "id": "retention/a/b/1",
        "data": {"import": False, "amount_minor": 1, "currency": "EUR"},
        "producer": "retention",
        "sequence": 1,
        "input": "web-shop|retention-1",
        "cause": "web-shop|retention-1",
    } == item


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_a_timeline_goes_on_by_cursor(api: httpx.AsyncClient, order: str) -> None:
    asked = {"order": order, "limit": "1000"}
    whole = [item["id"] for item in (await api.get("/v1/customers/c-1/timeline", params=asked)).json()["items"]]
    read: list[str] = []
    asked["limit"] = "7"
    while True:
        page = (await api.get("/v1/customers/c-1/timeline", params=asked)).json()
        read += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        asked["cursor"] = page["next"]
    assert whole == read


async def test_types_and_periods_narrow_a_timeline(api: httpx.AsyncClient) -> None:
    asked = {
        "type": ["purchase-recorded", "tenure.first-purchase.v1"],
        "from": "2026-01-02T00:00:00Z",
        "to": "2026-01-12T00:00:00Z",
    }
    items = (await api.get("/v1/customers/c-1/timeline", params=asked)).json()["items"]
    assert ["retention/c-1/1", "retention/c-1/2"] == [item["id"] for item in items]


async def test_a_customer_is_shown_at_a_glance(api: httpx.AsyncClient) -> None:
    found = (await api.get("/v1/customers/c-1")).json()
    spend = [{"amount_minor": 2500, "currency": "EUR"}, {"amount_minor": 300, "currency": "USD"}]
    assert ("c-1", "web-shop", "business", spend) == (
        found["customer"], found["source"], found["segment"], found["purchases"]["spend"],
    )  # fmt: skip
    assert ("spring", 60.0, None) == (found["campaign"], found["satisfaction"]["mean"], found["open_alert"])
    assert ["broken"] == [c["complaint"] for c in found["complaints"]["open"]]


async def test_a_customer_is_shown_as_of_a_past_instant(api: httpx.AsyncClient) -> None:
    found = (await api.get("/v1/customers/c-1", params={"as_of": "2026-03-10T00:00:00Z"})).json()
    assert ("2026-03-10T00:00:00Z", "adoption", "raised") == (
        found["as_of"], found["acquisition"]["stage"], found["open_alert"]["state"],
    )  # fmt: skip
    assert [{"amount_minor": 5000, "currency": "EUR"}] == found["open_alert"]["value_at_risk"]
    assert CALL.model_dump() == found["open_alert"]["recommended"]


@pytest.mark.parametrize("customer", ODD_IDS)
async def test_any_customer_id_can_stand_in_an_address(api: httpx.AsyncClient, customer: str) -> None:
    path = f"/v1/customers/{quote(customer, safe='')}"
    assert customer == (await api.get(path)).json()["customer"]
    assert [f"retention/{customer}/1"] == [i["id"] for i in (await api.get(f"{path}/timeline")).json()["items"]]


@pytest.mark.parametrize(
    "path", ["/v1/customers/nobody", "/v1/customers/nobody/timeline", "/v1/customers/c-1%2Ftimeline"]
)
async def test_an_unknown_customer_is_a_problem(api: httpx.AsyncClient, path: str) -> None:
    answer = await api.get(path)
    assert (404, "unknown-customer", "application/problem+json") == (
        answer.status_code, answer.json()["code"], answer.headers["content-type"],
    )  # fmt: skip


async def test_customers_are_listed_by_prefix_and_cursor(api: httpx.AsyncClient) -> None:
    first = (await api.get("/v1/customers", params={"prefix": "c-", "limit": 3})).json()
    rest = (await api.get("/v1/customers", params={"prefix": "c-", "limit": 3, "cursor": first["next"]})).json()
    assert (["c-1", "c-2", "c-3"], ["c-4"], None) == (first["items"], rest["items"], rest["next"])


async def test_alerts_are_listed_by_value_and_cursor(api: httpx.AsyncClient) -> None:
    first = (await api.get("/v1/alerts", params={"limit": 2})).json()
    rest = (await api.get("/v1/alerts", params={"limit": 2, "cursor": first["next"]})).json()
    assert ["c-4", "c-3", "c-2"] == [row["customer"] for row in (*first["items"], *rest["items"])]
    assert rest["next"] is None


async def test_alerts_are_narrowed_by_sign(api: httpx.AsyncClient) -> None:
    assert 3 == len((await api.get("/v1/alerts", params={"sign": Sign.VOLUME_DECLINE})).json()["items"])
    assert [] == (await api.get("/v1/alerts", params={"sign": Sign.CONTACT_DECLINE})).json()["items"]


async def test_alerts_are_narrowed_to_customers_who_can_be_kept(api: httpx.AsyncClient) -> None:
    kept = (await api.get("/v1/alerts", params={"lapse_declared": "false"})).json()["items"]
    assert [False] * 3 == [row["lapse_declared"] for row in kept]
    assert [] == (await api.get("/v1/alerts", params={"lapse_declared": "true"})).json()["items"]


async def test_the_summary_counts_the_whole_base(api: httpx.AsyncClient) -> None:
    found = (await api.get("/v1/summary")).json()
    assert (4 + len(ODD_IDS), 1, 0) == (found["customers"], found["open_complaints"], found["lapsed"])
    assert {"cleared": 1, "raised": 3} == found["alerts_by_state"]
    assert {"volume_decline": 3} == found["open_alerts_by_sign"]
    assert 4 + len(ODD_IDS) == found["entries"]["tenure.purchase-recorded.v1"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/customers/c-1/timeline?limit=0", "query.limit"),
        ("/v1/customers/c-1/timeline?limit=1001", "query.limit"),
        ("/v1/customers/c-1/timeline?from=yesterday", "query.from"),
        ("/v1/customers/c-1/timeline?to=2026-01-01", "query.to"),
        ("/v1/customers/c-1/timeline?as_of=1", "query.as_of"),
        ("/v1/customers/c-1/timeline?type=purchases", "query.type"),
        ("/v1/customers/c-1/timeline?order=up", "query.order"),
        ("/v1/customers/c-1/timeline?cursor=x", "query.cursor"),
        ("/v1/customers?cursor=WzFd", "query.cursor"),
        ("/v1/alerts?cursor=IngiI", "query.cursor"),
        ("/v1/alerts?sign=none", "query.sign"),
    ],
)
async def test_a_wrong_parameter_is_named(api: httpx.AsyncClient, path: str, field: str) -> None:
    answer = await api.get(path)
    assert (422, [field]) == (answer.status_code, [p["path"] for p in answer.json()["problems"]])


@pytest.mark.parametrize(
    "path", ["/v1/customers", "/v1/customers/c-1", "/v1/customers/c-1/timeline", "/v1/alerts", "/v1/summary"]
)
async def test_only_a_key_that_may_read_is_let_in(path: str) -> None:
    app, _, sends = await served(MemoryStore())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
        assert 401 == (await client.get(path)).status_code
        assert 403 == (await client.get(path, headers={"Authorization": f"Bearer {sends}"})).status_code


async def test_the_api_describes_itself_in_openapi_3_1(api: httpx.AsyncClient) -> None:
    document = (await api.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    undescribed = [
        f"{path} {parameter['name']}"
        for path, methods in document["paths"].items()
        for operation in methods.values()
        for parameter in operation.get("parameters", [])
        if not parameter.get("description")
    ]
    assert [] == undescribed


class Away(MemoryStore):
    """A database that does not answer."""

    async def find(self, customer: str) -> None:
        raise ServerSelectionTimeoutError("no primary")


async def test_while_the_database_is_away_the_answer_is_to_ask_again() -> None:
    app, key, _ = await served(Away())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
        answer = await client.get("/v1/customers/c-1", headers={"Authorization": f"Bearer {key}"})
    assert (503, "store-unavailable", "5") == (answer.status_code, answer.json()["code"], answer.headers["retry-after"])


class Slow(MemoryStore):
    """Counting takes ten seconds of the test's clock."""

    now = 0.0

    async def views(self) -> AsyncIterator[View]:
        self.now += 10
        async for view in super().views():
            yield view


async def test_an_answer_is_given_again_for_nine_times_as_long_as_it_took_to_count() -> None:
    store = Slow()
    figures = Figures(store, monotonic=lambda: store.now)
    assert 0 == (await figures.summary()).customers
    await Projection(store).handle(*numbered(told("retention", "c-1", (1, purchase(1)))))
    store.now += 89
    assert 0 == (await figures.summary()).customers
    store.now += 1
    assert 1 == (await figures.summary()).customers


async def test_measures_are_shown_as_they_were_sent_last() -> None:
    projection = Projection()
    app, key, _ = await served(projection.store)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api", headers=headers) as client:
        assert (404, "no-measures") == (
            (answer := await client.get("/v1/measures")).status_code,
            answer.json()["code"],
        )
        sent = (1, measures("a call")), (2, measures("a call", "a visit"))
        await projection.handle(*numbered(told("retention", FIRST_OF_CATALOGUE, *sent)))
        shown = (await client.get("/v1/measures")).json()
        assert [] == (await client.get("/v1/customers")).json()["items"]
    assert ["a call", "a visit"] == [measure["name"] for measure in shown["measures"]]
    assert ("2026-01-03T00:00:00Z", "web-shop|retention-2") == (shown["since"], shown["event"])
