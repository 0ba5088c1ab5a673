"""Which topics are there, and are they kept as they must be? Made once for a deployment, checked at every start.

A topic that is missing is made with its own number of partitions; one that has another number is refused, because a
customer's records would go elsewhere than before. Clients never make a topic by themselves.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.connections import KafkaSecurity
from shared.kafka_client import client_options
from shared.kafka_refusals import start
from shared.settings import Platform, TimeSource
from shared.startup import WrongSetup, configured
from shared.topics import TOPICS, Topic

log = structlog.get_logger()

RECORD_TIME, BROKERS_OWN = "message.timestamp.type", "LogAppendTime"


class WrongTopics(WrongSetup):
    """The topics are not as this deployment needs them. The text says which, and what to do."""


class TopicsMissing(WrongTopics):
    """They may still be made: worth waiting for."""


async def ensure_topics(platform: Platform, topics: Sequence[Topic] = TOPICS) -> list[str]:
    """Makes what is missing; answers the names it made. Raises WrongTopics, KafkaError."""
    async with _admin(platform) as admin:
        known = await _partitions(admin)
        check_partitions(platform, topics, known)
        missing = [topic for topic in topics if topic.name not in known]
        if missing:
            _created(await admin.create_topics([_new(platform, topic) for topic in missing]))
        return [topic.name for topic in missing]


async def check_topics(platform: Platform, names: Sequence[str]) -> None:
    """Raises WrongTopics unless these exist as they should, with record times that can be trusted; TopicsMissing where
    only that is amiss. Raises KafkaError."""
    wanted = [topic for topic in TOPICS if topic.name in names]
    async with _admin(platform) as admin:
        known = await _partitions(admin)
        if absent := [name for name in names if name not in known]:
            raise TopicsMissing(
                f"topics are missing: {', '.join(absent)}; make them with `python -m shared.kafka_topics`"
                + (", or let this user see them" if platform.kafka_security is not KafkaSecurity.PLAINTEXT else "")
            )
        check_partitions(platform, wanted, known)
        if platform.time is TimeSource.WALL and not platform.deployment.trusts_record_times:
            check_record_times(await _record_times(admin, [topic.name for topic in wanted]))


def check_partitions(platform: Platform, topics: Sequence[Topic], known: dict[str, int]) -> None:
    for topic in topics:
        is_there, should_be = known.get(topic.name), _partition_count(platform, topic)
        if is_there is not None and is_there != should_be:
            raise WrongTopics(
                f"{topic.name} has {is_there} partitions and this deployment is set to {should_be}; "
                f"set TENURE_PARTITIONS to what the topics have"
            )


def check_record_times(record_times: dict[str, str]) -> None:
    """Topic -> its `message.timestamp.type`."""
    if wrong := [name for name, kind in record_times.items() if kind != BROKERS_OWN]:
        raise WrongTopics(
            f"time comes from the records, and {', '.join(wrong)} would take it from whoever sends; "
            f"set {RECORD_TIME}={BROKERS_OWN} on them"
        )


def config_of(platform: Platform, topic: Topic) -> dict[str, str]:
    return {
        RECORD_TIME: BROKERS_OWN,
        "min.insync.replicas": str(platform.deployment.min_insync),
        "unclean.leader.election.enable": "false",
        **topic.config,
    }


def _partition_count(platform: Platform, topic: Topic) -> int:
    return platform.partitions if topic.keyed else 1


def _new(platform: Platform, topic: Topic) -> NewTopic:
    return NewTopic(
        topic.name,
        num_partitions=_partition_count(platform, topic),
        replication_factor=platform.deployment.replication,
        topic_configs=config_of(platform, topic),
    )


def _created(response: Any) -> None:
    for name, code, *message in response.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:  # another process made it meanwhile
            raise error(f"{name}: {message[0] if message else error.description}")
        log.info("topic_created", topic=name)


async def _partitions(admin: AIOKafkaAdminClient) -> dict[str, int]:
    return {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}


async def _record_times(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, str]:
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    times = dict.fromkeys(names, "unknown")
    for response in await admin.describe_configs(asked):
        for _code, _message, _kind, name, entries in response.resources:
            times[name] = next((entry[1] for entry in entries if entry[0] == RECORD_TIME), "unknown")
    return times


@asynccontextmanager
async def _admin(platform: Platform) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**client_options(platform))
    try:
        await start(admin, platform)
        yield admin
    finally:
        await admin.close()


def main() -> None:
    """`python -m shared.kafka_topics` makes what is missing and ends."""
    platform = configured("topics")
    made = asyncio.run(ensure_topics(platform))
    log.info("topics_checked", made=len(made), there=len(TOPICS))


if __name__ == "__main__":
    main()
