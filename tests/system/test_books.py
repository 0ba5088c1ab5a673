"""On real servers: the books of a service balance, damage is found, and what was set aside comes back by a redrive."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr
from pymongo import MongoClient

from deploy.local.stack import LocalStack
from shared.contracts.values import format_time
from shared.domain_service import domain_service
from shared.profile import ProfileName
from shared.runtime import run
from shared.settings import Platform
from shared.topics import inbox, partition_of
from tests.servers import embedded_broker
from tests.system.ground import Ground
from tests.wiring import deciding
from tests.wiring.deciding import Rules

pytestmark = pytest.mark.system

PARTITIONS = 2
HOME = partition_of("anna", PARTITIONS)


@pytest.fixture(scope="module")
def shown(on: Ground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Servers, and a projection that shows what is published."""
    folder = tmp_path_factory.mktemp("state")
    with LocalStack(folder, free_ports=True, partitions=PARTITIONS, services=("projection",), **on) as stack:
        yield stack


@dataclass(frozen=True)
class Answer:
    code: int
    rows: list[dict[str, Any]]

    @property
    def results(self) -> dict[str, str]:
        """What was done, by what it was done to."""
        return {row["what"]: row["result"] for row in self.rows}


@dataclass(frozen=True)
class Retention:
    """The service in this process, under rules of the test's own, and what a person does beside it."""

    stack: LocalStack
    rules: Rules

    async def send(self, *values: bytes, partition: int = HOME) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.stack.kafka) as producer:
            for value in values:
                await producer.send_and_wait(inbox("retention"), value, key=b"anna", partition=partition)

    async def tenure(self, *arguments: str) -> Answer:
        env = {**os.environ, "TENURE_STATE": str(self.stack.folder.path)}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli.main", *arguments, "--json", env=env, stdout=PIPE, stderr=DEVNULL
        )
        said, _ = await process.communicate()
        return Answer(process.returncode or 0, [json.loads(line) for line in said.splitlines()])

    async def figures(self, channel: str = "shop") -> dict[str, int]:
        """Of a channel's records, when the books balance and nothing is in flight; those that are not zero."""
        answer = await self.tenure("audit", "--settle", "60")
        assert 0 == answer.code, answer.rows
        [account] = [a for a in answer.rows[0]["channels"] if a["channel"] == channel]
        return {name: n for name, n in account.items() if isinstance(n, int) and n}


@asynccontextmanager
async def retention(stack: LocalStack) -> AsyncIterator[Retention]:
    rules = Rules()
    profile, mongo = ProfileName(stack.deployment.profile), SecretStr(stack.mongo)
    platform = Platform(kafka=stack.kafka, mongo=mongo, profile=profile, partitions=PARTITIONS)
    process = asyncio.create_task(run("retention", lambda p: domain_service(rules.decider(), p), platform))
    try:
        yield Retention(stack, rules)
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        assert 0 == await process


def purchase(id_: str, **more: Any) -> bytes:
    return deciding.purchase(id_, time=format_time(datetime.now(UTC)), **more)


async def test_what_was_set_aside_comes_back_by_a_redrive_and_the_books_balance(shown: LocalStack) -> None:
    async with retention(shown) as service:
        service.rules.broken = {"shop|1"}
        await service.send(first := purchase("1"), purchase("2"), first)
        await service.send(purchase("3"), purchase("4"), partition=1 - HOME)
        await service.send(b'{"source": "shop"}')
        before = await service.figures()
        assert {"received": 6, "parked": 2, "duplicate": 1, "dead_lettered": 3} == before

        planned = await service.tenure("redrive", "--dry-run")
        assert (0, before) == (planned.code, await service.figures())
        assert "would go back to retention.inbox" in " ".join(planned.results.values())

        failing = await service.tenure("redrive", "--limit", "1")
        trouble = "still failing: ValueError: no rule for shop|1 after ()"
        assert (1, trouble) == (failing.code, failing.results["2 parked causes"])
        assert before == await service.figures()

        service.rules.broken.clear()
        done = await service.tenure("redrive", "--customer", "anna")
        assert {
            "2 parked causes": "released",
            f"dead letter retention.inbox/{1 - HOME}/0": f"went back to retention.inbox/{HOME}",
            f"dead letter retention.inbox/{1 - HOME}/1": f"went back to retention.inbox/{HOME}",
        }.items() <= done.results.items()
        after = {"received": 8, "recorded": 4, "duplicate": 1, "dead_lettered": 3, "redriven": 2}
        assert after == await service.figures()

        again = await service.tenure("redrive")
        assert (1, after) == (again.code, await service.figures())  # what cannot be read still needs somebody
        assert ["was sent again before"] * 2 == [r for r in again.results.values() if "before" in r]


async def test_a_commit_that_is_lost_is_named_by_the_audit(shown: LocalStack) -> None:
    async with retention(shown) as service:
        await service.send(purchase("lost", source="till"))
        assert {"received": 1, "recorded": 1} == await service.figures("till")
        with MongoClient[dict[str, Any]](shown.mongo) as database:
            commits = database["tenure_retention"]["commits"]
            lost = commits.find_one({"cause": "till|lost"})
            commits.delete_one({"cause": "till|lost"})
            answer = await service.tenure("audit")
            commits.insert_one(lost or {})
        found = answer.rows[0]["first_findings"]
        assert 1 == answer.code
        assert any("(till|lost of anna) is neither recorded nor set aside by retention" in f for f in found)


async def test_where_there_is_no_deployment_the_audit_does_not_say_that_all_is_well(tmp_path: Path) -> None:
    with embedded_broker(tmp_path) as address:  # of its own: others make topics on the shared one
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli.main", "audit", "--kafka", address, "--mongo", "mongodb://unused",
            "--database-prefix", "none", stdout=PIPE, stderr=PIPE,
        )  # fmt: skip
        out, said = await process.communicate()
    assert (2, b"") == (process.returncode, out)
    assert b"There is no topic customer.events" in said
