"""What the HTTP door does with what it accepts: where it goes, in what order, and what the answer promises."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from shared.broker import Outgoing, PublishUnknown
from shared.contracts.catalogue import DOMAIN_SERVICES, INPUT_TYPES, OWNER_OF
from shared.contracts.envelope import read_inbound
from shared.contracts.generate import example
from shared.contracts.measures import BEHIND_CATALOGUE, CATALOGUE, FIRST_OF_CATALOGUE, OF_CATALOGUE, Measures
from shared.contracts.tick import Tick, read_tick, write_tick
from shared.settings import TimeSource
from shared.topics import catalogue_subjects, inbox, partition_of
from tests.wiring.gateway import BATCH, NOW, PARTITIONS, SINGLE, Gateway, Time, event, raw, running

DATA = {
    "tenure.enquiry.v1": {},
    "tenure.contact.v1": {"route": "email"},
    "tenure.complaint.v1": {"words": "late again"},
    "tenure.complaint-progress.v1": {"complaint": "c-1", "step": "resolved"},
    "tenure.satisfaction.v1": {"score": 70},
    "tenure.suggestion.v1": {"words": "open on Sundays"},
    "tenure.exit-interview.v1": {"reason": "price"},
    "tenure.purchase.v1": {"amount_minor": 0, "currency": "JPY"},
    "tenure.lapse.v1": {},
    "tenure.alert-acknowledged.v1": {"alert": "analytics/1/c/1", "by": "kim"},
    "tenure.alert-snoozed.v1": {
        "alert": "analytics/1/c/1",
        "by": "kim",
        "until": "2026-03-01T00:00:00Z",
        "reason": "on leave",
    },
    "tenure.measures.v1": {"measures": []},
}


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with running() as gateway:
        yield gateway


class NeverAnswers:
    """A broker that is away. `asked`: how many records it was given."""

    def __init__(self) -> None:
        self.asked = 0
        self.called, self.back = asyncio.Event(), asyncio.Event()

    async def publish(self, groups: Sequence[Sequence[Outgoing]]) -> None:
        self.asked += sum(map(len, groups))
        self.called.set()
        await self.back.wait()


class Fails:
    async def publish(self, groups: Sequence[Sequence[Outgoing]]) -> None:
        raise PublishUnknown("the leader is away")


async def test_an_accepted_event_stands_in_its_inbox_byte_for_byte_under_its_customer(gateway: Gateway) -> None:
    sent = b' { "data":{"currency":"EUR","amount_minor":1999.0e0},\n' + raw(event(subject="köln", data=None))[1:]
    sent = sent.replace(b"1999.0e0", b"1999")
    answer = await gateway.send(sent)
    assert 202 == answer.status_code, answer.text
    (record,) = gateway.records
    assert ("retention.inbox", partition_of("köln", PARTITIONS), "köln".encode(), sent) == (
        record.topic,
        record.partition,
        record.key,
        record.value,
    )


async def test_the_answer_names_each_event_and_what_became_of_it(gateway: Gateway) -> None:
    answer = await gateway.send(raw(event()))
    assert {
        "results": [{"index": 0, "id": "order-1", "status": "accepted"}],
        "accepted": 1,
        "refused": 0,
    } == answer.json()


def test_every_input_type_has_an_example_here() -> None:
    assert set(OWNER_OF) == set(DATA)


@pytest.mark.parametrize("type_", sorted(DATA))
async def test_every_type_goes_to_its_owner(gateway: Gateway, type_: str) -> None:
    subject = CATALOGUE if type_ == Measures.TYPE else "customer-1"
    answer = await gateway.send(raw(event(type=type_, subject=subject, data=DATA[type_])))
    assert 202 == answer.status_code, answer.text
    assert {inbox(OWNER_OF[type_])} == {record.topic for record in gateway.records}


async def test_measures_go_into_every_partition_as_one_event(gateway: Gateway) -> None:
    sent = event(type=Measures.TYPE, subject=CATALOGUE, data=example(Measures.TYPE)["data"])
    answer = await gateway.send(raw([sent, event()]), BATCH)
    assert (202, 2) == (answer.status_code, answer.json()["accepted"])
    catalogues = [record for record in gateway.records if record.key != b"customer-1"]
    assert list(range(PARTITIONS)) == sorted(record.partition for record in catalogues)
    for record in catalogues:
        subject = (record.key or b"").decode()
        assert partition_of(subject, PARTITIONS) == record.partition
        wrote, said = (read_inbound(value, INPUT_TYPES) for value in (record.value or b"", raw(sent)))
        assert replace(said, subject=subject) == wrote


async def test_what_measures_say_beside_the_contract_is_left_out(gateway: Gateway) -> None:
    """It might be no Unicode, or longer when it is written anew."""
    more = {"ext": "\ud800", "huge": [1e15] * 9}
    sent = event(type=Measures.TYPE, subject=CATALOGUE, data={"measures": []}, **more)
    assert 202 == (await gateway.send(raw(sent))).status_code
    assert all(not more.keys() & json.loads(record.value or b"").keys() for record in gateway.records)


@pytest.mark.parametrize("partitions", [1, 3, 64, 100])
def test_the_first_of_the_subjects_of_a_catalogue_is_there_however_many_partitions(partitions: int) -> None:
    subjects = catalogue_subjects(partitions)
    assert list(range(partitions)) == [partition_of(subject, partitions) for subject in subjects]
    assert FIRST_OF_CATALOGUE in subjects
    assert all(OF_CATALOGUE <= subject < BEHIND_CATALOGUE for subject in subjects)


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=UTF-8"])
async def test_plain_json_is_one_event_or_a_batch_by_what_it_is(gateway: Gateway, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    assert 202 == (await gateway.send(raw(event(id="a")), headers)).status_code
    assert 202 == (await gateway.send(b" \n" + raw([event(id="b"), event(id="c")]), headers)).status_code
    assert 3 == len(gateway.records)


async def test_elements_of_a_batch_keep_their_bytes_and_their_order(gateway: Gateway) -> None:
    elements = [raw(event(id=str(n))).replace(b": ", b"  :") for n in range(250)]
    answer = await gateway.send(b"[" + b" , ".join(elements) + b"]\n", BATCH)
    assert 202 == answer.status_code
    assert elements == [record.value for record in gateway.records]


async def test_requests_sent_one_after_another_keep_their_order(gateway: Gateway) -> None:
    for n in range(20):
        await gateway.send(raw(event(id=str(n))))
    assert [str(n) for n in range(20)] == [json.loads(record.value or b"")["id"] for record in gateway.records]


async def test_an_empty_batch_is_accepted_and_is_nothing(gateway: Gateway) -> None:
    answer = await gateway.send_batch()
    assert (202, {"results": [], "accepted": 0, "refused": 0}) == (answer.status_code, answer.json())


async def test_a_dry_run_says_the_same_and_sends_nothing(gateway: Gateway) -> None:
    batch = raw([event(), event(subject="")])
    dry = await gateway.send(batch, BATCH, "/v1/events:validate")
    wet = await gateway.send(batch, BATCH)
    assert 1 == len(gateway.records)
    assert (207, 207) == (dry.status_code, wet.status_code)
    assert wet.json()["results"][1] == dry.json()["results"][1]
    assert "valid" == dry.json()["results"][0]["status"]


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def test_an_event_without_a_trace_takes_that_of_the_request(gateway: Gateway) -> None:
    await gateway.send(raw(event()), {**SINGLE, "traceparent": TRACE})
    assert (("traceparent", TRACE.encode()),) == gateway.records[0].headers


async def test_an_event_that_brings_its_trace_keeps_it(gateway: Gateway) -> None:
    await gateway.send(raw(event(traceparent=TRACE)), {**SINGLE, "traceparent": TRACE.replace("4b", "5c")})
    assert () == gateway.records[0].headers


@pytest.mark.parametrize(
    "sent", [{}, {"traceparent": "00-zz"}, {"traceparent": TRACE.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32)}]
)
async def test_without_a_right_trace_a_new_one_begins(gateway: Gateway, sent: dict[str, str]) -> None:
    await gateway.send(raw(event()), {**SINGLE, **sent})
    ((name, value),) = gateway.records[0].headers
    assert "traceparent" == name
    assert len(TRACE) == len(value)
    assert value not in (TRACE.encode(), sent.get("traceparent", "").encode())


async def test_when_the_broker_fails_the_answer_is_later_and_says_that_a_copy_does_no_harm() -> None:
    async with running(publisher=Fails()) as gateway:
        answer = await gateway.send(raw(event()))
    assert (503, "not-acknowledged") == (answer.status_code, answer.json()["code"])
    assert int(answer.headers["Retry-After"]) > 0
    assert "second copy changes nothing" in answer.json()["detail"]


async def test_nothing_is_answered_before_the_broker_has_answered() -> None:
    broker = NeverAnswers()
    async with running(publisher=broker) as gateway:
        request = asyncio.create_task(gateway.send(raw(event())))
        await broker.called.wait()
        assert not request.done()
        broker.back.set()
        assert 202 == (await request).status_code


async def test_when_the_broker_hangs_what_waits_is_bounded_and_everybody_is_answered() -> None:
    broker = NeverAnswers()
    async with running(publisher=broker, answer_s=0.2, max_waiting_events=1000, publish_events=100) as gateway:
        batch = raw([event(id=str(n)) for n in range(100)])
        answers = await asyncio.gather(*(gateway.send(batch, BATCH) for _ in range(40)))
        assert {503} == {answer.status_code for answer in answers}
        waited = sum(answer.json()["code"] == "not-acknowledged" for answer in answers)
        assert 10 <= waited <= 11, "a thousand events in the queue, and at most one request on its way"
        assert 40 - waited == sum(answer.json()["code"] == "busy" for answer in answers)
        broker.back.set()
        assert 202 == (await gateway.send(batch, BATCH)).status_code
    assert 200 == broker.asked, "what was given up before it left did not leave"


async def test_bodies_that_would_not_fit_into_memory_together_are_turned_away() -> None:
    broker = NeverAnswers()
    async with running(publisher=broker, max_bytes_in_flight=8 * 1024 * 1024) as gateway:
        words = {"data": {"words": "x" * 4000}, "type": "tenure.suggestion.v1"}
        batch = raw([event(id=str(n), **words) for n in range(1000)])
        requests = [asyncio.create_task(gateway.send(batch, BATCH)) for _ in range(3)]
        done, _ = await asyncio.wait(requests, return_when=asyncio.FIRST_COMPLETED)
        assert [(503, "busy")] == [(task.result().status_code, task.result().json()["code"]) for task in done]
        broker.back.set()
        assert [202, 202, 503] == sorted(answer.status_code for answer in await asyncio.gather(*requests))


async def test_a_key_that_sends_too_fast_is_told_how_long_to_wait_and_others_are_not() -> None:
    passing = Time()
    async with running(passing=passing, events_per_s=100, burst_events=1000) as gateway:
        batch = raw([event(id=str(n)) for n in range(1000)])
        assert 202 == (await gateway.send(batch, BATCH)).status_code
        slowed = await gateway.send(batch, BATCH)
        assert (429, "10") == (slowed.status_code, slowed.headers["Retry-After"])
        passing.seconds += 10
        assert 202 == (await gateway.send(batch, BATCH)).status_code


async def test_a_history_advances_in_every_partition_of_every_inbox() -> None:
    async with running(time=TimeSource.HISTORY) as gateway:
        answer = await gateway.send(
            raw({"to": "1997-01-02T00:00:00+00:00", "last": True}),
            {"Content-Type": "application/json"},
            "/v1/history:advance",
        )
        assert 200 == answer.status_code
        assert "1997-01-02T00:00:00Z" == answer.json()["to"]
        ticks = {(r.topic, r.partition): (r.key, read_tick(r.value or b"")) for r in gateway.records}
    instant = NOW.replace(year=1997, month=1, day=2, hour=0)
    everywhere = {(inbox(service), p) for service in DOMAIN_SERVICES for p in range(PARTITIONS)}
    assert dict.fromkeys(everywhere, (None, Tick("tenure/gateway", instant, True))) == ticks


async def test_a_tick_goes_behind_what_was_sent_before_even_when_the_broker_is_slow() -> None:
    order: list[bytes] = []

    class Slow:
        async def publish(self, groups: Sequence[Sequence[Outgoing]]) -> None:
            await asyncio.sleep(0)
            order.extend(record.value or b"" for group in groups for record in group)

    tick = {"to": "1997-01-02T00:00:00Z"}
    async with running(time=TimeSource.HISTORY, publisher=Slow()) as gateway:
        sending = [
            asyncio.create_task(gateway.send(raw(event(id=str(n), time="1997-01-01T00:00:00Z")))) for n in range(5)
        ]
        advancing = asyncio.create_task(
            gateway.send(raw(tick), {"Content-Type": "application/json"}, "/v1/history:advance")
        )
        await asyncio.gather(*sending, advancing)
    written = write_tick("tenure/gateway", NOW.replace(year=1997, month=1, day=2, hour=0))
    assert [written] * (len(DOMAIN_SERVICES) * PARTITIONS) == order[5:]


async def test_a_history_may_be_of_any_time() -> None:
    async with running(time=TimeSource.HISTORY) as gateway:
        for time in ("1997-01-01T00:00:00Z", "2090-01-01T00:00:00Z"):
            assert 202 == (await gateway.send(raw(event(time=time)))).status_code
