"""`tenure audit`: do the books balance? Proved by reading what was received, decided, published and shown.

Exit code 0 if all agrees, also while something is still in flight; 1 if anything does not agree, or if `--settle` was
asked for and something is in flight after all.
"""

import asyncio
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import JsonOption, KafkaOption, kafka_place, mongo_place
from cli.errors import OUTCOME
from cli.keys import MongoOption, PrefixOption
from cli.output import json_line, say, table

if TYPE_CHECKING:
    from cli.books.balance import Books
    from cli.books.channels import Account
    from cli.books.reading import Where
    from cli.books.services import ServiceAccount

LOOK_EVERY_S = 1.0
CHANNEL_COLUMNS = (
    "service", "channel", "received", "recorded", "duplicate", "parked", "dead-lettered", "waiting", "in flight",
    "missing",
)  # fmt: skip
SERVICE_COLUMNS = ("service", "stored", "published", "projected", "in flight", "copies")


def audit(
    settle: Annotated[float, typer.Option(min=0, help="Seconds to wait until nothing is in flight.")] = 0,
    kafka: KafkaOption = None,
    mongo: MongoOption = None,
    database_prefix: PrefixOption = "tenure",
    as_json: JsonOption = False,
) -> None:
    """Prove that the books balance: per channel what was received, per service what is stored, published and shown."""
    from cli.books.reading import Where

    books = asyncio.run(_settled(Where(kafka_place(kafka), mongo_place(mongo), database_prefix), settle))
    if as_json:
        json_line(_document(books))
    else:
        table(CHANNEL_COLUMNS, map(_channel_row, books.channels), right=CHANNEL_COLUMNS[2:])
        print()
        table(SERVICE_COLUMNS, map(_service_row, books.services), right=SERVICE_COLUMNS[1:])
        print()
        for sentence in books.findings.first:
            print(sentence)
        say(verdict(books))
    if books.findings.count or (settle and books.in_flight):
        raise typer.Exit(OUTCOME)


def verdict(books: "Books") -> str:
    """In one sentence."""
    count, in_flight = books.findings.count, books.in_flight
    if count:
        more = (
            f", of which the first {len(books.findings.first)} are named" if count > len(books.findings.first) else ""
        )
        return f"The books do not balance: {count:,} {'thing does' if count == 1 else 'things do'} not agree{more}."
    return "The books balance." if not in_flight else f"The books balance so far; {in_flight:,} are still in flight."


async def _settled(where: "Where", settle_s: float) -> "Books":
    """Reads until nothing is in flight, or something does not agree, or the time is over."""
    from cli.books.reading import read_books

    deadline = time.monotonic() + settle_s
    while True:
        books = await read_books(where)
        if books.findings.count or not books.in_flight or time.monotonic() >= deadline:
            return books
        await asyncio.sleep(LOOK_EVERY_S)


def _document(books: "Books") -> dict[str, object]:
    return {
        "balanced": books.findings.count == 0,
        "in_flight": books.in_flight,
        "channels": [asdict(account) for account in books.channels],
        "services": [asdict(account) for account in books.services],
        "findings": books.findings.count,
        "first_findings": books.findings.first,
    }


def _channel_row(a: "Account") -> tuple[str, ...]:
    figures = (
        a.received, a.recorded, a.duplicate, a.parked, a.dead_lettered, a.waiting, a.in_flight, a.missing
    )  # fmt: skip
    return (a.service, a.channel, *(f"{n:,}" for n in figures))


def _service_row(a: "ServiceAccount") -> tuple[str, ...]:
    stored = "-" if a.stored is None else f"{a.stored:,}"
    return (a.service, stored, *(f"{n:,}" for n in (a.published, a.projected, a.in_flight, a.copies)))
