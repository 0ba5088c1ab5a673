"""A thousand readers cost one process little, and one that does not keep up troubles nobody but itself."""

import asyncio
import json
import socket

import pytest

from services.delivery.app import allow_open_files
from services.delivery.figures import ENDED, SENT
from tests.wiring.delivery import STREAM, WITHIN_S, Delivery, Reader, delivering, is_farewell

READERS = 1000
MESSAGES = 20
LARGE = "x" * 200_000  # what the kernel holds for a connection is some megabytes


@pytest.fixture
def files() -> None:
    """Both ends of a thousand connections are in this process."""
    try:
        allow_open_files(2 * READERS + 200)
    except OSError as error:
        pytest.skip(str(error))


class Follower:
    """A reader that is cheap enough to have a thousand of them. HTTP 1.0, so that the body is the stream itself."""

    def __init__(self, incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        self._incoming, self._outgoing = incoming, outgoing

    @classmethod
    async def connect(cls, delivery: Delivery) -> "Follower":
        """Returns when it is let in, from when on it misses nothing."""
        port = int(delivery.address.rpartition(":")[2])
        incoming, outgoing = await asyncio.open_connection("127.0.0.1", port)
        asked = f"GET {STREAM} HTTP/1.0\r\nHost: delivery\r\nX-API-Key: {delivery.key}\r\n\r\n"
        outgoing.write(asked.encode())
        head = await incoming.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        await incoming.readuntil(b"\n\n")
        return cls(incoming, outgoing)

    async def events(self, count: int) -> list[bytes]:
        """Without signs of life."""
        found: list[bytes] = []
        while len(found) < count:
            if not (block := await self._incoming.readuntil(b"\n\n")).startswith(b":"):
                found.append(block)
        return found

    def leave(self) -> None:
        self._outgoing.close()


@pytest.mark.usefixtures("files")
async def test_a_thousand_readers_of_one_process_get_the_same_messages() -> None:
    async with delivering(max_readers=READERS) as delivery:
        followers = await asyncio.gather(*(Follower.connect(delivery) for _ in range(READERS)))
        before = SENT._value.get()
        written = delivery.write(MESSAGES)
        async with asyncio.timeout(6 * WITHIN_S):
            got = await asyncio.gather(*(follower.events(MESSAGES) for follower in followers))
        assert 503 == (await delivery.client.get(STREAM)).status_code
        for follower in followers:
            follower.leave()
        await delivery.readers.emptied()
    assert {tuple(got[0])} == set(map(tuple, got))
    assert sorted(written) == sorted(event.split(b"\ndata: ")[1].split(b"\n")[0] for event in got[0])
    assert READERS * MESSAGES == SENT._value.get() - before


def write_large(delivery: Delivery, number: int) -> None:
    delivery.topic.append(0, json.dumps({"type": "large", "data": {}, "number": number, "padding": LARGE}).encode())


async def numbers(reader: Reader, count: int) -> list[int]:
    return [json.loads(value)["number"] for value in await reader.data(count)]


async def test_who_does_not_keep_up_is_told_where_to_go_on_and_loses_nothing() -> None:
    before = ENDED.labels("slow")._value.get()
    async with delivering(recent_messages=10) as delivery:
        async with delivery.reading() as quick, delivery.reading() as slow:
            for number in range(100):
                write_large(delivery, number)
                assert [number] == await numbers(quick, 1)
            *events, farewell = await slow.rest()
            assert is_farewell(farewell)
            assert ("slow", slow.last_id) == tuple(json.loads(farewell["data"]).values())
        async with delivery.reading(last_event_id=slow.last_id) as back:
            rest = await numbers(back, 100 - len(events))
    assert list(range(100)) == [json.loads(event["data"])["number"] for event in events] + rest
    assert 1 == ENDED.labels("slow")._value.get() - before


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system knows no such limit")
async def test_a_reader_that_takes_nothing_any_more_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.door.SILENT_PEER_S", 1)
    async with delivering(recent_messages=10) as delivery, delivery.reading():
        for number in range(100):
            write_large(delivery, number)
            await delivery.all_read()
        async with asyncio.timeout(WITHIN_S):
            await delivery.readers.emptied()
