"""The protocol of a domain service: every cause gives one stored commit, and every stored commit is published once and
in order.

In: records of the service's inbox and of the log. Out: commits in the store, facts and ticks in the log, dead letters.
The promise, whoever else believes to own the partition and whatever fails in between: no cause is lost, none decides
twice, and what is published is what is stored. The order of the steps is the promise; `docs/protocol.md` says what
breaks when one is left out.
"""

from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import structlog

from shared.broker import DatingPublisher, Outgoing, Record, TopicPartition
from shared.chain import Chain, chain_from, commit_for, due_of, question_of_clock
from shared.contracts.catalogue import FACT_TYPES, inbox_types
from shared.contracts.envelope import Problem, read_fact
from shared.contracts.tick import write_tick
from shared.dead_letters import DeadLetter, set_aside
from shared.decider import Decider, Received
from shared.due_list import DueList, Entry, bucket_of
from shared.event_store import Commit, EventStore, Refused, Snapshot
from shared.inbox import InboxReader, Put, Tick
from shared.insert_limits import slices
from shared.logs import traced
from shared.record_times import RecordTimes
from shared.rounds import PartitionRounds, Turn
from shared.settings import TimeSource
from shared.sorting import Sorting
from shared.telemetry import DUPLICATES, PARKED, REFUSED_INSERTS
from shared.topics import CUSTOMER_EVENTS, inbox, partition_of

S = TypeVar("S")
log = structlog.get_logger()

MOST_ATTEMPTS = 5  # of a refused insert before the batch is read again
WHOLE_CHAIN = "none"  # the rules of no snapshot
MOST_CUSTOMERS = 100_000  # chains kept in memory


@dataclass(slots=True)
class Step(Generic[S]):
    """What is under way: decided in order, partition by partition."""

    chains: dict[str, Chain[S]] = field(default_factory=dict)
    commits: list[Commit] = field(default_factory=list)  # new
    groups: list[Sequence[Outgoing]] = field(default_factory=list)  # to publish, in order
    published: list[Commit] = field(default_factory=list)  # to mark once acknowledged
    listed: list[Entry] = field(default_factory=list)
    looked: set[Entry] = field(default_factory=set)


