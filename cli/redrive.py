"""`tenure redrive`: another try for what was set aside, after its reason is gone.

Parked causes are decided again, in order, by a command to their service; dead letters go back to their inbox as they
were. Exit code 0 if nothing is left that needs somebody, 1 if something still fails or would be refused again.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import JsonOption, KafkaOption, kafka_place, mongo_place, time_source
from cli.errors import OUTCOME, UNASKED, CliError
from cli.keys import MongoOption, PrefixOption
from cli.output import json_line, say, table

if TYPE_CHECKING:
    from cli.books.reading import Where
    from cli.redriving.letters import Candidate
    from cli.redriving.work import Awaiting, Redriver

COLUMNS = ("service", "customer", "what", "result")


@dataclass(frozen=True, slots=True)
class Row:
    """`open`: somebody has to do something about it."""

    service: str
    customer: str
    what: str
    result: str
    open: bool


def redrive(
    service: Annotated[str | None, typer.Option("--service", help="Only this service's.")] = None,
    customer: Annotated[str | None, typer.Option("--customer", help="Only this customer's.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Customers and dead letters together, at most.")] = 1000,
    wait: Annotated[float, typer.Option("--wait", min=1, help="Seconds for a service to answer a command.")] = 60,
    time_mode: Annotated[
        str | None, typer.Option("--time", envvar="TENURE_TIME", help="wall or history, as the deployment runs.")
    ] = None,
    kafka: KafkaOption = None,
    mongo: MongoOption = None,
    database_prefix: PrefixOption = "tenure",
    as_json: JsonOption = False,
) -> None:
    """Give parked causes and dead letters another try."""
    from cli.books.reading import Where
    from shared.kafka_client import address_of

    where = Where(kafka_place(kafka), mongo_place(mongo), database_prefix)
    wish = _Wish(_services(service), customer, limit, dry_run, wait)
    rows = asyncio.run(_redrive(where, time_source(address_of(where.kafka), time_mode), wish))
    if as_json:
        for row in rows:
            json_line(asdict(row))
    elif rows:
        table(COLUMNS, [(r.service, r.customer, r.what, r.result) for r in rows])
    else:
        say("Nothing is set aside.")
    if not dry_run and any(row.open for row in rows):
        raise typer.Exit(OUTCOME)


@dataclass(frozen=True, slots=True)
class _Wish:
    services: Sequence[str]
    customer: str | None
    limit: int
    dry_run: bool
    wait_s: float


def _services(service: str | None) -> Sequence[str]:
    from shared.contracts.catalogue import DOMAIN_SERVICES

    if service not in (None, *DOMAIN_SERVICES):
        raise CliError(f"{service} has no inbox: those that have are {', '.join(DOMAIN_SERVICES)}.", UNASKED)
    return DOMAIN_SERVICES if service is None else (service,)


async def _redrive(where: "Where", time: str, wish: _Wish) -> list[Row]:
    from cli.redriving.work import redriver
    from shared.settings import TimeSource

    try:
        source = TimeSource(time)
    except ValueError:
        raise CliError(f"{time} is no time to run in: it is wall or history.", UNASKED) from None
    async with redriver(where, source, wish.services) as worker:
        released = await _release(worker, wish)
        return [*released, *await _return(worker, wish, room=wish.limit - len(released))]


async def _release(worker: "Redriver", wish: _Wish) -> list[Row]:
    """First: they are older than anything that comes behind them."""
    chosen = [a for a in await worker.parked(wish.services) if wish.customer in (None, a.customer)][: wish.limit]
    if wish.dry_run:
        return [_parked_row(a, f"would be decided again; {next(iter(a.parked.values())).reason}") for a in chosen]
    troubles = await worker.release(chosen, wait_s=wish.wait_s) if chosen else []
    return [_parked_row(a, t or "released", is_open=t is not None) for a, t in zip(chosen, troubles, strict=True)]


def _parked_row(one: "Awaiting", result: str, *, is_open: bool = True) -> Row:
    count = len(one.parked)
    return Row(one.service, one.customer, f"{count:,} parked {'cause' if count == 1 else 'causes'}", result, is_open)


async def _return(worker: "Redriver", wish: _Wish, *, room: int) -> list[Row]:
    from cli.dead_letters import customer_of

    found = [c for c in await worker.letters(wish.services) if wish.customer in (None, customer_of(c.letter))]
    chosen = [c for c in found if c.obstacle is None][:room]
    if not wish.dry_run:
        await worker.send([c.record() for c in chosen])
    beyond = {c.place for c in found if c.obstacle is None} - {c.place for c in chosen}
    return [_letter_row(c, dry_run=wish.dry_run) for c in found if c.place not in beyond]


def _letter_row(candidate: "Candidate", *, dry_run: bool) -> Row:
    from cli.dead_letters import customer_of

    letter = candidate.letter
    done = f"{'would go' if dry_run else 'went'} back to {letter.topic}/{candidate.partition}"
    return Row(
        service=letter.service,
        customer=customer_of(letter) or "-",
        what=f"dead letter {candidate.place}",
        result=candidate.obstacle or done,
        open=(dry_run and candidate.obstacle is None) or (candidate.obstacle is not None and not candidate.settled),
    )
