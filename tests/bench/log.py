"""How long is a topic, and what stands in it? Asked of the broker without a group, so nobody's position moves."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from cli.topic_reader import read_to_end
from services.analytics.population.part import Result
from services.analytics.population.results import Results
from services.analytics.rules import Rules
from shared.broker import Record
from shared.topics import CUSTOMER_EVENTS, POPULATION

FETCH_BYTES = 1  # of a partition: the least that makes the broker say where its end is
WAIT_MS = 50
ANSWER_S = 15.0


def lengths(address: str, topics: Collection[str], partitions: int) -> dict[str, int]:
    """Records of each topic so far. By the mark that comes with what is fetched: asked directly for its ends, the
    embedded broker can fall short."""
    return asyncio.run(_lengths(address, topics, partitions))


def records(address: str) -> dict[int, list[Record]]:
    """The whole log, by partition."""
    found: dict[int, list[Record]] = defaultdict(list)
    asyncio.run(read_to_end(address, [CUSTOMER_EVENTS], lambda record: found[record.partition].append(record)))
    return found


def results(address: str, rules: Rules) -> Mapping[int, Result]:
    """What was said of the whole base, by week: the models that the log was judged by."""
    found, said = list[Record](), Results(rules)
    asyncio.run(read_to_end(address, [POPULATION], found.append))
    said.take(found)
    return said.by_week


def commits(log: Mapping[int, Sequence[Record]]) -> Counter[str]:
    """Domain service -> causes it has decided: each gave one commit, of one fact or more."""
    facts = (json.loads(record.value or b"") for records in log.values() for record in records if record.key)
    firsts = (fact for fact in facts if int(fact["sequence"]) == int(fact["commit"].partition("-")[0]))
    return Counter(fact["source"].removeprefix("tenure/") for fact in firsts)


async def _lengths(address: str, topics: Collection[str], partitions: int) -> dict[str, int]:
    places = [TopicPartition(topic, number) for topic in topics for number in range(partitions)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=address, enable_auto_commit=False, max_partition_fetch_bytes=FETCH_BYTES
    )
    await consumer.start()
    try:
        async with asyncio.timeout(ANSWER_S):
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            while any(consumer.highwater(place) is None for place in places):
                await consumer.getmany(*places, timeout_ms=WAIT_MS)
        return {t: sum(consumer.highwater(p) for p in places if p.topic == t) for t in topics}
    finally:
        await consumer.stop()
