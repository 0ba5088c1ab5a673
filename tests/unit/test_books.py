"""The books of a service that did everything right balance; and whatever is missing, doubled or changed is named."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import pytest

from cli.books.balance import PROJECTION, Books, Ledger
from cli.books.channels import UNREADABLE
from cli.books.findings import FIRST_FEW, Findings, Place
from cli.books.inbox_book import REDRIVEN_FROM
from shared.broker import Record, TopicPartition
from shared.contracts.analytics import AttritionAlertRaised, alert_bytes
from shared.contracts.envelope import compact_json
from shared.contracts.generate import example
from shared.contracts.segments import SEGMENT_ALERT_TYPES
from shared.event_store import Commit
from shared.memory_broker import MemoryRecord
from shared.settings import TimeSource
from shared.topics import ALERTS, CUSTOMER_EVENTS, dead_letters
from tests.wiring.deciding import INBOX, SERVICE, Deployment, complaint_cause, day, purchase, redrive


@dataclass
class Read:
    """What was read of a deployment that has become quiet. A test takes something away, and looks."""

    commits: list[Commit]
    records: list[MemoryRecord]
    letters: set[Place]
    last: dict[str, dict[str, int]]
    committed: dict[str, dict[TopicPartition, int]]

    @classmethod
    async def of(cls, retention: Deployment) -> "Read":
        broker = retention.broker
        last: dict[str, dict[str, int]] = {}
        for customer in {r.key.decode() for r in broker.records(CUSTOMER_EVENTS) if r.key}:
            if facts := retention.facts(customer):
                last[customer] = {SERVICE: max(fact.sequence for fact in facts)}
        letters = {Place(INBOX, _number(r, "partition"), _number(r, "offset"))
                   for r in broker.records(dead_letters(SERVICE))}  # fmt: skip
        end = {TopicPartition(CUSTOMER_EVENTS, 0): broker.highwater(TopicPartition(CUSTOMER_EVENTS, 0))}
        return cls(
            [commit async for commit in retention.store.scan()],
            [*broker.records(INBOX), *broker.records(CUSTOMER_EVENTS)],
            letters,
            last,
            {SERVICE: broker.committed(SERVICE), PROJECTION: end},
        )

    @property
    def books(self) -> Books:
        ledger = Ledger()
        for commit in self.commits:
            ledger.stores[SERVICE].take(commit)
        for record in self.records:
            ledger.take(record)
        return ledger.balance({SERVICE: self.letters}, self.last, self.committed)

    @property
    def findings(self) -> list[str]:
        return self.books.findings.first

    def without(self, topic: str, offset: int) -> "Read":
        kept = [r for r in self.records if (r.topic, r.offset) != (topic, offset)]
        return replace(self, records=kept)

    def changed(self, topic: str, offset: int, **changes: Any) -> "Read":
        records = [replace(r, **changes) if (r.topic, r.offset) == (topic, offset) else r for r in self.records]
        return replace(self, records=records)


def _number(record: Record, name: str) -> int:
    return int(dict(record.headers)[name])


def figures(books: Books, channel: str = "shop") -> dict[str, int]:
    """Of a channel, those that are not zero."""
    [account] = [a for a in books.channels if (a.service, a.channel) == (SERVICE, channel)]
    return {name: n for name, n in asdict(account).items() if isinstance(n, int) and n}


def service(books: Books, name: str = SERVICE) -> dict[str, Any]:
    [account] = [a for a in books.services if a.service == name]
    return {name: n for name, n in asdict(account).items() if name != "service" and n}


@pytest.fixture
async def quiet() -> Read:
    """Two purchases, offsets 0 and 1, decided and shown."""
    retention = Deployment()
    retention.send(purchase("1"), purchase("2"))
    await (await retention.owner()).read_all()
    return await Read.of(retention)


def test_what_was_received_and_recorded_balances(quiet: Read) -> None:
    assert [] == quiet.findings
    assert {"received": 2, "recorded": 2} == figures(quiet.books)
    assert {"stored": 2, "published": 2, "projected": 2} == service(quiet.books)


async def test_every_fate_of_a_record_is_counted_once() -> None:
    retention = Deployment()
    retention.rules.broken = {"shop|parked"}
    retention.send(purchase("1"), purchase("1"), purchase("1", amount=7), b"not JSON", None)
    retention.send(purchase("parked"), purchase("behind"))
    retention.send(purchase("x", source="till"), customer="bert")
    await (await retention.owner()).read_all()
    books = (await Read.of(retention)).books
    assert [] == books.findings.first
    assert {"received": 5, "recorded": 1, "duplicate": 1, "dead_lettered": 1, "parked": 2} == figures(books)
    assert {"received": 2, "dead_lettered": 2} == figures(books, UNREADABLE)
    assert {"received": 1, "dead_lettered": 1} == figures(books, "till")  # under a key that is not its customer's


async def test_what_was_released_is_recorded_and_the_command_is_a_record_like_any_other() -> None:
    retention = Deployment()
    retention.rules.broken = {"shop|1"}
    retention.send(purchase("1"), purchase("2"))
    member = await retention.owner()
    await member.read_all()
    retention.rules.broken.clear()
    retention.send(redrive("r"))
    await member.read_all()
    books = (await Read.of(retention)).books
    assert {"received": 2, "recorded": 2} == figures(books)
    assert {"received": 1, "recorded": 1} == figures(books, "tenure/redrive")


async def test_a_dead_letter_that_went_back_is_counted_in_both_places() -> None:
    retention = Deployment()
    retention.send(purchase("1"), key=b"bert")
    retention.send(purchase("1"), headers=[(REDRIVEN_FROM, f"{INBOX}/0/0".encode())])
    await (await retention.owner()).read_all()
    books = (await Read.of(retention)).books
    assert {"received": 2, "dead_lettered": 1, "recorded": 1, "redriven": 1} == figures(books)


def test_what_one_release_recorded_and_another_set_aside_is_recorded(quiet: Read) -> None:
    quiet.letters.add(Place(INBOX, 0, 1))
    assert {"received": 2, "recorded": 2} == figures(quiet.books)


def test_a_record_that_the_service_has_not_passed_is_in_flight_and_not_missing(quiet: Read) -> None:
    quiet.commits.pop()
    quiet = quiet.without(CUSTOMER_EVENTS, 1)
    quiet.last["anna"][SERVICE] = 1
    quiet.committed[SERVICE] = {TopicPartition(INBOX, 0): 1}
    assert ([], 1) == (quiet.findings, quiet.books.in_flight)
    assert {"received": 2, "recorded": 1, "in_flight": 1} == figures(quiet.books)


def test_a_record_that_the_service_has_passed_without_a_trace_is_missing(quiet: Read) -> None:
    quiet.commits.pop()
    quiet = quiet.without(CUSTOMER_EVENTS, 1)
    quiet.last["anna"][SERVICE] = 1
    assert [f"{INBOX}/0/1 (shop|2 of anna) is neither recorded nor set aside by {SERVICE}"] == quiet.findings
    assert 1 == figures(quiet.books)["missing"]


def test_an_id_used_again_that_was_dropped_without_a_word_is_missing(quiet: Read) -> None:
    again = MemoryRecord(INBOX, 0, 2, 0, b"anna", purchase("1", amount=7))
    quiet.records.append(again)
    quiet.committed[SERVICE] = {TopicPartition(INBOX, 0): 3}
    [finding] = quiet.findings
    assert "repeats a known id with other content" in finding


def test_what_was_recorded_and_stands_in_no_inbox_is_named(quiet: Read) -> None:
    [finding] = quiet.without(INBOX, 1).findings
    assert f"{SERVICE} recorded shop|2 of anna, which stands in no topic it reads" == finding


CHANGES: dict[str, tuple[Callable[[Read], Read], str]] = {
    "a stored fact never published": (
        lambda r: replace(r.without(CUSTOMER_EVENTS, 1), last={"anna": {SERVICE: 1}}),
        "retention/anna/2 is stored and marked as published, and the log does not hold it",
    ),
    "a published fact not stored": (
        lambda r: replace(r.without(INBOX, 1), commits=r.commits[:1]),
        "retention/anna/2 stands in the log and is not stored",
    ),
    "published with other bytes": (
        lambda r: r.changed(CUSTOMER_EVENTS, 1, value=r.records[3].value.replace(b'":100', b'":999')),  # type: ignore[union-attr]
        "retention/anna/2 was published with other bytes than are stored",
    ),
    "a gap in the log": (
        lambda r: replace(r.without(CUSTOMER_EVENTS, 0)),
        "customer.events/0/1 holds retention/anna/2 behind 0",
    ),
    "first copies out of order": (
        lambda r: replace(r, records=[*r.records[:2], r.records[3], r.records[2]]),
        "customer.events/0/1 holds retention/anna/2 behind 0",
    ),
    "a copy with other bytes": (
        lambda r: replace(r, records=[*r.records, replace(r.records[2], offset=2, value=r.records[2].value + b" ")]),  # type: ignore[operator]
        "customer.events/0/2 differs from the first copy of retention/anna/1",
    ),
    "a customer in two partitions": (
        lambda r: replace(r, records=[*r.records, replace(r.records[2], partition=1)]),
        "customer.events/1/0 is about anna, who stands in partition 0",
    ),
    "a fact under another key": (
        lambda r: r.changed(CUSTOMER_EVENTS, 1, key=b"bert"),
        "customer.events/0/1 is no fact or alert about a customer: its id, its subject and its key do not agree",
    ),
    "no fact at all": (
        lambda r: r.changed(CUSTOMER_EVENTS, 1, value=b"{}"),
        "customer.events/0/1 is no fact or alert about a customer",
    ),
    "a fact that is not shown": (
        lambda r: replace(r, last={"anna": {SERVICE: 1}}),
        "retention/anna/2 is published, and the projection does not show it",
    ),
    "a fact that is shown and was never published": (
        lambda r: replace(r, last={"anna": {SERVICE: 3}}),
        "retention/anna/3 is shown, and was never published",
    ),
    "a hole in the store": (
        lambda r: replace(r, commits=r.commits[1:]),
        "retention/anna/2 is stored behind 0, with 1 facts",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_does_not_agree_is_named(change: str, quiet: Read) -> None:
    damage, sentence = CHANGES[change]
    assert sentence in damage(quiet).findings


def test_a_copy_with_the_same_bytes_is_counted_and_no_more(quiet: Read) -> None:
    quiet.records.append(replace(quiet.records[2], offset=2))
    assert ([], 1) == (quiet.findings, service(quiet.books)["copies"])


def test_what_is_stored_and_not_yet_published_or_shown_is_in_flight(quiet: Read) -> None:
    quiet.commits[1] = replace(quiet.commits[1], published=False)
    quiet = quiet.without(CUSTOMER_EVENTS, 1)
    quiet.last["anna"][SERVICE] = 0
    quiet.committed[PROJECTION] = {}
    assert [] == quiet.findings
    assert {"stored": 2, "published": 1, "in_flight": 2} == service(quiet.books)


async def test_a_fact_that_is_a_cause_elsewhere_is_received_there() -> None:
    retention = Deployment()
    retention.say(complaint_cause(sequence=1))
    await (await retention.owner()).read_all()
    books = (await Read.of(retention)).books
    assert {"received": 1, "recorded": 1} == figures(books, "tenure/interaction")


async def test_in_history_such_a_fact_waits_until_a_tick_of_all_three_stands_behind_it() -> None:
    retention = Deployment(time=TimeSource.HISTORY)
    retention.tick(2)
    retention.others_tick(2)
    member = await retention.owner()
    await member.read_all()
    retention.say(complaint_cause(on=1))
    await member.read_all()
    assert {"received": 1, "waiting": 1} == figures((await Read.of(retention)).books, "tenure/interaction")
    retention.tick(3)
    retention.others_tick(3)
    await member.read_all()
    assert {"received": 1, "recorded": 1} == figures((await Read.of(retention)).books, "tenure/interaction")


def test_alerts_are_numbered_per_customer_and_rules_and_shown(quiet: Read) -> None:
    alerts = [alert("r1", 1), alert("r2", 1), alert("r1", 2)]
    quiet.records += [MemoryRecord(ALERTS, 0, n, 0, b"anna", raw) for n, raw in enumerate(alerts)]
    quiet.last["anna"] |= {"analytics/r1": 2, "analytics/r2": 1}
    assert [] == quiet.findings
    assert {"published": 2, "projected": 2} == service(quiet.books, "analytics/r1")
    quiet.records.pop()
    assert ["analytics/r1/anna/2 is shown, and was never published"] == quiet.findings


@pytest.mark.parametrize("type_", SEGMENT_ALERT_TYPES)
def test_alerts_about_segments_are_in_nobodys_books(type_: str, quiet: Read) -> None:
    quiet.records.append(MemoryRecord(ALERTS, 0, 0, 0, b"segment/B", compact_json(example(type_))))
    assert [] == quiet.findings


def alert(rules: str, sequence: int) -> bytes:
    data = AttritionAlertRaised(alert=f"analytics/{rules}/anna/1", rules=rules, as_of=day(1))
    return alert_bytes("anna", sequence, data)


def test_all_findings_are_counted_and_the_first_few_are_named() -> None:
    findings = Findings()
    for number in range(100):
        findings.add(f"{number}")
    assert (100, [f"{n}" for n in range(FIRST_FEW)]) == (findings.count, findings.first)
