"""A subscriber follows the alerts over HTTP, comes back, chooses, and is told when and from where to go on."""

import json
from typing import Any

import pytest

from services.delivery.place import read_place, write_place
from shared.contracts.analytics import AttritionAlertCleared, Sign
from shared.contracts.envelope import compact_json
from shared.contracts.generate import example
from shared.keys import Scope, issue
from tests.unit.delivery import AS_OF
from tests.wiring.delivery import PARTITIONS, STREAM, Event, delivering, is_farewell, process


def told(event: Event) -> dict[str, str]:
    document: dict[str, str] = json.loads(event["data"])
    return document


async def test_what_comes_is_sent_byte_for_byte_and_nothing_that_was() -> None:
    async with delivering(already=4) as delivery, delivery.reading() as reader:
        written = delivery.write(20)
        assert sorted(written) == sorted(await reader.data(20))


async def test_an_event_is_named_after_the_type_of_its_message() -> None:
    async with delivering() as delivery, delivery.reading() as reader:
        delivery.write()
        event = await reader.event()
    assert event["event"] == told(event)["type"] == "tenure.attrition-alert-raised.v1"


async def test_everything_from_the_beginning_in_the_order_of_each_partition() -> None:
    async with delivering(already=500, recent_messages=60) as delivery, delivery.reading(from_="beginning") as reader:
        later = delivery.write(30)
        got = await reader.data(530)
    everything = delivery.written
    assert everything[-30:] == later
    for partition in range(PARTITIONS):
        assert everything[partition::PARTITIONS] == [
            value for value in got if int(json.loads(value)["subject"][9:]) % PARTITIONS == partition
        ]


@pytest.mark.parametrize("kept", [3, 1000], ids=["read from the topic again", "kept in memory"])
@pytest.mark.parametrize("by_header", [True, False])
async def test_who_comes_back_gets_exactly_the_rest(kept: int, by_header: bool) -> None:
    async with delivering(recent_messages=kept) as delivery:
        before = []
        async with delivery.reading() as reader:
            for _ in range(7):
                delivery.write()
                before += await reader.data(1)
        delivery.write(203)
        await delivery.all_read()
        back: dict[str, Any] = (
            {"headers": {"Last-Event-ID": reader.last_id}} if by_header else {"last_event_id": reader.last_id}
        )
        async with delivery.reading(**back) as reader:
            after = await reader.data(203)
        assert sorted(delivery.written) == sorted(before + after)


async def test_an_id_is_good_on_another_process() -> None:
    async with delivering() as one:
        async with one.reading() as reader:
            one.write(9)
            before = await reader.data(5)
        async with (
            process(one.topic, recent_messages=3) as other,
            other.reading(last_event_id=reader.last_id) as reader,
        ):
            after = await reader.data(4)
    assert sorted(one.written) == sorted(before + after)


async def test_a_process_that_starts_has_the_newest_messages_at_hand() -> None:
    async with delivering(already=30, recent_messages=3 * PARTITIONS) as delivery:
        recent = delivery.readers.live.recent
        assert (3 * PARTITIONS, [10] * PARTITIONS) == (recent.end - recent.first, recent.place)


async def test_an_alert_about_a_segment_comes_by_its_sign_and_its_segment() -> None:
    raised = compact_json(example("tenure.segment-alert-raised.v1"))
    async with (
        delivering() as delivery,
        delivery.reading(segment=["B"], sign=["active_buyers_decline"]) as reader,
        delivery.reading(sign=["attrition"]) as other,
    ):
        delivery.topic.append(0, raised)
        wanted = delivery.write(partition=0, signs=(Sign.ATTRITION,), segment="A")
        assert [raised] == await reader.data(1)
        assert wanted == await other.data(1)


