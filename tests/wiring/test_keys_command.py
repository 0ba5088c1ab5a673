"""`tenure keys`, on the embedded database."""

import asyncio
import json
from collections.abc import Callable
from uuid import uuid4

import pytest
from typer.testing import CliRunner, Result

from cli.keys import app
from shared.keys import Keyring
from shared.mongo import close, connect
from shared.mongo_keys import MongoKeyStore

Run = Callable[..., Result]


@pytest.fixture
def place(database_url: str) -> tuple[str, str]:
    """URL and prefix of a deployment without keys."""
    return database_url, f"test_{uuid4().hex}"


@pytest.fixture
def run(place: tuple[str, str]) -> Run:
    url, prefix = place
    env = {"TENURE_MONGO": url, "TENURE_DATABASE_PREFIX": prefix}
    return lambda *args: CliRunner().invoke(app, args, env=env)


def proves(place: tuple[str, str], text: str) -> bool:
    """Whether a gateway that starts now lets this key in."""

    async def ask() -> bool:
        client = connect(place[0])
        try:
            keyring = Keyring(MongoKeyStore(client, prefix=place[1]), monotonic=lambda: 0.0)
            return await keyring.prove(text) is not None
        finally:
            await close(client)

    return asyncio.run(ask())


def test_a_key_created_lets_its_holder_in_until_it_is_revoked(run: Run, place: tuple[str, str]) -> None:
    text = run("create", "shop", "--scope", "send", "--source", "web-shop").stdout.strip()
    assert proves(place, text)
    assert 0 == run("revoke", text.split("_")[1]).exit_code
    assert not proves(place, text)


def test_the_list_shows_every_key_and_no_secret(run: Run) -> None:
    text = json.loads(run("create", "shop", "--scope", "send", "--source", "web-shop", "--json").stdout)["key"]
    run("create", "reader", "--scope", "read")
    listed = run("list", "--json").stdout
    assert ["shop", "reader"] == [json.loads(line)["name"] for line in listed.splitlines()]
    assert text not in listed
    assert "digest" not in listed
    assert "web-shop" in run("list").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scope", "fly"], "There is no scope fly; there are send, history, read, admin."),
        (["--scope", "send"], "needs a source"),
        (["--scope", "send", "--source", "tenure/x"], "reserved"),
        (["--scope", "send", "--source", "a|b"], "cannot be a source"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(run: Run, arguments: list[str], said: str) -> None:
    result = run("create", "shop", *arguments)
    assert said in str(result.exception)
    assert "" == run("list", "--json").stdout


def test_revoking_what_is_not_there_says_so(run: Run) -> None:
    assert "There is no key abc" in str(run("revoke", "abc").exception)
