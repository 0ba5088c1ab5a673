"""Which presented keys are proved, and for how long that is remembered."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from shared.keys import FRESH_S, STALE_S, ApiKey, Keyring, KeysUnavailable, MemoryKeyStore, Scope, issue

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass
class Shop:
    """A store that can be away, and a keyring whose time the test moves."""

    away: bool = False
    asked: int = 0
    seconds: float = 0.0
    stored: MemoryKeyStore = field(default_factory=MemoryKeyStore)

    def __post_init__(self) -> None:
        self.keyring = Keyring(self, monotonic=lambda: self.seconds)

    async def find(self, id_: str) -> ApiKey | None:
        self.asked += 1
        if self.away:
            raise KeysUnavailable
        return await self.stored.find(id_)

    async def add(self, key: ApiKey) -> None:
        await self.stored.add(key)

    async def all(self) -> list[ApiKey]:
        return await self.stored.all()

    async def revoke(self, id_: str, at: datetime) -> bool:
        return await self.stored.revoke(id_, at)

    async def issue(self) -> tuple[ApiKey, str]:
        key, text = issue("web shop", [Scope.SEND], ["web-shop"], created=NOW)
        await self.add(key)
        return key, text


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def test_a_key_is_proved_by_its_text_alone(shop: Shop) -> None:
    key, text = await shop.issue()
    assert key == await shop.keyring.prove(text)


def test_the_text_is_not_kept() -> None:
    key, text = issue("web shop", [Scope.SEND], ["web-shop"], created=NOW)
    assert text.split("_", 2)[2] not in repr(key)
    assert text.startswith(f"tnr_{key.id}_")


def test_no_two_keys_are_alike() -> None:
    assert 100 == len({issue("a", [], [], created=NOW)[1] for _ in range(100)})


async def test_another_secret_under_the_same_id_proves_nothing(shop: Shop) -> None:
    key, text = await shop.issue()
    for wrong in (
        text + "x",
        text[:-1],
        f"tnr_{key.id}_",
        f"tnr_{key.id}",
        key.id,
        key.digest,
        "",
        text.upper(),
        "tnr__é",
    ):
        assert await shop.keyring.prove(wrong) is None


async def test_a_key_is_asked_for_once_in_a_while(shop: Shop) -> None:
    _, text = await shop.issue()
    for _ in range(10):
        await shop.keyring.prove(text)
    assert 1 == shop.asked


async def test_a_key_revoked_is_refused_once_it_is_asked_for_again(shop: Shop) -> None:
    key, text = await shop.issue()
    await shop.keyring.prove(text)
    await shop.revoke(key.id, NOW)
    shop.seconds += FRESH_S
    assert await shop.keyring.prove(text) is None


async def test_while_the_store_is_away_a_key_seen_lately_still_holds(shop: Shop) -> None:
    key, text = await shop.issue()
    await shop.keyring.prove(text)
    shop.away = True
    shop.seconds += STALE_S
    assert key == await shop.keyring.prove(text)


async def test_while_the_store_is_away_it_is_not_asked_at_every_request(shop: Shop) -> None:
    _, text = await shop.issue()
    await shop.keyring.prove(text)
    shop.away = True
    shop.seconds += FRESH_S
    for _ in range(10):
        await shop.keyring.prove(text)
    assert 2 == shop.asked


async def test_a_key_seen_too_long_ago_does_not_hold(shop: Shop) -> None:
    _, text = await shop.issue()
    await shop.keyring.prove(text)
    shop.away = True
    shop.seconds += STALE_S + FRESH_S
    with pytest.raises(KeysUnavailable):
        await shop.keyring.prove(text)


async def test_while_the_store_is_away_nobody_new_comes_in(shop: Shop) -> None:
    _, text = await shop.issue()
    shop.away = True
    with pytest.raises(KeysUnavailable):
        await shop.keyring.prove(text)


async def test_a_key_seen_lately_still_has_to_be_right(shop: Shop) -> None:
    _, text = await shop.issue()
    await shop.keyring.prove(text)
    shop.away = True
    assert await shop.keyring.prove(text + "x") is None


def test_a_key_may_send_as_its_sources_only() -> None:
    key, _ = issue("web shop", [Scope.SEND], ["web-shop", "app"], created=NOW)
    assert [True, True, False, False] == [key.may_send_as(s) for s in ("web-shop", "app", "web", "*")]
    assert replace(key, sources=frozenset("*")).may_send_as("anything")
