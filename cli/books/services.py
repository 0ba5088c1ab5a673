"""stored = published = projected: does it hold, per service, byte for byte?

In: what is stored, what stands in the log or on the alerts, what the projection shows and how far it has committed.
Out: one account per service, for alerts one per version of the rules, of which nothing is stored apart. Pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cli.books.findings import Findings
from cli.books.log_book import Chain, Copy, Last, LogBook, id_of
from cli.books.store_book import StoreBook, Stored
from shared.broker import TopicPartition


@dataclass(slots=True)
class ServiceAccount:
    """`stored`: none where a service derives what it publishes. `copies`: beyond the first, all of them the same."""

    service: str
    stored: int | None = None
    published: int = 0
    projected: int = 0
    copies: int = 0
    in_flight: int = 0


def unknown_to(store: StoreBook, log: LogBook) -> set[str]:
    """Customers of whom the log holds facts of this service that were not in its store when that was read."""
    return {
        chain.customer
        for chain, known in log.chains.items()
        if chain.producer == store.service and any(n not in store.facts.get(chain, {}) for n in known)
    }


def balance_store(account: ServiceAccount, store: StoreBook, log: LogBook, findings: Findings) -> None:
    """What is stored stands in the log, and what the log holds of this service is stored."""
    account.stored = 0
    for chain, facts in store.facts.items():
        known = log.chains.get(chain, {})
        for sequence, fact in facts.items():
            account.stored += 1
            if sequence not in known:
                account.in_flight += not fact.published
            _compare(id_of(chain, sequence), fact, known.get(sequence), findings)
    for chain, known in log.chains.items():
        if chain.producer == store.service:
            for sequence in known.keys() - store.facts.get(chain, {}).keys():
                findings.add(f"{id_of(chain, sequence)} stands in the log and is not stored")


def _compare(name: str, fact: Stored, copy: Copy | None, findings: Findings) -> None:
    if copy is None and fact.published:
        findings.add(f"{name} is stored and marked as published, and the log does not hold it")
    if copy is not None and copy.fingerprint != fact.fingerprint:
        findings.add(f"{name} was published with other bytes than are stored")


def balance_topic(
    topic: str, log: LogBook, last: Last, committed: Mapping[TopicPartition, int], findings: Findings
) -> dict[str, ServiceAccount]:
    """Producer -> what it published, and how much of it the projection shows."""
    accounts: dict[str, ServiceAccount] = {}
    for chain, known in log.chains.items():
        account = accounts.setdefault(chain.producer, ServiceAccount(chain.producer, copies=log.copies[chain.producer]))
        shown = last.get(chain.customer, {}).get(chain.producer, 0)
        account.published += len(known)
        account.projected += sum(n <= shown for n in known)
        for sequence, copy in known.items():
            if sequence > shown:
                passed = copy.offset < committed.get(TopicPartition(topic, copy.partition), 0)
                account.in_flight += not passed
                if passed:
                    findings.add(f"{id_of(chain, sequence)} is published, and the projection does not show it")
    return accounts


def look_for_the_unpublished(logs: Iterable[LogBook], last: Last, findings: Findings) -> None:
    """The projection shows nothing that is not published."""
    published: dict[Chain, int] = defaultdict(int)
    for log in logs:
        for chain, known in log.chains.items():
            published[chain] = max(known)
    for customer, producers in last.items():
        for producer, sequence in producers.items():
            if sequence > published[Chain(producer, customer)]:
                findings.add(f"{id_of(Chain(producer, customer), sequence)} is shown, and was never published")
