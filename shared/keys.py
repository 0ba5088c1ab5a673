"""Who may do what: API keys, their scopes, and the sources a channel may speak as.

In: a key as presented, `tnr_<id>_<secret>`. Out: the `ApiKey` it proves, or nothing. Only a SHA-256 of the whole key is
kept: the secret has 256 random bits, so a slow hash would only slow the door. One promise must not break: a key that
cannot be looked up lets nobody in who was not let in shortly before.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

PREFIX = "tnr"
ANY_SOURCE = "*"
FRESH_S = 5.0  # a revoked key is refused everywhere after this long
STALE_S = 600.0  # while the store is away, a key seen this recently still holds


class Scope(StrEnum):
    """What a key is for. None of them contains another."""

    SEND = "send"  # events, as one of the key's sources
    HISTORY = "history"  # advance the time of a history
    READ = "read"  # customers, timelines, alerts
    ADMIN = "admin"  # parked causes, dead letters, keys


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret. `sources`: what its events may name as their source; `*` for any."""

    id: str
    digest: str
    name: str
    scopes: frozenset[Scope]
    sources: frozenset[str]
    created: datetime
    revoked: datetime | None = None

    def may_send_as(self, source: str) -> bool:
        return ANY_SOURCE in self.sources or source in self.sources


class KeysUnavailable(Exception):  # noqa: N818 - a state of the store
    """The store of the keys does not answer."""


class KeyStore(Protocol):
    """Implemented by `MemoryKeyStore` and `mongo_keys`, held to one contract suite. Raises KeysUnavailable."""

    async def add(self, key: ApiKey) -> None: ...
    async def find(self, id_: str) -> ApiKey | None: ...
    async def all(self) -> list[ApiKey]:
        """Oldest first, the revoked among them."""

    async def revoke(self, id_: str, at: datetime) -> bool:
        """Whether there is such a key. Revoking twice keeps the first time."""


def issue(name: str, scopes: Collection[Scope], sources: Collection[str], *, created: datetime) -> tuple[ApiKey, str]:
    """A new key and its text, which is shown once and kept nowhere."""
    identity = secrets.token_hex(6)
    text = f"{PREFIX}_{identity}_{secrets.token_urlsafe(32)}"
    return ApiKey(identity, digest_of(text), name, frozenset(scopes), frozenset(sources), created), text


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def id_of(text: str) -> str | None:
    """The public part of a presented key; none if it does not look like one."""
    prefix, _, rest = text.partition("_")
    identity, _, secret = rest.partition("_")
    looks_like_one = prefix == PREFIX and secret and identity.isascii() and identity.isalnum() and len(text) <= 128
    return identity if looks_like_one else None


class MemoryKeyStore:
    def __init__(self, *keys: ApiKey) -> None:
        self._keys = {key.id: key for key in keys}

    async def add(self, key: ApiKey) -> None:
        self._keys[key.id] = key

    async def find(self, id_: str) -> ApiKey | None:
        return self._keys.get(id_)

    async def all(self) -> list[ApiKey]:
        return sorted(self._keys.values(), key=lambda key: (key.created, key.id))

    async def revoke(self, id_: str, at: datetime) -> bool:
        key = self._keys.get(id_)
        if key is not None and key.revoked is None:
            self._keys[id_] = replace(key, revoked=at)
        return key is not None


@dataclass(frozen=True, slots=True)
class _Remembered:
    key: ApiKey
    found_s: float  # when the store said so
    asked_s: float  # when it was last asked, answer or not


class Keyring:
    """Proves presented keys. Remembers what the store said for `FRESH_S`; only keys that exist, so it stays small."""

    def __init__(self, store: KeyStore, *, monotonic: Callable[[], float]) -> None:
        self._store, self._monotonic = store, monotonic
        self._remembered: dict[str, _Remembered] = {}

    async def prove(self, presented: str) -> ApiKey | None:
        """None: unknown, wrong or revoked. Raises KeysUnavailable if the store is away and did not prove it lately."""
        identity = id_of(presented)
        key = await self._find(identity) if identity else None
        if key is None or key.revoked is not None or not hmac.compare_digest(key.digest, digest_of(presented)):
            return None
        return key

    async def _find(self, identity: str) -> ApiKey | None:
        now, known = self._monotonic(), self._remembered.get(identity)
        if known is not None and now - known.asked_s < FRESH_S:
            return known.key
        try:
            key = await self._store.find(identity)
        except KeysUnavailable:
            if known is None or now - known.found_s > STALE_S:
                raise
            self._remembered[identity] = replace(known, asked_s=now)
            return known.key
        if key is not None:
            self._remembered[identity] = _Remembered(key, now, now)
        return key
