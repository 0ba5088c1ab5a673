"""What a store of keys promises, in memory and on the database."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.keys import ApiKey, KeyStore, KeysUnavailable, MemoryKeyStore, Scope, issue
from shared.mongo import close, connect
from shared.mongo_keys import MongoKeyStore, database_of_keys
from tests.contract.conftest import MEMORY

NOW = datetime(2026, 1, 31, 12, 0, 0, 123_456, tzinfo=UTC)


@pytest.fixture
async def keys(backend: str) -> AsyncIterator[KeyStore]:
    if backend == MEMORY:
        yield MemoryKeyStore()
        return
    client, prefix = connect(backend), f"test_{uuid4().hex}"
    yield MongoKeyStore(client, prefix=prefix)
    await client.drop_database(database_of_keys(prefix))
    await close(client)


def new(created: datetime = NOW) -> ApiKey:
    return issue("Läden & Co.", [Scope.SEND, Scope.READ], ["web-shop", "*"], created=created)[0]


async def test_a_key_comes_back_as_it_was_added(keys: KeyStore) -> None:
    key = new()
    await keys.add(key)
    assert key == await keys.find(key.id)


async def test_an_unknown_key_is_none(keys: KeyStore) -> None:
    assert await keys.find("nobody") is None


async def test_all_keys_come_oldest_first_the_revoked_among_them(keys: KeyStore) -> None:
    young, old = new(), new(NOW - timedelta(days=1))
    await keys.add(young)
    await keys.add(old)
    await keys.revoke(old.id, NOW)
    assert [old.id, young.id] == [key.id for key in await keys.all()]


async def test_a_revoked_key_says_when(keys: KeyStore) -> None:
    key, later = new(), NOW + timedelta(seconds=1)
    await keys.add(key)
    assert await keys.revoke(key.id, later)
    found = await keys.find(key.id)
    assert found is not None
    assert later == found.revoked


async def test_revoking_twice_keeps_the_first_time(keys: KeyStore) -> None:
    key = new()
    await keys.add(key)
    for minutes in (1, 2):
        assert await keys.revoke(key.id, NOW + timedelta(minutes=minutes))
    found = await keys.find(key.id)
    assert found is not None
    assert NOW + timedelta(minutes=1) == found.revoked


async def test_revoking_an_unknown_key_says_so(keys: KeyStore) -> None:
    assert not await keys.revoke("nobody", NOW)


async def test_a_database_that_is_away_is_told_apart_from_an_unknown_key() -> None:
    client = connect("mongodb://127.0.0.1:1", timeout_s=0.2)
    with pytest.raises(KeysUnavailable):
        await MongoKeyStore(client, prefix="test").find("anybody")
    await close(client)
