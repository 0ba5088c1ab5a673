"""`tenure keys`: who may come in? Creates, lists and revokes the API keys of channels and readers.

It works on the database itself, so it needs no key: whoever administers the database administers the keys. The text of
a key is shown once, alone on stdout, so that it can go straight into a secret store.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.context import JsonOption, mongo_place
from cli.errors import UNASKED, CliError
from cli.output import json_line, say, table

if TYPE_CHECKING:
    from shared.keys import ApiKey, KeyStore

app = typer.Typer(add_completion=False, no_args_is_help=True, help="API keys: create, list, revoke.")

MongoOption = Annotated[str | None, typer.Option("--mongo", envvar="TENURE_MONGO", help="URL of the database.")]
PrefixOption = Annotated[
    str, typer.Option("--database-prefix", envvar="TENURE_DATABASE_PREFIX", help="Of the deployment's databases.")
]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose key it is: a channel, a team, a program.")],
    scope: Annotated[list[str], typer.Option(help="send, history, read or admin; may be repeated.")],
    source: Annotated[
        list[str] | None, typer.Option(help="Source its events may name; may be repeated, * for any.")
    ] = None,
    mongo: MongoOption = None,
    database_prefix: PrefixOption = "tenure",
    as_json: JsonOption = False,
) -> None:
    """Create a key and show it, this once."""
    from shared.keys import Scope, issue

    sources = source or []
    unknown = sorted(set(scope) - set(Scope))
    if unknown:
        raise CliError(f"There is no scope {unknown[0]}; there are {', '.join(Scope)}.", UNASKED)
    _check_sources(sources, sends=Scope.SEND in scope)
    key, text = issue(name, [Scope(s) for s in scope], sources, created=datetime.now(UTC))
    _with_store(lambda store: store.add(key), mongo, database_prefix)
    if as_json:
        json_line({**_row(key), "key": text})
        return
    say(f"Key {key.id} of {name}. It is shown this once and kept nowhere:")
    print(text)


@app.command("list")
def list_(mongo: MongoOption = None, database_prefix: PrefixOption = "tenure", as_json: JsonOption = False) -> None:
    """Every key there ever was, oldest first; never a secret."""
    rows = [_row(key) for key in _with_store(lambda store: store.all(), mongo, database_prefix)]
    if as_json:
        for row in rows:
            json_line(row)
        return
    cells = [
        [r["id"], r["name"], " ".join(r["scopes"]), " ".join(r["sources"]), r["created"], r["revoked"] or ""]
        for r in rows
    ]
    table(["id", "name", "scopes", "sources", "created", "revoked"], cells)


@app.command()
def revoke(
    id_: Annotated[str, typer.Argument(metavar="ID", help="As `tenure keys list` shows it.")],
    mongo: MongoOption = None,
    database_prefix: PrefixOption = "tenure",
) -> None:
    """Refuse a key from now on, everywhere within seconds."""
    from shared.keys import FRESH_S

    if not _with_store(lambda store: store.revoke(id_, datetime.now(UTC)), mongo, database_prefix):
        raise CliError(f"There is no key {id_}; `tenure keys list` shows those there are.")
    say(f"Key {id_} is revoked; within {FRESH_S:g} seconds it is refused everywhere.")


def _check_sources(sources: list[str], *, sends: bool) -> None:
    from pydantic import TypeAdapter, ValidationError

    from shared.contracts.values import Source
    from shared.intake import is_reserved

    if sends and not sources:
        raise CliError("A key that sends needs a source: add --source, such as --source web-shop.", UNASKED)
    for source in sources:
        try:
            TypeAdapter(Source).validate_python(source)
        except ValidationError as error:
            raise CliError(f"{source!r} cannot be a source: {error.errors()[0]['msg']}.", UNASKED) from None
        if is_reserved(source):
            raise CliError(f"{source!r} is reserved for the system; choose the channel's own name.", UNASKED)


def _with_store(work: "Callable[[KeyStore], Awaitable[Any]]", mongo: str | None, prefix: str) -> Any:
    """Raises CliError when the database does not answer."""
    from shared.keys import KeysUnavailable
    from shared.mongo import close, connect
    from shared.mongo_keys import MongoKeyStore

    async def connected() -> Any:
        client = connect(mongo_place(mongo))
        try:
            return await work(MongoKeyStore(client, prefix=prefix))
        finally:
            await close(client)

    try:
        return asyncio.run(connected())
    except KeysUnavailable:
        raise CliError("The database does not answer: see `tenure local status`, or check --mongo.", UNASKED) from None


def _row(key: "ApiKey") -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "sources": sorted(key.sources),
        "created": key.created.isoformat(timespec="seconds"),
        "revoked": key.revoked.isoformat(timespec="seconds") if key.revoked else None,
    }