async def test_filters_choose_and_the_end_of_an_alert_passes_those_by_sign_and_value() -> None:
    chosen: dict[str, Any] = {
        "sign": ["volume_decline", "attrition"],
        "segment": ["trade"],
        "min_value": 500,
        "currency": "EUR",
    }
    async with delivering() as delivery, delivery.reading(**chosen) as reader:
        right: dict[str, Any] = {"segment": "trade", "signs": (Sign.VOLUME_DECLINE,), "EUR": 500}
        other = {"signs": (Sign.CONTACT_DECLINE,)}
        for wrong in ({"segment": "private"}, {"segment": None}, other, {"EUR": 499}):
            delivery.write(**{**right, **wrong})
        delivery.write(segment="trade", USD=900)
        delivery.write(segment="private", kind=AttritionAlertCleared, signs=())
        wanted = delivery.write(partition=0, **right)
        wanted += delivery.write(partition=0, segment="trade", kind=AttritionAlertCleared, signs=())
        assert wanted == await reader.data(2)


async def test_what_is_not_wanted_moves_the_id_with_the_sign_of_life() -> None:
    async with delivering(keep_alive_s=0.05) as delivery, delivery.reading(sign="contact_decline") as reader:
        delivery.write(6)
        while read_place(reader.last_id, PARTITIONS) != (2, 2, 2):
            assert "data" not in await reader.block()


async def test_a_record_that_is_no_message_is_passed_over() -> None:
    async with delivering() as delivery, delivery.reading() as reader:
        delivery.topic.append(0, b"\xff{}")
        delivery.topic.append(0, b'{"type": "a\\nb"}')
        delivery.topic.append(0, b"")
        assert delivery.write(partition=0) == await reader.data(1)
    assert (4, 0, 0) == read_place(reader.last_id, PARTITIONS)


async def test_lines_inside_a_foreign_message_arrive_as_lines() -> None:
    async with delivering() as delivery, delivery.reading() as reader:
        foreign = json.dumps({"type": "of.a.newer.release", "data": {"ü": 1}}, indent=1, ensure_ascii=False).encode()
        delivery.topic.append(0, foreign)
        assert [foreign] == await reader.data(1)


@pytest.mark.parametrize(
    ("id_", "status", "code"),
    [
        ("nonsense", 400, "bad-event-id"),
        (write_place((0, 0, 0))[:-1], 400, "bad-event-id"),
        (write_place((0, 0)), 400, "bad-event-id"),
        (write_place((0, 0, 10**9)), 400, "bad-event-id"),
        ("9" * 9_000, 400, "bad-event-id"),
        ("9" * 10_001, 422, "invalid-request"),
    ],
)
async def test_an_id_that_cannot_be_gone_on_from_is_refused_in_words(id_: str, status: int, code: str) -> None:
    async with delivering() as delivery:
        answer = await delivery.client.get(STREAM, headers={"Last-Event-ID": id_})
    assert (status, code) == (answer.status_code, answer.json()["code"])