class Processor(Generic[S]):
    """A `Handler`: the same for every domain service; what differs is the decider. `now`: this host's clock, which
    decides nothing."""

    def __init__(
        self,
        decider: Decider[S],
        store: EventStore,
        publisher: DatingPublisher,
        *,
        partitions: int,
        time: TimeSource,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        unpublished_after_s: float = 60,
        snapshot_every: int = 32,
    ) -> None:
        self._decider, self._store, self._publisher = decider, store, publisher
        self._partitions, self._time = partitions, time
        self._sleep, self._spawn = sleep, spawn
        self._unpublished_after_s = unpublished_after_s  # longer than a batch may take
        self._snapshot_every = snapshot_every  # sequences
        times = (
            RecordTimes(ask=lambda n: publisher.date(self._own_tick(n)), now=now) if time is TimeSource.WALL else None
        )
        reader = InboxReader(inbox_types(decider.name), partitions=partitions, time=time)
        self._sorting = Sorting(decider.name, reader, decider.reacts_to, times)
        self._due = DueList(store)
        self._rounds: dict[int, PartitionRounds] = {}
        self._cache: dict[str, Chain[S]] = {}

    async def assigned(self, partitions: Collection[int]) -> Mapping[TopicPartition, int]:
        """Everything is forgotten; what another owner stored and did not publish is published."""
        self._cache, self._rounds = {}, {}
        self._due.forget()
        for partition in partitions:
            places = TopicPartition(inbox(self._decider.name), partition), TopicPartition(CUSTOMER_EVENTS, partition)
            self._rounds[partition] = PartitionRounds(partition, *places, self._time)
        await self.sweep()
        return {}

    async def handle(self, records: Sequence[Record]) -> Mapping[TopicPartition, int]:
        unreadable = await self._sorting.sort_in(records, self._rounds)
        await self._publisher.publish([[set_aside(self._decider.name, letter)] for letter in unreadable])
        done: dict[TopicPartition, int] = {}
        while turns := [turn for rounds in self._rounds.values() if (turn := rounds.take()) is not None]:
            await self._step(turns)
            for turn in turns:
                done |= turn.done
        self._shrink()
        return done

    def full(self) -> Collection[TopicPartition]:
        return [rounds.inbox for rounds in self._rounds.values() if rounds.queued]

    async def sweep(self) -> None:
        """Publishes what has been stored and not published for longer than a batch may take, in order per customer."""
        await self._due.load(list(self._rounds))
        customers = await self._store.unpublished(list(self._rounds), older_than_s=self._unpublished_after_s)
        for customer in customers:
            self._cache.pop(customer, None)
        step: Step[S] = Step()
        await self._load(step, customers, rules=WHOLE_CHAIN)  # a mark may be lost behind a snapshot
        await self._publish(step)

    async def tick(self) -> None:
        """In wall time: lets the broker's clock into the own inbox partitions."""
        await self._publisher.publish([[self._own_tick(partition)] for partition in self._rounds])

    def _own_tick(self, partition: int) -> Outgoing:
        value = write_tick(f"tenure/{self._decider.name}", None)
        return Outgoing(inbox(self._decider.name), partition, None, value)

    async def _step(self, turns: Sequence[Turn]) -> None:
        step = await self._decide_and_store(turns)
        await self._publish(step)

    async def _decide_and_store(self, turns: Sequence[Turn]) -> Step[S]:
        """Steps 1 to 4. Refused: what stands before it is stored; forget, load, decide again."""
        known: dict[tuple[str, str], Commit] = {}
        for attempt in range(MOST_ATTEMPTS):
            step: Step[S] = Step()
            await self._load(step, self._touched(turns))  # 1. load, with what is stored and not published
            for (customer, _), commit in known.items():
                append_cause(step.chains[customer], commit)
            self._decide(step, turns)  # 2. decide in order
            await self._due.add(step.listed)  # 3. ahead of the commits that need it
            try:
                for commits in slices(step.commits):
                    await self._store.append(commits)  # 4. the fence
                return step
            except Refused as refused:
                REFUSED_INSERTS.inc()
                log.info("insert_refused", index=refused.index, attempt=attempt + 1)
                await self._sleep(0.05 * attempt)  # the commit that explains it may not be readable by a majority yet
                known = await self._forget(turns)
        raise RuntimeError(f"an insert was refused {MOST_ATTEMPTS} times and nothing stored explains why")

    async def _publish(self, step: Step[S]) -> None:
        """Steps 5 to 7: only what is stored, then the marks, then (by the caller) the offsets."""
        if step.groups:
            await self._publisher.publish(step.groups)  # 5. returns when all is acknowledged
        if step.published:
            self._spawn(self._mark(step.published, self._snapshots(step)))  # 6. may be lost: then it is published again
        await self._due.remove(step.looked)

    def _touched(self, turns: Sequence[Turn]) -> set[str]:
        named = {item.question.customer for turn in turns for item in turn.items if isinstance(item, Put)}
        ticks = [(turn.partition, item.at) for turn in turns for item in turn.items if isinstance(item, Tick)]
        return named.union(*(self._due.before(partition, at) for partition, at in ticks))

    async def _load(self, step: Step[S], customers: Collection[str], rules: str | None = None) -> None:
        missing = [customer for customer in customers if customer not in self._cache]
        histories = await self._store.load(missing, rules=rules or self._decider.rules) if missing else {}
        for customer, history in histories.items():
            partition = partition_of(customer, self._partitions)
            chain = chain_from(self._decider, customer, partition, history)
            self._cache[customer] = chain
            for commit in history.commits:
                if not commit.published:
                    self._send(step, commit)
        for customer in customers:
            chain = self._cache.pop(customer)
            self._cache[customer] = step.chains[customer] = chain  # last used, last forgotten

    def _decide(self, step: Step[S], turns: Sequence[Turn]) -> None:
        for turn in turns:
            for item in turn.items:
                match item:
                    case Put(question):
                        chain = step.chains[question.customer]
                        if isinstance(question.cause, Received):
                            self._let_time_pass(step, chain, question.cause.at, inclusive=True)
                        self._answer(step, chain, item)
                    case Tick(at):
                        self._tick(step, turn, at)
                    case DeadLetter():
                        step.groups.append([set_aside(self._decider.name, item)])
        for chain in step.chains.values():
            self._list(step, chain)

    def _answer(self, step: Step[S], chain: Chain[S], item: Put) -> None:
        question = item.question
        if question.cause_id in chain.causes:
            DUPLICATES.labels(item.record.topic).inc()
            if chain.causes[question.cause_id] != question.digest:
                reason = f"{question.cause_id} was sent before with other content; use a new id"
                letter = DeadLetter(item.record, "id-used-again", [Problem("id", reason)])
                step.groups.append([set_aside(self._decider.name, letter)])
            return
        self._add(step, commit_for(self._decider, chain, question))
        if question.cause_id in chain.parked:
            PARKED.inc()
            with traced(question.traceparent):
                log.warning("cause_parked", cause=question.cause_id)

    def _tick(self, step: Step[S], turn: Turn, at: datetime) -> None:
        looks = self._due.before(turn.partition, at)
        touched = {c.customer for c in step.chains.values() if c.partition == turn.partition}
        for customer in sorted(touched | looks.keys()):
            self._let_time_pass(step, step.chains[customer], at, inclusive=False)
        step.looked |= {(turn.partition, bucket, customer) for customer, bucket in looks.items()}
        value = write_tick(f"tenure/{self._decider.name}", at)
        step.groups.append([Outgoing(CUSTOMER_EVENTS, turn.partition, None, value)])

    def _let_time_pass(self, step: Step[S], chain: Chain[S], at: datetime, *, inclusive: bool) -> None:
        """Decides what fell due for the customer; each at its own instant, once."""
        while (due := due_of(self._decider, chain)) is not None and (due.at < at or (inclusive and due.at == at)):
            question = question_of_clock(chain.customer, due)
            if question.cause_id in chain.causes:  # a bug of the decider, which must not stop the others
                log.error("due_did_not_move_on", service=self._decider.name, cause=question.cause_id)
                return
            self._add(step, commit_for(self._decider, chain, question))

    def _list(self, step: Step[S], chain: Chain[S]) -> None:
        """Every customer for whom something falls due stands on the list, in that bucket or an earlier one."""
        if chain.listed is not None and (chain.partition, chain.listed, chain.customer) in step.looked:
            chain.listed = None
        due = due_of(self._decider, chain)
        if due is None or (chain.listed is not None and chain.listed <= bucket_of(due.at)):
            return
        chain.listed = bucket_of(due.at)
        entry = chain.partition, chain.listed, chain.customer
        if entry in step.looked:
            step.looked.remove(entry)  # it stays where it is
        else:
            step.listed.append(entry)

    async def _forget(self, turns: Sequence[Turn]) -> dict[tuple[str, str], Commit]:
        """Evicts the customers of the batch; answers which of its causes are stored."""
        for customer in self._touched(turns):
            self._cache.pop(customer, None)
        questions = [item.question for turn in turns for item in turn.items if isinstance(item, Put)]
        return await self._store.find_causes({(q.customer, q.cause_id) for q in questions})

    def _add(self, step: Step[S], commit: Commit) -> None:
        step.commits.append(commit)
        self._send(step, commit)

    def _send(self, step: Step[S], commit: Commit) -> None:
        key = commit.customer.encode()
        step.groups.append([Outgoing(CUSTOMER_EVENTS, commit.partition, key, raw) for raw in commit.events])
        step.published.append(commit)

    async def _mark(self, commits: Sequence[Commit], snapshots: Sequence[Snapshot]) -> None:
        """A snapshot comes after the mark: one of commits not marked would hide them from the next load."""
        await self._store.mark_published(commits)
        if snapshots:
            await self._store.save_snapshots(snapshots)

    def _snapshots(self, step: Step[S]) -> list[Snapshot]:
        """Of what is published now, where the chain has grown enough. Taken at once: the chain goes on, and does not
        grow in memory with the customer's history."""
        due = [c for c in step.chains.values() if c.last - c.snapshot_last >= self._snapshot_every and not c.parked]
        for chain in due:
            chain.snapshot_last = chain.last
            chain.forget_causes(self._snapshot_every)
        return [Snapshot(c.customer, c.last, self._decider.rules, self._decider.dump(c.state)) for c in due]

    def _shrink(self) -> None:
        while len(self._cache) > MOST_CUSTOMERS:
            self._cache.pop(next(iter(self._cache)))


def append_cause(chain: Chain[Any], commit: Commit) -> None:
    """A cause that the store knows and the loaded part of the chain does not reach back to."""
    chain.causes.setdefault(commit.cause, read_fact(commit.events[0], FACT_TYPES).digest)
