"""received = recorded + duplicate + parked + dead-lettered: does it hold, per channel and service?

In: what was received, in order of offset per partition; what the store says of every cause; what was set aside; how
far the service has committed. Out: one account per channel. Pure, and counted record by record: what is found nowhere
although the service has passed it is missing; what the service has not passed yet is in flight.

A fact of one service that is a cause for another is received, too, from the channel `tenure/<producer>`. In history
time it waits for its tick.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from cli.books.findings import Findings, Place
from shared.broker import TopicPartition
from shared.contracts.catalogue import DOMAIN_SERVICES

UNREADABLE = "(unreadable)"  # the channel of a record that does not say where it comes from
CLOCK = "clock"
OTHERS = frozenset(f"tenure/{service}" for service in DOMAIN_SERVICES)

Cause = tuple[str, str]  # customer, "<source>|<id>"


@dataclass(frozen=True, slots=True)
class Received:
    """A record as far as it can be read. `cause`: none where it cannot be told whose event it is."""

    place: Place
    channel: str
    cause: Cause | None
    digest: str | None = None  # of its content, where the same cause was received before; none: unreadable
    redriven: bool = False
    waiting: bool = False  # its time has not come


@dataclass(frozen=True, slots=True)
class Decided:
    """What the store has of a cause."""

    digest: str | None
    parked: bool = False


@dataclass(slots=True)
class Account:
    """One channel's records in the inbox of one service. `redriven` of those received had been set aside before."""

    service: str
    channel: str
    received: int = 0
    recorded: int = 0
    duplicate: int = 0
    parked: int = 0
    dead_lettered: int = 0
    waiting: int = 0
    in_flight: int = 0
    missing: int = 0
    redriven: int = 0


def balance_channels(
    service: str,
    received: Collection[Received],
    decided: Mapping[Cause, Decided],
    letters: Collection[Place],
    committed: Mapping[TopicPartition, int],
    findings: Findings,
) -> list[Account]:
    """In order of channel."""
    book = _ServiceBook(service, received, decided, letters, committed, findings)
    for record in received:
        book.enter(record)
    book.look_for_the_unreceived()
    return [book.accounts[channel] for channel in sorted(book.accounts)]


class _ServiceBook:
    def __init__(
        self,
        service: str,
        received: Iterable[Received],
        decided: Mapping[Cause, Decided],
        letters: Collection[Place],
        committed: Mapping[TopicPartition, int],
        findings: Findings,
    ) -> None:
        self._service, self._decided, self._letters = service, decided, frozenset(letters)
        self._committed, self._findings = committed, findings
        self._kept = {r.cause for r in received if r.place not in self._letters}
        self._seen: set[Cause] = set()
        self.accounts: dict[str, Account] = {}

    def enter(self, record: Received) -> None:
        account = self.accounts.setdefault(record.channel, Account(self._service, record.channel))
        account.received += 1
        account.redriven += record.redriven
        found = self._decided.get(record.cause) if record.cause else None
        if self._is_dead_letter(record, found):
            account.dead_lettered += 1
        elif record.cause is None or found is None:
            self._enter_open(account, record, "is neither recorded nor set aside")
        elif record.cause not in self._seen:
            self._seen.add(record.cause)
            account.parked += found.parked
            account.recorded += not found.parked
        elif record.digest == found.digest:
            account.duplicate += 1
        else:
            self._enter_open(account, record, "repeats a known id with other content, and was not set aside")

    def look_for_the_unreceived(self) -> None:
        """A cause that was decided and stands in no inbox."""
        for customer, cause in self._decided.keys() - self._seen:
            if not cause.startswith(f"{CLOCK}|"):
                self._findings.add(f"{self._service} recorded {cause} of {customer}, which stands in no topic it reads")

    def _is_dead_letter(self, record: Received, found: Decided | None) -> bool:
        """One release may have set aside what another recorded: that is recorded, unless the cause came again."""
        return record.place in self._letters and (found is None or record.cause in self._kept)

    def _enter_open(self, account: Account, record: Received, what: str) -> None:
        partition = TopicPartition(record.place.topic, record.place.partition)
        if record.place.offset < self._committed.get(partition, 0):
            account.missing += 1
            cause = f" ({record.cause[1]} of {record.cause[0]})" if record.cause else ""
            self._findings.add(f"{record.place}{cause} {what} by {self._service}")
        elif record.waiting:
            account.waiting += 1
        else:
            account.in_flight += 1