async def test_an_id_of_what_is_not_kept_any_more_is_gone() -> None:
    async with delivering(already=3) as delivery:
        delivery.readers.live.beginning = (1, 1, 1)
        answer = await delivery.client.get(STREAM, params={"last_event_id": write_place((0, 1, 1))})
    assert (410, "event-id-too-old") == (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize(
    "query",
    [
        {"sign": "gloom"},
        {"min_value": 5},
        {"currency": "EUR"},
        {"min_value": -1, "currency": "EUR"},
        {"currency": "euro", "min_value": 1},
        {"from": "yesterday"},
        {"segment": ""},
        {"sign": ["attrition"] * 101},
    ],
)
async def test_a_wrong_filter_is_refused(query: dict[str, str]) -> None:
    async with delivering() as delivery:
        answer = await delivery.client.get(STREAM, params=query)
    assert (422, "invalid-request") == (answer.status_code, answer.json()["code"])


async def test_one_reader_too_many_is_asked_to_come_later_and_a_seat_left_is_free_again() -> None:
    async with delivering(max_readers=1) as delivery:
        async with delivery.reading():
            answer = await delivery.client.get(STREAM)
            assert (503, "too-many-readers") == (answer.status_code, answer.json()["code"])
            assert int(answer.headers["Retry-After"]) > 0
        await delivery.readers.emptied()
        async with delivery.reading() as reader:
            assert delivery.write() == await reader.data(1)


async def test_only_so_many_catch_up_at_once_and_the_others_wait_their_turn() -> None:
    async with (
        delivering(already=300, recent_messages=3, max_catch_ups=1) as delivery,
        delivery.reading(from_="beginning") as one,
        delivery.reading(from_="beginning") as other,
    ):
        assert (300, 300) == (len(await other.data(300)), len(await one.data(300)))


async def test_at_a_stop_every_reader_is_told_from_where_to_go_on() -> None:
    async with delivering(already=3) as delivery, delivery.reading() as reader:
        stopping = delivery.stop()
        (farewell,) = await reader.rest()
        await stopping
    assert is_farewell(farewell)
    assert {"reason": "stopping", "resume": write_place((1, 1, 1))} == told(farewell)
    assert reader.last_id == write_place((1, 1, 1))


async def test_a_revoked_key_ends_its_streams_within_half_a_minute() -> None:
    async with delivering(keep_alive_s=0.05) as delivery, delivery.reading() as reader:
        await delivery.keys.revoke(delivery.key.split("_")[1], AS_OF)
        delivery.time.seconds += 30
        (farewell,) = await reader.rest()
    assert "key-revoked" == told(farewell)["reason"]


async def test_only_a_key_that_may_read_is_let_in() -> None:
    async with delivering() as delivery:
        sender, text = issue("shop", [Scope.SEND], ["shop"], created=AS_OF)
        await delivery.keys.add(sender)
        refused = await delivery.client.get(STREAM, headers={"Authorization": f"Bearer {text}"})
        unknown = await delivery.client.get(STREAM, headers={"Authorization": "Bearer tnr_a_b"})
        none = await delivery.client.get(STREAM, headers={"Authorization": ""})
    assert [(403, "scope-missing"), (401, "key-invalid"), (401, "key-missing")] == [
        (answer.status_code, answer.json()["code"]) for answer in (refused, unknown, none)
    ]


async def test_a_browser_gets_its_key_as_a_cookie_and_reads_with_it_until_it_gives_it_back() -> None:
    async with delivering(secure_cookie=False) as delivery:
        begun = await delivery.client.post(f"{STREAM}/session")
        cookie = begun.headers["Set-Cookie"]
        for attribute in ("HttpOnly", "SameSite=strict", f"Path={STREAM}"):
            assert attribute in cookie
        del delivery.client.headers["Authorization"]
        async with delivery.reading() as reader:
            assert delivery.write() == await reader.data(1)
        assert 204 == (await delivery.client.delete(f"{STREAM}/session")).status_code
        assert 401 == (await delivery.client.get(STREAM)).status_code


async def test_the_cookie_is_for_https_unless_it_is_said_otherwise() -> None:
    async with delivering() as delivery:
        begun = await delivery.client.post(f"{STREAM}/session")
    assert "Secure" in begun.headers["Set-Cookie"]


async def test_pages_of_other_origins_may_read_only_if_they_are_named() -> None:
    asked = {"Origin": "https://crm.example", "Access-Control-Request-Method": "GET"}
    async with delivering() as closed:
        assert "Access-Control-Allow-Origin" not in (await closed.client.options(STREAM, headers=asked)).headers
    async with delivering(allowed_origins=("https://crm.example",)) as opened:
        answer = await opened.client.options(STREAM, headers=asked)
        other = await opened.client.options(STREAM, headers={**asked, "Origin": "https://evil.example"})
    assert "https://crm.example" == answer.headers["Access-Control-Allow-Origin"]
    assert "true" == answer.headers["Access-Control-Allow-Credentials"]
    assert "Access-Control-Allow-Origin" not in other.headers
