"""What is published arrives whole and in order, or is said to be unknown; topics are as they should be."""

import asyncio
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.broker import Outgoing, PublishUnknown, TopicPartition
from shared.kafka_publisher import MAX_BATCH_BYTES, GroupTooLarge, KafkaPublisher, kafka_publisher, plan
from shared.kafka_topics import TopicsMissing, WrongTopics, check_record_times, check_topics, ensure_topics
from shared.profile import ProfileName
from shared.settings import Platform
from shared.topics import CUSTOMER_EVENTS, DEAD_LETTER_MAX_BYTES, Topic, dead_letters
from tests.wiring.on_kafka import Kafka
from tests.wiring.recording import WITHIN_S, Recording


def test_a_group_of_records_is_never_split() -> None:
    a_third = b"x" * (MAX_BATCH_BYTES // 3)
    groups = [[Outgoing("t", 0, b"k", a_third), Outgoing("t", 0, b"k", value)] for value in (b"1", b"2", a_third, b"4")]
    batches = plan(groups)[TopicPartition("t", 0)]
    assert [[*groups[0], *groups[1]], groups[2], groups[3]] == batches


async def test_a_full_produce_batch_is_sent_as_planned(kafka: Kafka) -> None:
    values = [bytes([n]) * 100_000 for n in range(25)]
    handler = Recording()
    await kafka.send(*values)
    async with kafka.reading(handler):
        await handler.until(lambda: len(handler.values) == len(values))
    assert values == handler.values


async def test_an_oversized_record_is_refused_before_anything_is_sent(kafka: Kafka) -> None:
    fits, too_large = Outgoing(kafka.topic, 0, None, b"fits"), Outgoing(kafka.topic, 1, None, b"x" * MAX_BATCH_BYTES)
    with pytest.raises(GroupTooLarge, match=f"{kafka.topic}/1"):
        await kafka.publisher.publish([[fits], [too_large]])
    handler = Recording()
    await kafka.send(b"only this")
    async with kafka.reading(handler):
        await handler.until(lambda: len(handler.values) == 1)
    assert [b"only this"] == handler.values


async def test_a_dead_letter_may_be_larger_than_a_batch(platform: Platform) -> None:
    topic = dead_letters("retention")
    await ensure_topics(platform, [Topic(topic, "of this test", keyed=False)])
    large = Outgoing(topic, 0, None, b"x" * (DEAD_LETTER_MAX_BYTES // 2))
    async with kafka_publisher(platform) as publisher:
        await publisher.publish([[large], [Outgoing(topic, 0, None, b"small")], [large]])
        with pytest.raises(GroupTooLarge):
            await publisher.publish([[Outgoing(topic, 0, None, b"x" * DEAD_LETTER_MAX_BYTES)]])


async def test_concurrent_publishes_keep_their_own_order_in_each_partition(kafka: Kafka) -> None:
    callers = 20
    await asyncio.gather(*(kafka.send(*(f"{n}-{i}".encode() for i in range(10))) for n in range(callers)))
    handler = Recording()
    async with kafka.reading(handler):
        await handler.until(lambda: len(handler.values) == callers * 10)
    for n in range(callers):
        own = [value for value in handler.values if value and value.startswith(f"{n}-".encode())]
        assert [f"{n}-{i}".encode() for i in range(10)] == own


async def test_a_producer_is_replaced_long_before_its_sequence_numbers_run_out(kafka: Kafka) -> None:
    publisher, seen = KafkaPublisher(kafka.platform, records_per_producer=2), set()
    for n in range(6):
        await publisher.publish([[Outgoing(kafka.topic, 0, None, b"%d" % n)]])
        seen.add(publisher._producer)
    await publisher.close()
    handler = Recording()
    async with kafka.reading(handler):
        await handler.until(lambda: len(handler.values) == 6)
    assert (3, [b"%d" % n for n in range(6)]) == (len(seen), handler.values)


async def test_a_cancelled_publish_leaves_a_publisher_that_works(kafka: Kafka) -> None:
    publishing = asyncio.create_task(kafka.send(*[b"x" * 1_000] * 2_000))
    await asyncio.sleep(0)
    publishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await publishing
    await kafka.send(b"works")


async def test_a_partition_that_does_not_exist_is_an_unknown_publish_and_the_next_one_works(kafka: Kafka) -> None:
    with pytest.raises(PublishUnknown):
        await kafka.publisher.publish([[Outgoing(kafka.topic, kafka.platform.partitions, None, b"nowhere")]])
    await kafka.send(b"somewhere")


async def test_a_broker_that_is_away_is_an_unknown_publish_within_the_deadline(platform: Platform) -> None:
    away = platform.model_copy(update={"kafka": "127.0.0.1:1", "publish_timeout_s": 1.0})
    async with asyncio.timeout(WITHIN_S), kafka_publisher(away) as publisher:
        with pytest.raises(PublishUnknown):
            await publisher.publish([[Outgoing("any", 0, None, b"v")]])


async def test_topics_are_made_once_and_another_number_of_partitions_is_refused(platform: Platform) -> None:
    topics = [Topic(f"topic-{uuid4().hex}", "of this test")]
    assert [topics[0].name] == await ensure_topics(platform, topics)
    assert [] == await ensure_topics(platform, topics)
    with pytest.raises(WrongTopics, match="has 2 partitions and this deployment is set to 3"):
        await ensure_topics(platform.model_copy(update={"partitions": 3}), topics)


async def test_nothing_is_auto_created_by_a_start_that_misses_a_topic(platform: Platform) -> None:
    with pytest.raises(TopicsMissing, match=r"interaction\.inbox"):
        await check_topics(platform, ["interaction.inbox"])
    admin = AIOKafkaAdminClient(bootstrap_servers=platform.kafka)
    await admin.start()
    assert "interaction.inbox" not in await admin.list_topics()
    await admin.close()


async def test_wall_time_is_refused_on_topics_that_take_the_senders_time(platform: Platform) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=platform.kafka)
    await admin.start()
    await admin.create_topics([NewTopic(CUSTOMER_EVENTS, platform.partitions, 1, topic_configs={})])
    await admin.close()
    for_trust = platform.model_copy(update={"profile": ProfileName.EMBEDDED})
    for_proof = platform.model_copy(update={"profile": ProfileName.LOCAL})
    await check_topics(for_trust, [CUSTOMER_EVENTS])
    with pytest.raises(WrongTopics, match=r"message\.timestamp\.type=LogAppendTime"):
        await check_topics(for_proof, [CUSTOMER_EVENTS])
    check_record_times({CUSTOMER_EVENTS: "LogAppendTime"})
